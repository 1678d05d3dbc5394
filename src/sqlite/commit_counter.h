// How often a file in WAL mode was committed to, by whichever connection of whichever process.
//
// SQLite counts commits in the header of the wal-index, which every connection has mapped anyway: iChange in
// https://sqlite.org/walformat.html. Reading it takes no lock and no transaction. PRAGMA data_version, put aside, tells that somebody
// committed, and neither how often nor what of it was one's own.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>

namespace tombolo::sqlite {

class CommitCounter {
public:
    CommitCounter() = default;
    // `db` has its main file open in WAL mode, and outlives this.
    explicit CommitCounter(sqlite3* db);

    // Modulo 2^32; falls back when SQLite recovers the log after a crash. Nothing: the file is not in WAL mode. May be called inside a
    // hook; while the write lock is held, the number stands still.
    std::optional<uint32_t> read() const;

private:
    sqlite3_file* file_ = nullptr;
};

}  // namespace tombolo::sqlite
