// Tells a CommitBoard what one connection of ours commits, through hooks that are ours on our own connections.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "device/touched_tables.h"
#include "sqlite/commit_counter.h"
#include "sqlite/connection.h"
#include "watch/commit_board.h"

namespace tombolo::watch {

// Used on the thread that uses the connection; gone, or detached, before the connection is closed.
class CommitReporter {
public:
    CommitReporter() = default;
    ~CommitReporter() { detach(); }
    CommitReporter(const CommitReporter&) = delete;
    CommitReporter& operator=(const CommitReporter&) = delete;

    // Reports from now on if the board is in use; next to nothing otherwise. `db` captures (device/capture.h) and has no transaction
    // open.
    void follow(sqlite::Connection& db, const std::shared_ptr<CommitBoard>& board);
    // Soon after each commit: until then the board does not know whether there was one.
    void settle();
    void detach();

private:
    struct Open {
        uint64_t claim = 0;
        uint32_t number = 0;
        int pages_written = 0;  // by the connection, before
    };

    void before_commit();
    int pages_written() const;

    sqlite3* db_ = nullptr;  // nullptr: nothing is reported
    std::shared_ptr<CommitBoard> board_;
    sqlite::CommitCounter counter_;
    device::TouchedTables touched_;
    std::optional<Open> open_;
};

}  // namespace tombolo::watch
