#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>

#include "tombolo/error.h"
#include "watch/file_signal.h"

namespace tombolo::watch {

FileSignal::FileSignal(const std::string& path) : woken_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (woken_ < 0) throw Error(ErrorCode::io, "there is no file descriptor left for live queries");
    writes_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (writes_ < 0 || inotify_add_watch(writes_, (path + "-wal").c_str(), IN_MODIFY) >= 0) return;
    close(writes_);
    writes_ = -1;
}

FileSignal::~FileSignal() {
    close(woken_);
    if (writes_ >= 0) close(writes_);
}

namespace {
void drain(int descriptor) {
    char events[4096];
    while (read(descriptor, events, sizeof events) > 0) {
    }
}
}  // namespace

FileSignal::Cause FileSignal::wait(bool listening, std::optional<std::chrono::milliseconds> timeout) {
    pollfd waited[2] = {{woken_, POLLIN, 0}, {writes_, POLLIN, 0}};
    const int milliseconds = timeout ? static_cast<int>(timeout->count()) : -1;
    int ready = 0;
    do {
        ready = poll(waited, listening && writes_ >= 0 ? 2 : 1, milliseconds);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) return Cause::timed_out;
    if ((waited[0].revents & POLLIN) != 0) drain(woken_);
    if ((waited[1].revents & POLLIN) == 0) return Cause::woken;
    drain(writes_);
    return Cause::written;
}

void FileSignal::wake() { eventfd_write(woken_, 1); }

}  // namespace tombolo::watch
