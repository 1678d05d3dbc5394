// One row: what an arriving change does to its values and marks. Rows never decide alone; transaction.cc calls these.
#pragma once

#include <optional>
#include <vector>

#include "merge/merge.h"

namespace tombolo::merge {

// What a change finds, before the first of its cells is merged: for what is decided about more than one cell.
struct Before {
    std::optional<bool> whole_row_wins;  // Table::whole_rows: the arriving lww cells win, or lose, together
    std::vector<Value> values;           // the stored row; only for a change with a cell of an `sql` column
};

// A change that is being merged into a row: where, by whom, and who is told. References, for one merge_transaction.
struct Arrival {
    const Table& table;
    std::string_view key;
    const Writer& writer;
    History* history = nullptr;
    Expressions* expressions = nullptr;
    const ChangeView* change = nullptr;
    const Before* before = nullptr;  // as change, only while cells are merged
};

// A retry keeps its old stamp, so the same site may have written later what the retry would now overwrite.
bool is_later_own(const WriteMark& mark, const Writer& writer);
// The writer did not know this mark's write, or one of a stranger's below it.
bool is_unseen(const WriteMark& mark, const Writer& writer);
// As is_unseen, but only for writes of other sites.
bool is_concurrent(const WriteMark& mark, const Writer& writer);
// The writer knew that this life had begun.
bool knows_birth(const RowMeta& meta, const Writer& writer);

// Counts an accepted insert or update of the row, also one whose cells all lost. Who writes a row that he knows somebody wants
// deleted, keeps it.
void touch(RowState& row, const Arrival& arrival);
// The row as `insert` made it; nothing of an earlier life stays but that there was one.
void begin_life(RowState& row, const ChangeView& insert, const Arrival& arrival);
// `moved`: the same transaction inserts rows of this table.
void end_life(RowState& row, bool moved, const Arrival& arrival);
void revive(RowState& row);

struct CellOutcome {
    bool merged = false;    // the write lost, or was combined with one its author had not seen
    bool conflict = false;  // a person is to decide
    RejectCode code = RejectCode::none;
    const char* reason = "";
};
// Before the cells of `change`; adds the defaults of columns the row is too old for.
Before look_before(RowState& row, const Table& table, const ChangeView& change, const Writer& writer);
CellOutcome merge_cell(RowState& row, const CellView& cell, const Arrival& arrival);

}  // namespace tombolo::merge
