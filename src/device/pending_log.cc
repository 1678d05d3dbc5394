#include "device/pending_log.h"

#include <fmt/format.h>

#include "base/coding.h"
#include "base/limits.h"
#include "tombolo/error.h"

namespace tombolo::device {

namespace {
constexpr size_t chunk_bytes_target = size_t{64} << 10;  // larger rows of the log were no faster to write
constexpr size_t length_bytes_max = 10;
}  // namespace

void PendingLog::add(std::string_view operation, size_t unlogged_bytes) {
    const size_t bytes = now_.bytes + operation.size() + unlogged_bytes;
    if (bytes > limits::transaction_bytes_max) {
        throw Error(ErrorCode::too_large,
                    fmt::format("the transaction is over {} MiB, the most that can be synced at once", limits::transaction_bytes_max >> 20),
                    "commit in smaller steps");
    }
    if (now_.chunks == 0 || (now_.size > 0 && now_.size + operation.size() + length_bytes_max > chunk_bytes_target)) {
        if (chunks_.size() == now_.chunks) chunks_.emplace_back().body.reserve(now_.chunks == 0 ? 0 : chunk_bytes_target);
        ++now_.chunks;
        now_.chunk_operations = 0;
        chunks_[now_.chunks - 1].body.clear();
    }
    Chunk& chunk = chunks_[now_.chunks - 1];
    put_bytes(chunk.body, operation);
    chunk.operations = ++now_.chunk_operations;
    now_.size = chunk.body.size();
    ++now_.operations;
    now_.bytes = bytes;
}

void PendingLog::on_rollback_to(int depth) {
    now_ = savepoints_.roll_back_to(depth);
    chunks_.resize(now_.chunks);
    if (now_.chunks == 0) return;
    chunks_.back().body.resize(now_.size);
    chunks_.back().operations = now_.chunk_operations;
}

void PendingLog::clear() {
    savepoints_.clear();
    now_ = {};
    if (chunks_.size() > 1) chunks_.resize(1);
    if (!chunks_.empty() && chunks_[0].body.capacity() > 2 * chunk_bytes_target) chunks_.clear();
}

}  // namespace tombolo::device
