// What the acts of the demo share: a folder that is gone afterwards, a hub, and commands, each a process of this same program as a
// user would run it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/child_process.h"

namespace tombolo::cli {

void say_step(std::string_view text);
void say(std::string_view text);

class ScratchFolder {
public:
    ScratchFolder();  // Error(io)
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

private:
    std::string path_;
};

// Runs one command of the program to its end; Error where it fails. `meanwhile` as in ChildProcess::wait.
void run_command(const std::vector<std::string>& arguments, const std::function<void()>& meanwhile = {});

class DemoHub {
public:
    // On an SQLite file of its own in `folder`. `config` is the text of its hub.toml.
    DemoHub(const ScratchFolder& folder, std::string_view name, std::string_view schema, std::string_view config = {});
    const std::string& address() const { return address_; }
    std::string url() const { return "ws://" + address_; }
    void stop();  // Error if it does not end cleanly

private:
    std::unique_ptr<ChildProcess> process_;
    std::string address_;
};

}  // namespace tombolo::cli
