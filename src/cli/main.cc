// The program `tombolo`: the table of commands, and what becomes of their errors.
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <exception>

#include "cli/command.h"
#include "cli/output.h"
#include "device/device_schema.h"
#include "wire/version.h"

namespace {

using namespace tombolo;
using namespace tombolo::cli;

// CLI11 would only say that a command is missing.
void refuse_unknown_command(const CLI::App& app, int argc, char** argv) {
    if (argc < 2 || argv[1][0] == '-') return;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (command->check_name(argv[1])) return;
    }
    throw UsageError(ErrorCode::usage, fmt::format("there is no command '{}'", argv[1]), "run 'tombolo --help' for the commands");
}

int run(int argc, char** argv) {
    CLI::App app("Tombolo keeps SQLite tables in sync between devices and a hub, online or not.", "tombolo");
    app.set_version_flag("--version",
                         fmt::format("tombolo {} (protocol {}, file format {})", TOMBOLO_VERSION, wire::protocol_version, device::file_format));
    app.require_subcommand(1);
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return fmt::format("tombolo: usage: {}\nrun 'tombolo --help', or 'tombolo COMMAND --help'\n", error.what());
    });

    Action chosen;
    add_hub(app, chosen);
    add_init(app, chosen);
    add_sql(app, chosen);
    add_sync(app, chosen);
    add_status(app, chosen);
    add_conflicts(app, chosen);
    add_rejected(app, chosen);
    add_verify(app, chosen);
    add_doctor(app, chosen);
    add_change_key(app, chosen);
    add_demo(app, chosen);
    add_later(app, chosen);
    refuse_unknown_command(app, argc, argv);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? exit_ok : exit_usage;
    }
    return chosen();
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe shows as a failed write
    // A name server that is silent is asked twice within 4 s, and not for half a minute, so that one that came back is noticed.
    ::setenv("RES_OPTIONS", "timeout:2 attempts:2", 0);
    try {
        return run(argc, argv);
    } catch (const UsageError& error) {
        print_error(error);
        return exit_usage;
    } catch (const Error& error) {
        print_error(error);
        return exit_failed;
    } catch (const std::exception& error) {
        print_error(Error(ErrorCode::internal, error.what(), "this is a bug in Tombolo; please report it with what the program was doing"));
        return exit_failed;
    }
}
