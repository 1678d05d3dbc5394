// `tombolo sync`: brings a device up to date once, or keeps it so.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/token_arguments.h"
#include "client/status_json.h"
#include "tombolo/database.h"

namespace tombolo::cli {

namespace {

struct SyncArguments {
    DeviceArguments device;
    TokenArguments token;
    std::string ca_file;
    bool once = false;
    double timeout_seconds = 30;
};

// SIGINT and SIGTERM wait here instead of ending the process. Made before any thread, so that all threads leave them alone.
class StopSignals {
public:
    StopSignals() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGINT);
        sigaddset(&set_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }
    void wait() const {
        int signal = 0;
        sigwait(&set_, &signal);
    }

private:
    sigset_t set_{};
};

// Prints each change: JSON lines, one line that is rewritten on a terminal, plain lines without the progress otherwise. Used on the
// Tombolo thread.
class StatusPrinter {
public:
    explicit StatusPrinter(bool json) : json_(json), terminal_(!json && stdout_is_terminal()) {}

    void show(const Status& status) {
        std::string line = json_ ? client::to_json(status) : status_line(status, terminal_);
        if (line == last_) return;
        if (terminal_) {
            fmt::print("\r\x1b[K{}", line);
            std::fflush(stdout);
        } else {
            print_line(line);
        }
        last_ = std::move(line);
    }
    void finish() const {
        if (terminal_) print_line("");
    }

private:
    const bool json_;
    const bool terminal_;
    std::string last_;
};

Status sync_once(Session& session, const SyncArguments& arguments) {
    StatusPrinter printer(false);
    const bool show_progress = !arguments.device.json && stdout_is_terminal();
    if (show_progress) session.on_status([&](const Status& status) { printer.show(status); });
    Result<Status> result = session.try_sync_once(std::chrono::milliseconds(static_cast<int64_t>(arguments.timeout_seconds * 1000)));
    session.stop();
    if (show_progress) printer.finish();
    return std::move(result).value();
}

int run_once(Session& session, const SyncArguments& arguments) {
    const Status status = sync_once(session, arguments);
    print_line(arguments.device.json ? client::to_json(status) : status_line(status));
    return exit_ok;
}

int run_staying(Session& session, const SyncArguments& arguments, const StopSignals& signals) {
    StatusPrinter printer(arguments.device.json);
    session.on_status([&](const Status& status) { printer.show(status); });
    signals.wait();
    session.stop();
    printer.finish();
    return exit_ok;
}

int run(const SyncArguments& arguments) {
    arguments.device.check();
    std::optional<StopSignals> signals;
    if (!arguments.once) signals.emplace();
    DatabaseOptions database_options;
    database_options.create = false;
    database_options.key = arguments.device.key();
    Database db = Database::open(arguments.device.path, database_options);
    SessionOptions options;
    options.token = arguments.token.source();
    options.ca_file = arguments.ca_file;
    Session session = db.connect(options);
    return arguments.once ? run_once(session, arguments) : run_staying(session, arguments, *signals);
}

}  // namespace

void add_sync(CLI::App& app, Action& chosen) {
    CLI::App* command = app.add_subcommand("sync", "Keep a device in sync with its hub, or bring it up to date once");
    auto arguments = std::make_shared<SyncArguments>();
    arguments->device.add_to(*command);
    command->add_flag("--once", arguments->once, "end when everything is here and at the hub");
    command->add_option("--timeout", arguments->timeout_seconds, "with --once: seconds to try")->capture_default_str()->check(check_seconds);
    arguments->token.add_to(*command, "access token for this call");
    command->add_option("--ca-file", arguments->ca_file, "PEM file of authorities to trust for wss://, instead of the system's");
    arguments->device.add_json_to(*command);
    command->callback([=, &chosen] { chosen = [=] { return run(*arguments); }; });
}

}  // namespace tombolo::cli
