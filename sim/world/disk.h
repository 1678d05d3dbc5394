// A machine's disk: an in-memory SQLite VFS that forgets what was not synced.
//
// Every file has its present bytes (what a process sees) and its durable bytes (what power loss leaves, plus any part of what was
// written since the last sync, torn at sectors). Killing a process loses nothing; power loss loses what was not synced. WAL's
// shared memory and all locks die with the machine. Single-threaded.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "world/random.h"

namespace tombolo::sim {

class Disk {
public:
    // Registers a VFS under `name`, which must be unique in the process.
    explicit Disk(std::string name);
    ~Disk();
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    const char* vfs() const { return name_.c_str(); }

    // After so many more writes and syncs every call fails, as for a process that has been killed in the middle. 0: never.
    void die_after(uint64_t operations) { operations_left_ = operations; }
    bool dead() const { return dead_; }
    void fail_writes(bool full) { full_ = full; }  // every write answers SQLITE_FULL

    // The process is gone: locks and shared memory vanish; with power loss unsynced bytes do, in part. All handles must be closed.
    void restart(world::Random& random, bool power_loss);
    // The present bytes of every file, as a copy made by a user would be.
    void copy_from(const Disk& other);

    struct File;
    struct Handle;
    struct SharedMemory;
    struct Callbacks;

private:
    bool step();  // false: dead

    std::string name_;
    sqlite3_vfs vfs_{};
    std::map<std::string, std::shared_ptr<File>> files_;
    std::map<std::string, std::shared_ptr<SharedMemory>> shared_;
    uint64_t operations_left_ = 0;
    bool dead_ = false;
    bool full_ = false;
    friend struct Callbacks;
};

}  // namespace tombolo::sim
