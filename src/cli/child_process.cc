#include "cli/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "tombolo/error.h"

extern char** environ;

namespace tombolo::cli {

namespace {

constexpr int meanwhile_ms = 100;

[[noreturn]] void throw_errno(const char* doing, int error) {
    throw Error(ErrorCode::io, fmt::format("could not {}: {}", doing, std::strerror(error)));
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, const std::string& error_file) {
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) throw_errno("make a pipe", errno);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    if (!error_file.empty()) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    std::vector<char*> argv{const_cast<char*>("tombolo")};
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const int failed = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_ends[1]);
    output_ = pipe_ends[0];
    if (failed != 0) throw_errno("start this program again", failed);
}

ChildProcess::~ChildProcess() {
    if (pid_ > 0) terminate();
    ::close(output_);
}

std::string ChildProcess::read_line() {
    std::string line;
    char c = 0;
    while (::read(output_, &c, 1) == 1 && c != '\n')
        line.push_back(c);
    return line;
}

// The pipe closes when the child ends: waiting for that needs no polling of the process.
int ChildProcess::wait(const std::function<void()>& meanwhile) {
    std::array<char, 4096> ignored{};
    pollfd watched{output_, POLLIN, 0};
    while (true) {
        const int ready = ::poll(&watched, 1, meanwhile ? meanwhile_ms : -1);
        if (ready < 0 && errno != EINTR) throw_errno("wait for a process", errno);
        if (ready > 0 && ::read(output_, ignored.data(), ignored.size()) <= 0) break;
        if (meanwhile) meanwhile();
    }
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    return take_status(status);
}

int ChildProcess::terminate() {
    ::kill(pid_, SIGTERM);
    return wait();
}

int ChildProcess::take_status(int status) {
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace tombolo::cli
