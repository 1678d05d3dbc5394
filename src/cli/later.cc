// Commands that are planned and known by name, so that scripts get one clear line instead of "unknown command".
#include <fmt/format.h>

#include "cli/command.h"

namespace tombolo::cli {

namespace {

void add(CLI::App& app, Action& chosen, const char* name, const char* purpose) {
    CLI::App* command = app.add_subcommand(name, fmt::format("{} (not in this version yet)", purpose));
    command->allow_extras();
    command->callback([&chosen, name] {
        chosen = [name]() -> int { throw UsageError(ErrorCode::unsupported, fmt::format("'{}' is not in this version yet", name)); };
    });
}

}  // namespace

void add_later(CLI::App& app, Action& chosen) { add(app, chosen, "token", "Make and show access tokens"); }

}  // namespace tombolo::cli
