// --token, --token-file and TOMBOLO_TOKEN, for the commands that connect.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "tombolo/options.h"

namespace tombolo::cli {

struct TokenArguments {
    std::string token;
    std::string token_file;

    void add_to(CLI::App& command, const char* token_help);
    std::optional<std::string> to_store() const;  // what `init` keeps: the token, or a reference to its file
    TokenSource source() const;                   // for this call: the options, then TOMBOLO_TOKEN, else what is stored
};

}  // namespace tombolo::cli
