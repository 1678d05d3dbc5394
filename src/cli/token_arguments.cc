#include "cli/token_arguments.h"

#include <cstdlib>

#include "client/token.h"

namespace tombolo::cli {

void TokenArguments::add_to(CLI::App& command, const char* token_help) {
    CLI::Option* text = command.add_option("--token", token, token_help);
    command.add_option("--token-file", token_file, "file that holds the access token; read again at each connect")->excludes(text);
}

std::optional<std::string> TokenArguments::to_store() const {
    if (!token_file.empty()) return client::token_file_reference(token_file);
    if (!token.empty()) return token;
    return std::nullopt;
}

TokenSource TokenArguments::source() const {
    if (const auto given = to_store()) return *given;
    const char* environment = std::getenv("TOMBOLO_TOKEN");
    return environment != nullptr ? std::string(environment) : std::string();
}

}  // namespace tombolo::cli
