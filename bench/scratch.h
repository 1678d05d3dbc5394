// Files of one run, and the plain SQLite file that the others are compared with.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "bench/harness.h"
#include "bench/rows.h"

namespace tombolo::bench {

// A folder where the disk is (TMPDIR), gone at the end.
class Scratch {
public:
    Scratch() : path_((std::filesystem::temp_directory_path() / "tombolo-bench-XXXXXX").string()) {
        if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a folder in TMPDIR");
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    std::string file(const std::string& name) const { return path_ + "/" + name; }
    void remove(const std::string& name) const {
        for (const char* suffix : {"", "-wal", "-shm"})
            std::filesystem::remove(file(name) + suffix);
    }

private:
    std::string path_;
};

inline sqlite::Connection open_plain(const std::string& path) {
    sqlite::Connection db = sqlite::Connection::open(path);
    db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    db.execute(tasks_table_sql);
    return db;
}

// Milliseconds of a plain bulk insert into a fresh file.
inline double plain_insert(const Scratch& scratch, const std::vector<Task>& tasks) {
    scratch.remove("plain.db");
    sqlite::Connection db = open_plain(scratch.file("plain.db"));
    return milliseconds([&] { insert_tasks(db, tasks); });
}

inline int64_t pages_in_use(sqlite::Connection& db) { return db.query_integer("PRAGMA page_count") - db.query_integer("PRAGMA freelist_count"); }

}  // namespace tombolo::bench
