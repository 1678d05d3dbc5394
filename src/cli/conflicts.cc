// `tombolo conflicts`: what a person is to decide, and what was decided.
#include <fmt/format.h>

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/conflict_dialog.h"
#include "cli/conflict_view.h"
#include "cli/output.h"
#include "client/device_file.h"
#include "client/json.h"
#include "client/json_value.h"
#include "device/inbox.h"
#include "tombolo/database.h"

namespace tombolo::cli {

namespace {

using client::JsonWriter;

struct ConflictArguments {
    DeviceArguments device;
    enum class Verb { none, list, show, resolve, dismiss } verb = Verb::none;
    bool resolved = false;
    std::string id;
    std::string take;
    std::vector<std::string> texts;  // --set C=V
    std::vector<std::string> jsons;  // --set-json C=V
};

// --- JSON ---

void put_row(JsonWriter& json, const NamedRow& row) {
    json.begin_object();
    for (const NamedValue& one : row)
        json.key(one.name).value(one.value);
    json.end_object();
}

void put_side(JsonWriter& json, const Conflict& conflict, const ConflictSide& side) {
    if (conflict.column) {
        json.value(side.value);
    } else if (side.row) {
        put_row(json, *side.row);
    } else {
        json.null();
    }
}

void put_site(JsonWriter& json, const std::string& site) { site.empty() ? json.null() : json.string(site); }

void put_candidates(JsonWriter& json, const Conflict& conflict) {
    json.begin_array();
    for (const ConflictCandidate& candidate : conflict.candidates) {
        put_side(json.begin_object().key("value"), conflict, candidate.value);
        put_site(json.key("site"), candidate.site);
        json.key("at").time(candidate.at).end_object();
    }
    json.end_array();
}

void put_conflict(JsonWriter& json, const Conflict& conflict) {
    json.begin_object().key("id").string(conflict.id).key("table").string(conflict.table);
    put_row(json.key("key"), conflict.key);
    json.key("column").optional(conflict.column, [&](const std::string& name) -> JsonWriter& { return json.string(name); });
    put_side(json.key("base"), conflict, conflict.base);
    put_side(json.key("mine"), conflict, conflict.mine);
    put_side(json.key("theirs"), conflict, conflict.theirs);
    put_site(json.key("mine_site"), conflict.mine_site);
    put_site(json.key("theirs_site"), conflict.theirs_site);
    json.key("opened_at").time(conflict.opened_at);
    put_candidates(json.key("candidates"), conflict);
    json.key("settling").boolean(conflict.settling);
    if (conflict.resolution) {
        json.key("resolution").string(*conflict.resolution);
        put_site(json.key("resolved_by"), conflict.resolved_by);
        json.key("resolved_at").time(conflict.resolved_at);
    }
    json.end_object();
}

// --- reading ---

std::string own_site(sqlite::Connection& db) { return db.query_text("SELECT lower(hex(site)) FROM tombolo_device"); }

std::string list_table(const std::vector<Conflict>& conflicts, const std::string& site, bool resolved) {
    if (conflicts.empty()) return resolved ? "no conflict that ended is remembered\n" : "there are no open conflicts\n";
    Rows rows;
    rows.columns = {"id", "what", "mine", "theirs", "mine by"};
    if (resolved) rows.columns.insert(rows.columns.end(), {"ended", "by"});
    for (const Conflict& conflict : conflicts) {
        Row row{Value(conflict.id), Value(conflict_title(conflict)), Value(side_text(conflict, conflict.mine)),
                Value(side_text(conflict, conflict.theirs)), Value(site_text(conflict.mine_site, site))};
        if (resolved) {
            row.emplace_back(conflict.resolution.value_or(""));
            row.emplace_back(site_text(conflict.resolved_by, site));
        }
        rows.rows.push_back(std::move(row));
    }
    return table_text(rows);
}

int list(const ConflictArguments& arguments) {
    sqlite::Connection db = client::open_device_file_read_only(arguments.device.file());
    const sqlite::ReadTransaction reading(db);
    const std::vector<Conflict> conflicts = device::list_conflicts(db, arguments.resolved);
    if (!arguments.device.json) {
        fmt::print("{}", list_table(conflicts, own_site(db), arguments.resolved));
        return exit_ok;
    }
    JsonWriter json;
    json.begin_array();
    for (const Conflict& conflict : conflicts)
        put_conflict(json, conflict);
    print_line(json.end_array().text());
    return exit_ok;
}

int show(const ConflictArguments& arguments) {
    sqlite::Connection db = client::open_device_file_read_only(arguments.device.file());
    const sqlite::ReadTransaction reading(db);
    const std::optional<Conflict> conflict = device::find_conflict(db, arguments.id);
    if (!conflict) {
        throw Error(ErrorCode::not_found, fmt::format("there is no conflict {}", arguments.id),
                    fmt::format("see them with 'tombolo conflicts {} list'", arguments.device.path));
    }
    if (arguments.device.json) {
        JsonWriter json;
        put_conflict(json, *conflict);
        print_line(json.text());
    } else {
        fmt::print("{}", conflict_view(*conflict, {terminal_width(), own_site(db)}));
    }
    return exit_ok;
}

// --- settling ---

Database open(const ConflictArguments& arguments) {
    DatabaseOptions options;
    options.create = false;
    options.key = arguments.device.key();
    return Database::open(arguments.device.path, options);
}

std::pair<std::string, std::string> split_assignment(const std::string& text) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        throw UsageError(ErrorCode::usage, fmt::format("'{}' is not COLUMN=VALUE", text), "run 'tombolo conflicts --help'");
    return {text.substr(0, equals), text.substr(equals + 1)};
}

NamedRow values_of(const ConflictArguments& arguments) {
    NamedRow values;
    for (const std::string& text : arguments.texts) {
        auto [column, value] = split_assignment(text);
        values.push_back({std::move(column), Value(std::move(value))});
    }
    for (const std::string& text : arguments.jsons) {
        auto [column, value] = split_assignment(text);
        values.push_back({std::move(column), client::value_from_json(value)});
    }
    return values;
}

void print_receipt(const ConflictArguments& arguments, const Receipt& receipt, const char* what) {
    if (!arguments.device.json) return print_line(receipt.number() == 0 ? "there was nothing to do" : what);
    JsonWriter json;
    json.begin_object().key("id").string(arguments.id);
    json.key("transaction").optional(receipt.number() == 0 ? std::nullopt : std::optional(receipt.id()), [&](const std::string& id) -> JsonWriter& {
        return json.string(id);
    });
    print_line(json.end_object().text());
}

int resolve(const ConflictArguments& arguments) {
    const NamedRow values = values_of(arguments);
    if (arguments.take.empty() == values.empty()) {
        throw UsageError(ErrorCode::usage, "say either --take mine|theirs|base, or the values with --set or --set-json",
                         "run 'tombolo conflicts DEVICE resolve --help'");
    }
    Database db = open(arguments);
    const Take take = arguments.take == "mine" ? Take::mine : arguments.take == "theirs" ? Take::theirs : Take::base;
    const Receipt receipt = values.empty() ? db.resolve(arguments.id, take) : db.resolve(arguments.id, values);
    print_receipt(arguments, receipt, "decided; it goes out with the next sync");
    return exit_ok;
}

int dismiss(const ConflictArguments& arguments) {
    Database db = open(arguments);
    print_receipt(arguments, db.dismiss(arguments.id), "dismissed; it goes out with the next sync");
    return exit_ok;
}

int ask(const ConflictArguments& arguments) {
    Database db = open(arguments);
    settle_one_by_one(db, std::cin, {terminal_width(), db.status().site});
    return exit_ok;
}

int run(const ConflictArguments& arguments) {
    using Verb = ConflictArguments::Verb;
    arguments.device.check();
    switch (arguments.verb) {
        case Verb::show: return show(arguments);
        case Verb::resolve: return resolve(arguments);
        case Verb::dismiss: return dismiss(arguments);
        case Verb::list: break;
        case Verb::none: {
            const bool asks = stdin_is_terminal() && stdout_is_terminal() && !arguments.device.json && !arguments.resolved;
            if (asks) return ask(arguments);
            break;
        }
    }
    return list(arguments);
}

}  // namespace

void add_conflicts(CLI::App& app, Action& chosen) {
    using Verb = ConflictArguments::Verb;
    CLI::App* command = app.add_subcommand("conflicts", "List and settle conflicts; asks one by one on a terminal");
    auto arguments = std::make_shared<ConflictArguments>();
    arguments->device.add_to(*command);
    arguments->device.add_json_to(*command);
    command->fallthrough();  // --json may stand behind the verb
    command->require_subcommand(0, 1);
    command->callback([=, &chosen] { chosen = [=] { return run(*arguments); }; });
    const auto add_verb = [&](const char* name, const char* purpose, Verb verb) {
        CLI::App* one = command->add_subcommand(name, purpose);
        one->callback([=] { arguments->verb = verb; });
        return one;
    };
    add_verb("list", "The open ones", Verb::list)
        ->add_flag("--resolved", arguments->resolved, "those that ended, and values that a policy put aside");
    add_verb("show", "One of them, base, mine and theirs beside each other", Verb::show)
        ->add_option("ID", arguments->id, "from the list")
        ->required();
    CLI::App* settles = add_verb("resolve", "Decide one of them, with a value of either side or another", Verb::resolve);
    settles->add_option("ID", arguments->id, "from the list")->required();
    settles->add_option("--take", arguments->take, "the value to store")->check(CLI::IsMember({"mine", "theirs", "base"}));
    settles->add_option("--set", arguments->texts, "COLUMN=VALUE, the value as text; may be given several times")->allow_extra_args(false);
    settles->add_option("--set-json", arguments->jsons, "COLUMN=VALUE, the value as JSON; may be given several times")->allow_extra_args(false);
    add_verb("dismiss", "Take one off the list without deciding it", Verb::dismiss)->add_option("ID", arguments->id, "from the list")->required();
}

}  // namespace tombolo::cli
