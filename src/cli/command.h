// What every command of the program shares: exit statuses, errors on wrong usage, the DEVICE argument.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "client/device_file.h"
#include "tombolo/error.h"

namespace tombolo::cli {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

// The command line itself is wrong, or asks for what this version cannot do: exit status 2.
class UsageError : public Error {
public:
    using Error::Error;
};

// What parsing chose; runs after it, and returns the exit status.
using Action = std::function<int()>;

// Options of a command that works on a device file.
struct DeviceArguments {
    std::string path;
    std::string key_file;
    bool json = false;

    void add_to(CLI::App& command);
    void add_json_to(CLI::App& command);
    void check() const;               // where a key will be read: no core dumps of this process from here on
    client::DeviceFile file() const;  // reads the key file
    Key key() const;
};

// For CLI::Option::check: a number of seconds above 0.
std::string check_seconds(const std::string& text);

// One function per command, each in its own file.
void add_hub(CLI::App& app, Action& chosen);
void add_init(CLI::App& app, Action& chosen);
void add_sql(CLI::App& app, Action& chosen);
void add_sync(CLI::App& app, Action& chosen);
void add_status(CLI::App& app, Action& chosen);
void add_rejected(CLI::App& app, Action& chosen);
void add_conflicts(CLI::App& app, Action& chosen);
void add_verify(CLI::App& app, Action& chosen);
void add_doctor(CLI::App& app, Action& chosen);
void add_change_key(CLI::App& app, Action& chosen);
void add_demo(CLI::App& app, Action& chosen);
void add_later(CLI::App& app, Action& chosen);  // commands that exist in name only, so far

}  // namespace tombolo::cli
