// A process of this same program, for the demo: started, listened to, waited for.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace tombolo::cli {

class ChildProcess {
public:
    // `arguments` without the program's name. Stdout comes here, stderr goes to `error_file` (empty: to ours).
    explicit ChildProcess(const std::vector<std::string>& arguments, const std::string& error_file = {});
    ~ChildProcess();  // terminates it if it still runs
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    std::string read_line();  // without the newline; empty at the end of its output
    // Until it ends: calls `meanwhile` about ten times a second. Returns the exit status; 128 + signal if one ended it.
    int wait(const std::function<void()>& meanwhile = {});
    int terminate();  // SIGTERM, then waits

private:
    int take_status(int status);

    pid_t pid_ = -1;
    int output_ = -1;
};

}  // namespace tombolo::cli
