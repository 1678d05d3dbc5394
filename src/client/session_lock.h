// The session of a device file: one process at a time holds it, and everybody may read how it fares.
//
// A file DEVICE-session beside the device file. Byte 0 is locked by the holder, byte 1 by those who wait for its result, byte 2 by
// one who needs the session for a moment: the holder then lets go, and takes it again when byte 2 is free. Locks
// belong to the open file, so they end with the process however it ends. The content is what the holder told last:
//
//   line 1   its status, JSON
//   line 2   complete_as_of (below), a space, and a checksum of all before it: a reader may look in the middle of a write
//
// The file stays when the holder is gone, for its last error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/ids.h"
#include "tombolo/status.h"

namespace tombolo::client {

// An open file that closes itself, and with it gives up its locks.
class LockFile {
public:
    LockFile() = default;
    explicit LockFile(int descriptor) : descriptor_(descriptor) {}
    LockFile(LockFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    LockFile& operator=(LockFile&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~LockFile();

    // To hold a lock the file is made where it is missing; to look, it is opened for reading: empty when there is none. Throws Error(read_only) or
    // Error(io).
    static LockFile open(const std::string& path, bool to_hold);

    explicit operator bool() const { return descriptor_ >= 0; }
    int descriptor() const { return descriptor_; }
    bool try_lock(int64_t byte, bool shared) const;
    bool locked_by_other(int64_t byte) const;

private:
    int descriptor_ = -1;
};

std::string session_path(const std::string& device_path);

class SessionLock {
public:
    // nullopt: another process, or another object in this one, holds the session, or needs it (unless it is us: `needed`).
    static std::optional<SessionLock> try_hold(const std::string& device_path, bool needed);

    void tell(const Status& status, BootTime complete_as_of);
    bool somebody_waits() const;
    bool somebody_needs_it() const;

private:
    explicit SessionLock(LockFile file) : file_(std::move(file)) {}

    LockFile file_;
};

// While one of these lives, the holder proves itself to the hub at once instead of at its next heartbeat.
class SessionWaiter {
public:
    explicit SessionWaiter(const std::string& device_path);

private:
    LockFile file_;
};

// Makes the holder let go of the session as long as this lives.
class SessionNeed {
public:
    static std::optional<SessionNeed> try_need(const std::string& device_path);  // nullopt: somebody else needs it already

private:
    explicit SessionNeed(LockFile file) : file_(std::move(file)) {}

    LockFile file_;
};

struct Told {
    Status status;
    BootTime complete_as_of = -1;  // everything the hub had then is applied; -1: not so, or not known
};
// What the holder told last; nullopt while nobody holds the session.
std::optional<Told> told_by_holder(const std::string& device_path);
// What the last holder told before it ended; nullopt if there was none.
std::optional<Told> told_last(const std::string& device_path);

}  // namespace tombolo::client
