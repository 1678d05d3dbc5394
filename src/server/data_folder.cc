#include "server/data_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "store/sqlite_store.h"
#include "tombolo/error.h"

namespace tombolo::server {

namespace {

[[noreturn]] void throw_system_error(const std::string& doing, int error) {
    const ErrorCode code = error == EACCES || error == EROFS || error == EPERM ? ErrorCode::read_only
                           : error == ENOSPC                                   ? ErrorCode::disk_full
                                                                               : ErrorCode::io;
    throw Error(code, fmt::format("could not {}: {}", doing, std::strerror(error)), "choose another folder with --data, or mend this one");
}

void make_folder(const std::string& path) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (failed) throw_system_error("make the folder " + path, failed.value());
}

}  // namespace

DataFolder::DataFolder(std::string path) : path_(std::move(path)) {
    make_folder(path_);
    const std::string file = path_ + "/hub.lock";
    lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock_ < 0) throw_system_error("open " + file, errno);
    if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return;
    const int error = errno;
    ::close(lock_);
    if (error != EWOULDBLOCK) throw_system_error("lock " + file, error);
    throw Error(ErrorCode::busy, fmt::format("another hub is working on the folder {}", path_),
                "stop that one, or choose another folder with --data");
}

DataFolder::~DataFolder() { ::close(lock_); }

std::unique_ptr<store::Store> DataFolder::open_space(const std::string& space, world::Random& random) const {
    make_folder(path_ + "/" + space);
    return store::open_sqlite_store(path_ + "/" + space + "/space.db", random);
}

}  // namespace tombolo::server
