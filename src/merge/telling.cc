#include "merge/telling.h"

namespace tombolo::merge {

namespace {
void meet(uint32_t column, CellFate fate, SiteNumber other, const Arrival& arrival, Seq candidate = {}) {
    arrival.history->met(arrival.table, arrival.key, {column, fate, other, candidate});
}

// Of two writes that had not seen each other, one is stored and the other is nowhere.
void put_aside(const DecidedCell& decided, const Arrival& arrival) {
    const auto& [cell, mark, decision, replaced, stored, unseen, superseded] = decided;
    const Writer& writer = arrival.writer;
    PutAside aside{.column = cell.column, .value = {}, .base = cell.base, .stored = stored, .site = {}, .stored_site = {}};
    if (decision.take == Take::arriving) {
        if (mark.site == writer.site || replaced == cell.value) return;  // his own earlier write, or the same
        aside.value = replaced;
        aside.site = mark.site;
        aside.stamp = mark.stamp;
        aside.stored_site = writer.site;
    } else {
        if (superseded || cell.value == stored) return;
        aside.value = cell.value;
        aside.site = writer.site;
        aside.stamp = writer.stamp;
        aside.stored_site = mark.site;
    }
    arrival.history->put_aside(arrival.table, arrival.key, aside);
}
}  // namespace

void tell_cell(const DecidedCell& decided, const CellOutcome& outcome, const Arrival& arrival) {
    const Decision& decision = decided.decision;
    const bool chooses = !decision.keeps_stamp && !decision.opens;
    const bool lost_with_its_row = chooses && decision.take == Take::stored && outcome.merged;  // a cell of Table::whole_rows
    if (arrival.history == nullptr || (!decided.unseen && !lost_with_its_row)) return;
    if (chooses) put_aside(decided, arrival);
    if (outcome.conflict) {
        meet(decided.cell.column, CellFate::waits, decided.mark.site, arrival, arrival.writer.seq);
    } else if (outcome.merged) {
        const bool lost = decision.take == Take::stored && !(decided.cell.value == decided.stored);
        meet(decided.cell.column, lost ? CellFate::lost : CellFate::combined, decided.mark.site, arrival);
    }
}

void tell_beaten_update(const ChangeView& update, SiteNumber by, const RowState* row, const Arrival& arrival) {
    if (arrival.history == nullptr || by == arrival.writer.site) return;
    const Writer& writer = arrival.writer;
    for (const CellView& cell : update.cells) {
        const bool stands = row != nullptr && cell.column < row->values.size();
        const ValueView stored = stands ? row->values[cell.column].view() : ValueView();
        meet(cell.column, CellFate::lost, by, arrival);
        if (row != nullptr && stored == cell.value) continue;
        arrival.history->put_aside(arrival.table, arrival.key, {cell.column, cell.value, cell.base, stored, writer.site, writer.stamp, by});
    }
}

void tell_beaten_cells(const RowState& row, const ChangeView& deletion, const Arrival& arrival) {
    if (arrival.history == nullptr || !is_unseen(row.meta.touch, arrival.writer)) return;
    for (const CellView& cell : deletion.cells) {
        if (cell.column >= row.values.size()) continue;
        const ValueView value = row.values[cell.column];
        const WriteMark mark = row.meta.cell(cell.column);
        if (mark.site == arrival.writer.site || !is_unseen(mark, arrival.writer) || value == cell.base) continue;
        arrival.history->put_aside(arrival.table, arrival.key, {cell.column, value, cell.base, {}, mark.site, mark.stamp, arrival.writer.site});
    }
}

void tell_row(CellFate fate, SiteNumber other, const Arrival& arrival, Seq candidate) {
    if (arrival.history != nullptr) meet(Candidate::row_itself, fate, other, arrival, candidate);
}

}  // namespace tombolo::merge
