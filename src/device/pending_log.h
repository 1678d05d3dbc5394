// The captured operations of a transaction that is still open, in memory, as the bytes that its commit writes to tombolo_log.
// What is rolled back to a savepoint is forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "device/savepoints.h"

namespace tombolo::device {

class PendingLog {
public:
    struct Chunk {
        uint64_t operations = 0;
        std::string body;
    };

    // `unlogged_bytes` are written to the table only, but sent one day. Error(too_large) over a transaction's limit.
    void add(std::string_view operation, size_t unlogged_bytes = 0);
    bool empty() const { return now_.operations == 0; }
    uint64_t operations() const { return now_.operations; }
    size_t chunk_count() const { return now_.chunks; }
    const Chunk& chunk(size_t index) const { return chunks_[index]; }

    void on_savepoint(int depth) { savepoints_.begin(depth, now_); }
    void on_release(int depth) { savepoints_.release(depth); }
    void on_rollback_to(int depth);
    void clear();

private:
    struct State {
        size_t chunks = 0;
        size_t size = 0;  // of the last chunk, and its operations
        uint64_t chunk_operations = 0;
        uint64_t operations = 0;
        size_t bytes = 0;
    };

    std::vector<Chunk> chunks_;  // the first now_.chunks are in use; one is kept for the next transaction
    State now_;
    Savepoints<State> savepoints_;
};

}  // namespace tombolo::device
