#include "merge/row.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "merge/candidates.h"
#include "merge/policies.h"
#include "merge/telling.h"

namespace tombolo::merge {

namespace {
WriteMark birth_mark(const RowMeta& meta) { return {meta.birth.site, meta.birth.seq, Seq{}, meta.birth_stamp}; }

// A column younger than the row's marks has the mark of the birth.
WriteMark cell_mark(const RowMeta& meta, uint32_t column) { return column < meta.cells.size() ? meta.cells[column] : birth_mark(meta); }

// Gives every cell a mark of its own.
WriteMark& own_mark(RowMeta& meta, const Table& table, uint32_t column) {
    if (meta.cells.size() < table.columns.size()) meta.cells.resize(table.columns.size(), birth_mark(meta));
    return meta.cells[column];
}

void claim(WriteMark& mark, const Writer& writer, bool keep_stamp) {
    if (mark.site != writer.site) mark.other = mark.seq;
    mark.stamp = keep_stamp ? std::max(mark.stamp, writer.stamp) : writer.stamp;
    mark.site = writer.site;
    mark.seq = writer.seq;
}

Situation situation_of(const RowState& row, const WriteMark& mark, const CellView& cell, const Writer& writer) {
    return {.stored = row.values[cell.column],
            .base = cell.base,
            .arriving = cell.value,
            .unseen = is_unseen(mark, writer),
            .own = mark.site == writer.site,
            .later = Stamp{writer.stamp, writer.site} > Stamp{mark.stamp, mark.site},
            .superseded = is_later_own(mark, writer) || has_later_own(row, cell.column, writer),
            .replaced = is_later_own(mark, writer)};
}

// As decide_lww over all cells that are lww: the row they make up has the stamp of the newest.
bool whole_row_wins(const RowState& row, const Table& table, const Writer& writer) {
    for (uint32_t column = 0; column < table.columns.size(); ++column) {
        if (!table.is_of_whole(column)) continue;
        const WriteMark mark = cell_mark(row.meta, column);
        if (decide_lww(situation_of(row, mark, {column, {}, {}}, writer)).take == Take::stored) return false;
    }
    return true;
}

std::optional<Value> evaluate(const CellView& cell, const Arrival& arrival) {
    if (arrival.expressions == nullptr) return std::nullopt;
    const std::vector<ValueView> theirs(arrival.before->values.begin(), arrival.before->values.end());
    std::vector<ValueView> mine = theirs;
    for (const CellView& written : arrival.change->cells)
        mine[written.column] = written.value;
    return arrival.expressions->evaluate({arrival.table, cell.column, cell.base, mine, theirs});
}

Decision decide_cell(const Situation& situation, const CellView& cell, const Arrival& arrival) {
    if (arrival.table.is_of_whole(cell.column)) {
        const bool wins = arrival.before->whole_row_wins.value();
        return {.take = wins ? Take::arriving : Take::stored, .claims = wins};
    }
    const ColumnPolicy policy = arrival.table.columns[cell.column].policy;
    if (policy != ColumnPolicy::sql) return decide(policy, situation);
    const std::function<std::optional<Value>()> expression = [&] { return evaluate(cell, arrival); };
    Situation asking = situation;
    asking.expression = &expression;
    return decide_sql(asking);
}
}  // namespace

bool is_later_own(const WriteMark& mark, const Writer& writer) { return writer.retry && mark.site == writer.site && mark.stamp > writer.stamp; }

bool is_concurrent(const WriteMark& mark, const Writer& writer) { return (mark.site != writer.site ? mark.seq : mark.other) > writer.seen; }

bool is_unseen(const WriteMark& mark, const Writer& writer) { return is_concurrent(mark, writer) || is_later_own(mark, writer); }

bool knows_birth(const RowMeta& meta, const Writer& writer) { return meta.birth.site == writer.site || meta.birth.seq <= writer.seen; }

void touch(RowState& row, const Arrival& arrival) {
    WriteMark& mark = row.meta.touch;
    claim(mark, arrival.writer, mark.site == arrival.writer.site);
    close_seen(row, Candidate::row_itself, arrival);
}

void begin_life(RowState& row, const ChangeView& insert, const Arrival& arrival) {
    const Writer& writer = arrival.writer;
    orphan_all(row, arrival);
    const bool reborn = row.existence == Existence::dead;
    const size_t columns = insert.table->columns.size();
    row.existence = Existence::alive;
    row.values.clear();
    row.values.resize(columns);
    for (const CellView& cell : insert.cells) {
        TOMBOLO_ASSERT(cell.column < columns);
        row.values[cell.column] = Value(cell.value);
    }
    row.meta.birth = {writer.site, writer.seq};
    row.meta.birth_stamp = writer.stamp;
    row.meta.reborn = reborn;
    row.meta.death = {};
    row.meta.moved = false;
    row.meta.touch = birth_mark(row.meta);
    row.meta.cells.clear();
}

void end_life(RowState& row, bool moved, const Arrival& arrival) {
    row.existence = Existence::dead;
    row.meta.death = {arrival.writer.site, arrival.writer.seq};
    row.meta.moved = moved;
    close_seen(row, Candidate::row_itself, arrival);
    close_equal(row, Candidate::row_itself, {}, arrival);
}

void revive(RowState& row) {
    row.existence = Existence::alive;
    row.meta.death = {};
    row.meta.moved = false;
}

Before look_before(RowState& row, const Table& table, const ChangeView& change, const Writer& writer) {
    add_defaults(table, row.values);
    Before before;
    if (table.whole_rows) before.whole_row_wins = whole_row_wins(row, table, writer);
    const bool asks = std::any_of(change.cells.begin(), change.cells.end(),
                                  [&](const CellView& cell) { return table.columns[cell.column].policy == ColumnPolicy::sql; });
    if (asks) before.values = row.values;
    return before;
}

CellOutcome merge_cell(RowState& row, const CellView& cell, const Arrival& arrival) {
    const Table& table = arrival.table;
    const Writer& writer = arrival.writer;
    TOMBOLO_ASSERT(cell.column < table.columns.size());
    add_defaults(table, row.values);
    Value& stored = row.values[cell.column];
    const WriteMark mark = cell_mark(row.meta, cell.column);
    const Situation situation = situation_of(row, mark, cell, writer);
    Decision decision = decide_cell(situation, cell, arrival);
    if (decision.code != RejectCode::none) return {.code = decision.code, .reason = decision.reason};

    Value replaced;  // copied only for a history that wants it
    if (arrival.history != nullptr && situation.unseen && decision.take == Take::arriving) replaced = stored;
    std::optional<Value> folded_base;
    if (!situation.superseded) folded_base = close_seen(row, cell.column, arrival);
    if (decision.take == Take::arriving) stored = Value(cell.value);
    if (decision.take == Take::combined) stored = std::move(decision.combined);
    if (decision.take != Take::stored) close_equal(row, cell.column, stored, arrival);
    if (decision.opens) open_cell(row, cell, folded_base ? *std::move(folded_base) : Value(cell.base), arrival);
    if (decision.claims) claim(own_mark(row.meta, table, cell.column), writer, decision.keeps_stamp);
    const bool combined = decision.keeps_stamp && is_concurrent(mark, writer);
    const CellOutcome outcome{.merged = combined || !(stored.view() == cell.value), .conflict = decision.opens};
    tell_cell({cell, mark, decision, replaced, stored, situation.unseen, situation.superseded}, outcome, arrival);
    return outcome;
}

}  // namespace tombolo::merge
