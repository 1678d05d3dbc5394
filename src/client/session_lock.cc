#include "client/session_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "client/status_json.h"
#include "tombolo/error.h"

namespace tombolo::client {

namespace {

constexpr int64_t holder_byte = 0;
constexpr int64_t waiter_byte = 1;
constexpr int64_t need_byte = 2;
constexpr size_t content_max = 64 << 10;  // a status is about 1 KiB
constexpr int read_attempts = 20;         // a write takes microseconds

std::string checksum(std::string_view text) {  // FNV-1a, 64 bits
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text)
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3U;
    return fmt::format("{:016x}", hash);
}

struct flock range(int64_t byte, int type) {
    struct flock lock {};
    lock.l_type = static_cast<short>(type);
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return lock;
}

std::optional<Told> read_content(const LockFile& file) {
    for (int attempt = 0; attempt < read_attempts; ++attempt) {
        std::string content(content_max, '\0');
        const ssize_t size = pread(file.descriptor(), content.data(), content.size(), 0);
        if (size <= 0) return std::nullopt;
        content.resize(static_cast<size_t>(size));
        const size_t line = content.find('\n');
        const size_t space = content.rfind(' ');
        if (line == std::string::npos || space == std::string::npos || space < line) continue;
        if (content.substr(space + 1) != checksum(content.substr(0, space)) + "\n") continue;  // caught in the middle of a write
        const std::optional<Status> status = status_from_json(content.substr(0, line));
        if (!status) return std::nullopt;
        return Told{*status, std::strtoll(content.c_str() + line + 1, nullptr, 10)};
    }
    return std::nullopt;
}

}  // namespace

LockFile::~LockFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

LockFile LockFile::open(const std::string& path, bool to_hold) {
    const int descriptor = ::open(path.c_str(), O_CLOEXEC | (to_hold ? O_RDWR | O_CREAT : O_RDONLY), 0644);
    if (descriptor >= 0) return LockFile(descriptor);
    if (!to_hold) return LockFile();
    const bool read_only = errno == EACCES || errno == EROFS || errno == EPERM;
    throw Error(read_only         ? ErrorCode::read_only
                : errno == ENOSPC ? ErrorCode::disk_full
                                  : ErrorCode::io,
                fmt::format("could not open {}: {}", path, std::strerror(errno)), "check the permissions of the file's folder");
}

bool LockFile::try_lock(int64_t byte, bool shared) const {
    struct flock lock = range(byte, shared ? F_RDLCK : F_WRLCK);
    if (fcntl(descriptor_, F_OFD_SETLK, &lock) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    throw Error(ErrorCode::io, fmt::format("could not lock the session file: {}", std::strerror(errno)),
                "put the device file on a file system that supports locks");
}

bool LockFile::locked_by_other(int64_t byte) const {
    struct flock lock = range(byte, F_WRLCK);
    return fcntl(descriptor_, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::string session_path(const std::string& device_path) {
    std::error_code failed;
    const std::filesystem::path real = std::filesystem::weakly_canonical(device_path, failed);
    return (failed ? device_path : real.string()) + "-session";
}

std::optional<SessionLock> SessionLock::try_hold(const std::string& device_path, bool needed) {
    LockFile file = LockFile::open(session_path(device_path), true);
    if (!needed && file.locked_by_other(need_byte)) return std::nullopt;
    if (!file.try_lock(holder_byte, false)) return std::nullopt;
    return SessionLock(std::move(file));
}

// A full disk only makes the status old, which is not worth failing for.
void SessionLock::tell(const Status& status, BootTime complete_as_of) {
    std::string content = fmt::format("{}\n{}", to_json(status), complete_as_of);
    content += " " + checksum(content) + "\n";
    const ssize_t written = pwrite(file_.descriptor(), content.data(), content.size(), 0);
    if (written == static_cast<ssize_t>(content.size()) && ftruncate(file_.descriptor(), written) != 0) return;
}

bool SessionLock::somebody_waits() const { return file_.locked_by_other(waiter_byte); }
bool SessionLock::somebody_needs_it() const { return file_.locked_by_other(need_byte); }

std::optional<SessionNeed> SessionNeed::try_need(const std::string& device_path) {
    LockFile file = LockFile::open(session_path(device_path), true);
    if (!file.try_lock(need_byte, false)) return std::nullopt;
    return SessionNeed(std::move(file));
}

SessionWaiter::SessionWaiter(const std::string& device_path) : file_(LockFile::open(session_path(device_path), true)) {
    file_.try_lock(waiter_byte, true);
}

std::optional<Told> told_by_holder(const std::string& device_path) {
    const LockFile file = LockFile::open(session_path(device_path), false);
    if (!file || !file.locked_by_other(holder_byte)) return std::nullopt;
    return read_content(file);
}

std::optional<Told> told_last(const std::string& device_path) {
    const LockFile file = LockFile::open(session_path(device_path), false);
    if (!file) return std::nullopt;
    return read_content(file);
}

}  // namespace tombolo::client
