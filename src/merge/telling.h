// What the history is told of a change that is being merged. Nothing, and at no cost, where nobody listens or nothing was concurrent.
#pragma once

#include "merge/policies.h"
#include "merge/row.h"

namespace tombolo::merge {

// Of one cell that was decided. `mark`: of the stored value before; `replaced`: that value, where the decision took another.
struct DecidedCell {
    const CellView& cell;
    const WriteMark& mark;
    const Decision& decision;
    ValueView replaced;
    ValueView stored;  // now
    bool unseen = false;
    bool superseded = false;
};
void tell_cell(const DecidedCell& decided, const CellOutcome& outcome, const Arrival& arrival);

// An update that a deletion beats: what it would have written. `by`: who made the row as it is now; `row`: what it is, nullptr: gone.
void tell_beaten_update(const ChangeView& update, SiteNumber by, const RowState* row, const Arrival& arrival);
// A deletion that beats updates its author had not seen: what they had written. Before the row ends.
void tell_beaten_cells(const RowState& row, const ChangeView& deletion, const Arrival& arrival);
// Of the row itself: its deletion, or an insertion that met another.
void tell_row(CellFate fate, SiteNumber other, const Arrival& arrival, Seq candidate = {});

}  // namespace tombolo::merge
