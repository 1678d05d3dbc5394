// The open conflicts of one row: opened by a write that a person must decide on, closed by a write of one who had seen them.
#pragma once

#include <optional>

#include "merge/row.h"

namespace tombolo::merge {

// A retry whose site has a later write waiting here: nothing of it is to be done.
bool has_later_own(const RowState& row, uint32_t column, const Writer& writer);

// The arriving write takes the place of what its author had seen, and of his own earlier ones. Returns the base of the earlier own one
// whose place it takes: what he saw before he wrote either.
std::optional<Value> close_seen(RowState& row, uint32_t column, const Arrival& arrival);
void close_equal(RowState& row, uint32_t column, const ValueView& value, const Arrival& arrival);
void orphan_all(RowState& row, const Arrival& arrival);

// `cell` stays aside as a candidate of the arriving transaction, over `base`.
void open_cell(RowState& row, const CellView& cell, Value base, const Arrival& arrival);
// The row stays, against the deletion that arrives; `image` is the row as its author saw it.
void open_deletion(RowState& row, const ChangeView& deletion, const Arrival& arrival);
// The row comes back, against the deletion that was accepted.
void open_turned_back(RowState& row, const Arrival& arrival);

}  // namespace tombolo::merge
