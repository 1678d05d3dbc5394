// `tombolo rejected`: what the hub refused, and what becomes of it.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/rejected_text.h"
#include "client/device_file.h"
#include "client/json.h"
#include "device/outbox.h"
#include "device/replica.h"

namespace tombolo::cli {

namespace {

struct RejectedArguments {
    DeviceArguments device;
    std::string id;
    std::vector<std::string> corrections;
    bool with_dependants = false;
    enum class Verb { list, show, retry, discard } verb = Verb::list;
};

// In order of number; those that are expected to be refused are among them.
std::vector<device::Entry> refused(device::Outbox& outbox) {
    std::vector<device::Entry> entries;
    outbox.for_each([&](const device::Entry& entry) {
        if (entry.state != device::EntryState::pending) entries.push_back(entry);
    });
    return entries;
}

device::Entry require_refused(device::Replica& replica, const std::string& id) {
    const SiteId site = replica.record().site;
    for (device::Entry& entry : refused(replica.outbox())) {
        if (rejection_id(site, entry.header.number) == id) return std::move(entry);
    }
    throw Error(ErrorCode::not_found, fmt::format("no transaction {} is rejected here", id), "see them with 'tombolo rejected DEVICE list'");
}

int list(device::Replica& replica, bool as_json) {
    const std::vector<device::Entry> entries = refused(replica.outbox());
    if (as_json) {
        print_line(rejections_json(replica, entries));
    } else {
        fmt::print("{}", rejections_table(replica, entries));
    }
    return exit_ok;
}

int show(device::Replica& replica, const RejectedArguments& arguments) {
    const device::Entry entry = require_refused(replica, arguments.id);
    if (arguments.device.json) {
        print_line(rejection_json(replica, entry));
    } else {
        fmt::print("{}", rejection_text(replica, entry));
    }
    return exit_ok;
}

std::vector<Correction> read_corrections(const std::vector<std::string>& texts) {
    std::vector<Correction> corrections;
    for (const std::string& text : texts) {
        const size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0)
            throw UsageError(ErrorCode::usage, fmt::format("'{}' is not C=V", text), "name a column and its new value");
        corrections.push_back({text.substr(0, equals), Value(text.substr(equals + 1))});
    }
    return corrections;
}

std::string user_name() {
    const passwd* user = getpwuid(geteuid());
    return user != nullptr ? user->pw_name : std::to_string(geteuid());
}

int retry(device::Replica& replica, const RejectedArguments& arguments, const std::vector<Correction>& corrections) {
    const device::Entry entry = require_refused(replica, arguments.id);
    const std::string now = rejection_id(replica.record().site, replica.retry(entry.header.number, corrections));
    if (arguments.device.json) {
        print_line(client::JsonWriter().begin_object().key("id").string(now).end_object().text());
    } else {
        print_line(fmt::format("queued again as {}", now));
    }
    return exit_ok;
}

int discard(device::Replica& replica, const RejectedArguments& arguments) {
    const device::Entry entry = require_refused(replica, arguments.id);
    const SiteId site = replica.record().site;
    client::JsonWriter json;
    json.begin_object().key("discarded").begin_array();
    for (const TransactionNumber number : replica.discard(entry.header.number, arguments.with_dependants, user_name())) {
        json.string(rejection_id(site, number));
        if (!arguments.device.json) print_line(fmt::format("discarded {}", rejection_id(site, number)));
    }
    if (arguments.device.json) print_line(json.end_array().end_object().text());
    return exit_ok;
}

int run(const RejectedArguments& arguments) {
    using Verb = RejectedArguments::Verb;
    arguments.device.check();
    const bool writes = arguments.verb == Verb::retry || arguments.verb == Verb::discard;
    const std::vector<Correction> corrections = read_corrections(arguments.corrections);
    device::Replica replica(writes ? client::open_device_file(arguments.device.file(), std::chrono::seconds(10))
                                   : client::open_device_file_read_only(arguments.device.file()),
                            client::system_capture_world());
    switch (arguments.verb) {
        case Verb::list: return list(replica, arguments.device.json);
        case Verb::show: return show(replica, arguments);
        case Verb::retry: return retry(replica, arguments, corrections);
        case Verb::discard: return discard(replica, arguments);
    }
    return exit_usage;
}

CLI::App* add_verb(CLI::App& command, const char* name, const char* purpose, const std::shared_ptr<RejectedArguments>& arguments,
                   RejectedArguments::Verb verb) {
    CLI::App* one = command.add_subcommand(name, purpose);
    one->add_option("ID", arguments->id, "SITE/NUMBER, from the list")->required();
    one->callback([=] { arguments->verb = verb; });
    return one;
}

}  // namespace

void add_rejected(CLI::App& app, Action& chosen) {
    using Verb = RejectedArguments::Verb;
    CLI::App* command = app.add_subcommand("rejected", "Transactions that the hub refused: list them, queue them again, give them up");
    auto arguments = std::make_shared<RejectedArguments>();
    arguments->device.add_to(*command);
    arguments->device.add_json_to(*command);
    command->fallthrough();  // --json may stand behind the verb
    command->require_subcommand(0, 1);
    command->callback([=, &chosen] {
        if (!chosen) chosen = [=] { return run(*arguments); };
    });
    command->add_subcommand("list", "All of them (what happens without a verb)");
    add_verb(*command, "show", "One of them, with base and the hub's present row", arguments, Verb::show);
    CLI::App* retry =
        add_verb(*command, "retry", "Queue it again, the same changes, judged against all that was written since", arguments, Verb::retry);
    retry->add_option("--set", arguments->corrections, "C=V: put a value right first; then it is a new edit. C, TABLE.C, or N.C for the N-th change")
        ->allow_extra_args(false);
    CLI::App* discard = add_verb(*command, "discard", "Give it up", arguments, Verb::discard);
    discard->add_flag("--with-dependants", arguments->with_dependants, "those that need it, too");
}

}  // namespace tombolo::cli
