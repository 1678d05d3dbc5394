#include "cli/demo_stage.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/output.h"
#include "tombolo/error.h"

namespace tombolo::cli {

void say_step(std::string_view text) { print_line(fmt::format("\n{}", text)); }
void say(std::string_view text) { print_line(fmt::format("  {}", text)); }

ScratchFolder::ScratchFolder() : path_((std::filesystem::temp_directory_path() / "tombolo-demo-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr)
        throw Error(ErrorCode::io, "could not make a folder for the demo", "set TMPDIR to a folder that can be written");
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void run_command(const std::vector<std::string>& arguments, const std::function<void()>& meanwhile) {
    ChildProcess child(arguments);
    if (const int status = child.wait(meanwhile); status != 0) {
        throw Error(ErrorCode::internal, fmt::format("'tombolo {}' ended with status {}", arguments.front(), status), "see its message above");
    }
}

DemoHub::DemoHub(const ScratchFolder& folder, std::string_view name, std::string_view schema, std::string_view config) {
    const std::string data = folder.file(name);
    std::ofstream(data + ".sql") << schema;
    std::ofstream(data + ".toml") << config;
    process_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{"hub", "--data", data, "--schema", data + ".sql", "--config", data + ".toml", "--listen", "127.0.0.1:0"},
        data + ".log");
    const std::string line = process_->read_line();
    const std::string_view prefix = "listening on ";
    if (line.rfind(prefix, 0) != 0) throw Error(ErrorCode::internal, "the hub did not start", "run 'tombolo hub' by itself to see why");
    address_ = line.substr(prefix.size());
}

void DemoHub::stop() {
    if (const int status = process_->terminate(); status != 0) throw Error(ErrorCode::internal, fmt::format("the hub ended with status {}", status));
}

}  // namespace tombolo::cli
