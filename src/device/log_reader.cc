#include "device/log_reader.h"

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
    : chunks_(db.prepare("SELECT body FROM main.tombolo_log WHERE position BETWEEN ?1 AND ?2 ORDER BY position")), number_(number) {
    rewind();
    while (next() != nullptr) {
        only_inserts_ = only_inserts_ && op_.kind == LogKind::insert;
        ++size_;
    }
    if (size_ == 0) fail_log();
    rewind();
}

void LogReader::rewind() {
    chunks_.reset();
    chunks_.bind(1, number_ << position_index_bits).bind(2, ((number_ + 1) << position_index_bits) - 1);
    chunk_ = {};
    at_first_ = true;
}

bool LogReader::open_chunk() {
    if (!chunks_.step()) return false;
    chunk_ = Reader(chunks_.blob(0));
    if (at_first_ && !read_context(chunk_, context_)) fail_log();
    at_first_ = false;
    return true;
}

const LogOp* LogReader::next() {
    if (chunk_.at_end() && !open_chunk()) return nullptr;
    if (!read_op(chunk_, op_)) fail_log();
    return &op_;
}

}  // namespace tombolo::device
