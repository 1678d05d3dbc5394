#include "device/row_events.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tombolo::device {

namespace {
// SQLite nests triggers at most 1000 deep; more entries than these are leavings of failed statements.
constexpr size_t events_max = 4096;
}  // namespace

void RowEvents::push(RowEvent event, bool must_be_told) {
    event.serial = next_serial_++;
    if (must_be_told) untold_.push_back(event.serial);
    if (events_.size() >= events_max) events_.erase(events_.begin(), events_.begin() + events_max / 2);
    events_.push_back(std::move(event));
}

bool RowEvents::take(int operation, const CaptureFile::KnownTable& table, RowEvent& event) {
    for (auto at = events_.rbegin(); at != events_.rend(); ++at) {
        if (at->operation != operation || at->table != &table) continue;
        event = std::move(*at);
        events_.erase(std::next(at).base(), events_.end());
        tell(event.serial);
        return true;
    }
    return false;
}

bool RowEvents::take_delete(const CaptureFile::KnownTable& table, std::string_view key, RowEvent& event) {
    for (auto at = events_.rbegin(); at != events_.rend(); ++at) {
        if (at->operation != SQLITE_DELETE || at->table != &table || at->key != key) continue;
        event = std::move(*at);
        events_.erase(std::next(at).base(), events_.end());
        tell(event.serial);
        std::erase_if(events_, [&](const RowEvent& older) {
            const bool same = older.operation == SQLITE_DELETE && older.table == &table && older.key == key;
            if (same) tell(older.serial);
            return same;
        });
        return true;
    }
    return false;
}

void RowEvents::drop_displaced_by(const RowEvent& event) {
    while (!events_.empty()) {
        const RowEvent& last = events_.back();
        if (last.operation != SQLITE_DELETE || last.table != event.table || last.depth != event.depth) return;
        tell(last.serial);
        events_.pop_back();
    }
}

void RowEvents::tell(uint64_t serial) {
    const auto at = std::find(untold_.rbegin(), untold_.rend(), serial);  // nearly always the last
    if (at != untold_.rend()) untold_.erase(std::next(at).base());
}

void RowEvents::tell_newest_delete(const CaptureFile::KnownTable& table) {
    const auto at = std::find_if(events_.rbegin(), events_.rend(),
                                 [&](const RowEvent& event) { return event.operation == SQLITE_DELETE && event.table == &table; });
    if (at != events_.rend()) tell(at->serial);
}

void RowEvents::undo_from(uint64_t serial) {
    std::erase_if(events_, [&](const RowEvent& event) { return event.serial >= serial; });
    untold_.erase(std::lower_bound(untold_.begin(), untold_.end(), serial), untold_.end());
}

void RowEvents::end_transaction() {
    events_.clear();
    untold_.clear();
}

}  // namespace tombolo::device
