#include "merge/candidates.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "model/record.h"

namespace tombolo::merge {

namespace {
bool is_later(const Candidate& candidate, const Writer& writer) { return candidate.number.value == 0 || candidate.stamp > writer.stamp; }

// How the arriving write closes `candidate`, if it does.
std::optional<Closing> closing_of(const Candidate& candidate, const Writer& writer) {
    if (candidate.seq <= writer.seen) return Closing::resolved;
    if (candidate.site != writer.site || (writer.retry && is_later(candidate, writer))) return std::nullopt;
    return Closing::folded;
}

// Closes the candidates of `column` for which `why` has a reason.
template <typename Why>
void close(RowState& row, uint32_t column, const Arrival& arrival, Why why) {
    const auto closes = [&](const Candidate& candidate) {
        if (candidate.column != column) return false;
        const std::optional<Closing> reason = why(candidate);
        if (reason && arrival.history != nullptr) arrival.history->closed(arrival.table, arrival.key, candidate, *reason);
        return reason.has_value();
    };
    row.candidates.erase(std::remove_if(row.candidates.begin(), row.candidates.end(), closes), row.candidates.end());
}

void open(RowState& row, Candidate candidate, const Arrival& arrival) {
    if (arrival.history != nullptr) arrival.history->opened(arrival.table, arrival.key, candidate);
    row.candidates.push_back(std::move(candidate));
}
}  // namespace

bool has_later_own(const RowState& row, uint32_t column, const Writer& writer) {
    return writer.retry && std::any_of(row.candidates.begin(), row.candidates.end(), [&](const Candidate& candidate) {
               return candidate.column == column && candidate.site == writer.site && is_later(candidate, writer);
           });
}

std::optional<Value> close_seen(RowState& row, uint32_t column, const Arrival& arrival) {
    std::optional<Value> base;
    close(row, column, arrival, [&](const Candidate& candidate) {
        const std::optional<Closing> why = closing_of(candidate, arrival.writer);
        if (why == Closing::folded) base = candidate.base;  // one at most: a site's next write of a cell folds its last
        return why;
    });
    return base;
}

void close_equal(RowState& row, uint32_t column, const ValueView& value, const Arrival& arrival) {
    close(row, column, arrival,
          [&](const Candidate& candidate) { return candidate.value.view() == value ? std::optional(Closing::equal) : std::nullopt; });
}

void orphan_all(RowState& row, const Arrival& arrival) {
    for (const Candidate& candidate : row.candidates) {
        if (arrival.history != nullptr) arrival.history->closed(arrival.table, arrival.key, candidate, Closing::orphaned);
    }
    row.candidates.clear();
}

void open_cell(RowState& row, const CellView& cell, Value base, const Arrival& arrival) {
    const Writer& writer = arrival.writer;
    open(row, {cell.column, Value(cell.value), std::move(base), writer.site, writer.number, writer.seq, writer.stamp}, arrival);
}

void open_deletion(RowState& row, const ChangeView& deletion, const Arrival& arrival) {
    const Writer& writer = arrival.writer;
    std::string image;
    for (const CellView& cell : deletion.cells)
        put_value(image, cell.base);
    open(row, {Candidate::row_itself, {}, Value::blob(std::move(image)), writer.site, writer.number, writer.seq, writer.stamp}, arrival);
}

void open_turned_back(RowState& row, const Arrival& arrival) {
    const LifeMark& death = row.meta.death;
    open(row, {Candidate::row_itself, {}, Value::blob(encode_record(row.values)), death.site, {}, death.seq, 0}, arrival);
}

}  // namespace tombolo::merge
