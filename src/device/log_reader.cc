#include "device/log_reader.h"

#include <algorithm>

namespace tombolo::device {

namespace {
[[noreturn]] void fail_log() { throw Error(ErrorCode::corrupt, "the log of local writes cannot be read", "restore the file from a backup"); }
}  // namespace

uint64_t newest_logged(sqlite::Connection& db, uint64_t below) {
    sqlite::Statement& newest = db.cached("SELECT max(position) FROM main.tombolo_log WHERE position < ?1");
    const sqlite::ResetGuard guard(newest);
    const int64_t bound = below >= (uint64_t{1} << 31) ? INT64_MAX : static_cast<int64_t>(below << position_index_bits);
    newest.with(bound).step();
    return newest.is_null(0) ? 0 : newest.number(0) >> position_index_bits;
}

LogReader::LogReader(sqlite::Connection& db, uint64_t number)
    : rows_(db.prepare("SELECT position, body FROM main.tombolo_log WHERE position BETWEEN ?1 AND ?2 ORDER BY position")),
      row_(db.prepare("SELECT body FROM main.tombolo_log WHERE position = ?1")),
      number_(number) {
    survey();
    rewind();
}

// One look over all kinds: how many operations, of which kinds, and whether any was logged late.
void LogReader::survey() {
    bool moved = false;
    rewind();
    while (rows_.step()) {
        const uint64_t index = rows_.number(0) & position_index_mask;
        open(rows_.blob(1), index);
        only_inserts_ = only_inserts_ && op_.kind == LogKind::insert;
        moved = moved || op_.moved != 0;
        ++size_;
    }
    if (size_ == 0) fail_log();
    if (!moved) return;
    std::vector<Place> order;
    rewind();
    while (rows_.step()) {
        const uint64_t index = rows_.number(0) & position_index_mask;
        open(rows_.blob(1), index);
        if (op_.moved > index) fail_log();
        order.push_back({index - op_.moved, op_.moved != 0, index});
    }
    // Of those that belong before one and the same operation, the outermost was logged last.
    std::sort(order.begin(), order.end(), [](const Place& a, const Place& b) {
        if (a.before != b.before) return a.before < b.before;
        if (a.moved != b.moved) return a.moved;
        return a.index > b.index;
    });
    order_ = std::move(order);
}

void LogReader::rewind() {
    rows_.reset();
    rows_.bind(1, number_ << position_index_bits).bind(2, (number_ << position_index_bits) | position_index_mask);
    next_place_ = 0;
}

void LogReader::open(std::string_view body, uint64_t index) {
    Reader in(body);
    if (index == 0 && !read_context(in, context_)) fail_log();
    if (!read_op(in, op_)) fail_log();
}

const LogOp* LogReader::next() {
    if (order_.empty()) {
        if (!rows_.step()) return nullptr;
        open(rows_.blob(1), rows_.number(0) & position_index_mask);
        return &op_;
    }
    if (next_place_ == order_.size()) return nullptr;
    const uint64_t index = order_[next_place_++].index;
    row_.reset();
    if (!row_.bind(1, number_ << position_index_bits | index).step()) fail_log();
    open(row_.blob(0), index);
    return &op_;
}

}  // namespace tombolo::device
