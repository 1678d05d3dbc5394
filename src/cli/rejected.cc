// `tombolo rejected`: what the hub refused, and what is expected to be refused.
#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "cli/command.h"
#include "cli/output.h"
#include "client/device_file.h"
#include "client/json.h"
#include "device/outbox.h"
#include "device/replica.h"
#include "model/record.h"

namespace tombolo::cli {

namespace {

using client::JsonWriter;

std::string_view kind_text(ChangeKind kind) { return kind == ChangeKind::insert ? "insert" : kind == ChangeKind::update ? "update" : "delete"; }

std::string id_text(const std::string& site, TransactionNumber number) { return fmt::format("{}/{}", site, number.value); }

std::vector<device::Entry> refused(device::Outbox& outbox) {
    std::vector<device::Entry> entries = outbox.list(device::EntryState::expected);
    for (device::Entry& entry : outbox.list(device::EntryState::rejected))
        entries.push_back(std::move(entry));
    return entries;
}

void put_key(JsonWriter& json, const ChangeView& change) {
    std::vector<ValueView> key;
    decode_record(change.key, key);
    json.begin_object();
    for (size_t i = 0; i < key.size() && i < change.table->key.size(); ++i)
        json.key(change.table->columns[change.table->key[i]].name).value(key[i]);
    json.end_object();
}

enum class Side { value, base };
void put_cells(JsonWriter& json, const ChangeView& change, Side side) {
    const bool none = side == Side::value ? change.kind == ChangeKind::erase : change.kind == ChangeKind::insert;
    if (none) {
        json.null();
        return;
    }
    json.begin_object();
    for (const CellView& cell : change.cells)
        json.key(change.table->columns[cell.column].name).value(side == Side::value ? cell.value : cell.base);
    json.end_object();
}

// The row as it is in the tables now, which hold what the hub said: null where there is none.
void put_present(JsonWriter& json, sqlite::Connection& db, const ChangeView& change) {
    std::vector<ValueView> key;
    decode_record(change.key, key);
    std::string condition;
    for (size_t i = 0; i < change.table->key.size(); ++i) {
        condition +=
            fmt::format("{}{} IS ?{}", i > 0 ? " AND " : "", sqlite::quote_identifier(change.table->columns[change.table->key[i]].name), i + 1);
    }
    sqlite::Statement find = db.prepare(fmt::format("SELECT * FROM {} WHERE {}", sqlite::quote_identifier(change.table->name), condition));
    for (size_t i = 0; i < key.size(); ++i)
        find.bind(static_cast<int>(i) + 1, key[i]);
    if (!find.step()) {
        json.null();
        return;
    }
    json.begin_object();
    for (int i = 0; i < find.column_count(); ++i)
        json.key(find.column_name(i)).value(find.value(i));
    json.end_object();
}

void put_entry(JsonWriter& json, device::Replica& replica, const std::string& site, const device::Entry& entry, bool whole) {
    const auto string = [&](const std::string& text) -> JsonWriter& { return json.string(text); };
    const std::optional<Verdict>& verdict = entry.verdict;
    json.begin_object().key("id").string(id_text(site, entry.header.number));
    json.key("reason").string(verdict ? verdict->reason : "a row that arrived from the hub stands in its way; the hub has not decided yet");
    json.key("code").optional(verdict ? std::optional(std::string(to_string(verdict->code))) : std::nullopt, string);
    const bool depends = verdict && verdict->depends_on.value != 0;
    json.key("depends_on").optional(depends ? std::optional(id_text(site, verdict->depends_on)) : std::nullopt, string);
    json.key("expected").boolean(entry.state == device::EntryState::expected);
    json.key("changes").begin_array();
    const std::unique_ptr<ChangeSource> changes = replica.outbox().changes(entry.header.number);
    while (const ChangeView* change = changes->next()) {
        json.begin_object().key("table").string(change->table->name);
        put_key(json.key("key"), *change);
        json.key("kind").string(kind_text(change->kind));
        put_cells(json.key("values"), *change, Side::value);
        if (whole) {
            put_cells(json.key("base"), *change, Side::base);
            put_present(json.key("theirs"), replica.db(), *change);
        }
        json.end_object();
    }
    json.end_array().end_object();
}

int list(device::Replica& replica, const std::string& site, bool as_json) {
    const std::vector<device::Entry> entries = refused(replica.outbox());
    if (as_json) {
        JsonWriter json;
        json.begin_array();
        for (const device::Entry& entry : entries)
            put_entry(json, replica, site, entry, false);
        print_line(json.end_array().text());
        return exit_ok;
    }
    Rows rows;
    rows.columns = {"id", "rows", "code", "reason"};
    for (const device::Entry& entry : entries) {
        const bool decided = entry.verdict.has_value();
        rows.rows.push_back({Value(id_text(site, entry.header.number)), Value(entry.changes),
                             decided ? Value(to_string(entry.verdict->code)) : Value("expected"),
                             decided ? Value(entry.verdict->reason) : Value("an arrived row stands in its way")});
    }
    fmt::print("{}", entries.empty() ? "nothing is rejected\n" : table_text(rows));
    return exit_ok;
}

int show(device::Replica& replica, const std::string& site, const std::string& id) {
    for (const device::Entry& entry : refused(replica.outbox())) {
        if (id_text(site, entry.header.number) != id) continue;
        JsonWriter json;
        put_entry(json, replica, site, entry, true);
        print_line(json.text());
        return exit_ok;
    }
    throw Error(ErrorCode::not_found, fmt::format("no transaction {} is rejected here", id), "see them with 'tombolo rejected DEVICE list'");
}

struct RejectedArguments {
    DeviceArguments device;
    std::string id;
    enum class Verb { list, show } verb = Verb::list;
};

int run(const RejectedArguments& arguments) {
    arguments.device.check();
    device::Replica replica(client::open_device_file_read_only(arguments.device.path), client::system_capture_world());
    const std::string site = to_hex(replica.record().site.view());
    if (arguments.verb == RejectedArguments::Verb::show) return show(replica, site, arguments.id);
    return list(replica, site, arguments.device.json);
}

void add_later_verb(CLI::App& command, Action& chosen, const char* name, const char* purpose) {
    CLI::App* verb = command.add_subcommand(name, fmt::format("{} (not in this version yet)", purpose));
    auto ids = std::make_shared<std::vector<std::string>>();
    verb->add_option("ID", *ids, "SITE/NUMBER, from the list");
    verb->add_flag("--with-dependants")->description("those that need it, too");
    verb->callback([&chosen, name, ids] {
        chosen = [name]() -> int { throw UsageError(ErrorCode::unsupported, fmt::format("'rejected {}' is not in this version yet", name)); };
    });
}

}  // namespace

void add_rejected(CLI::App& app, Action& chosen) {
    CLI::App* command = app.add_subcommand("rejected", "List transactions that the hub refused, with their reasons");
    auto arguments = std::make_shared<RejectedArguments>();
    arguments->device.add_to(*command);
    arguments->device.add_json_to(*command);
    command->fallthrough();  // --json may stand behind the verb
    command->require_subcommand(0, 1);
    command->callback([=, &chosen] {
        if (!chosen) chosen = [=] { return run(*arguments); };
    });
    command->add_subcommand("list", "All of them (what happens without a verb)");
    CLI::App* one = command->add_subcommand("show", "One of them, with base and the hub's present row");
    one->add_option("ID", arguments->id, "SITE/NUMBER, from the list")->required();
    one->callback([=] { arguments->verb = RejectedArguments::Verb::show; });
    add_later_verb(*command, chosen, "retry", "Queue a rejected transaction again");
    add_later_verb(*command, chosen, "discard", "Give up a rejected transaction");
}

}  // namespace tombolo::cli
