// `tombolo init`: makes a device file, or makes an SQLite file of the application's one.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/token_arguments.h"
#include "client/device_file.h"
#include "client/first_contact.h"
#include "client/json.h"
#include "device/replica.h"
#include "model/conflict_table.h"

namespace tombolo::cli {

namespace {

constexpr std::chrono::milliseconds busy_timeout{limits::busy_timeout / limits::millisecond};

struct InitArguments {
    DeviceArguments device;
    TokenArguments token;
    std::string hub;
    std::string ca_file;
    std::vector<std::string> tables;
    bool offline = false;
};

network::HubUrl parse_hub(const std::string& text) {
    try {
        return network::parse_hub_url(text);
    } catch (const Error& error) {
        throw UsageError(error.code(), error.what(), error.advice());
    }
}

struct Known {
    bool exists = false;
    bool is_device = false;
    bool has_schema = false;
};

// What the file is now. A device of another hub or space is refused before anything else is done.
Known examine(const client::DeviceFile& file, const network::HubUrl& hub) {
    const std::string& path = file.path;
    Known known;
    known.exists = std::filesystem::exists(path);
    if (!known.exists) return known;
    client::require_file(path);
    sqlite::OpenOptions options;
    options.create = false;
    options.key = file.key;
    sqlite::Connection db = sqlite::Connection::open(path, options);
    client::require_database(db, path);
    known.is_device = device::Replica::is_device(db);
    if (!known.is_device) return known;
    device::Replica replica(std::move(db), client::system_capture_world());
    const device::DeviceRecord record = replica.record();
    if (record.hub && (*record.hub != client::hub_address(hub) || record.space.value_or("") != hub.space)) {
        throw Error(ErrorCode::wrong_hub, fmt::format("{} belongs to {}, space {}", path, *record.hub, record.space.value_or("")),
                    fmt::format("choose another file name for space {} of {}", hub.space, client::hub_address(hub)));
    }
    known.has_schema = record.schema_hash != 0;
    return known;
}

// Nothing: the hub was not asked, or cannot be reached and that is allowed.
std::optional<client::HubSchema> contact(const InitArguments& arguments, const network::HubUrl& hub) {
    if (arguments.offline) return std::nullopt;
    try {
        return client::fetch_schema(hub, arguments.token.source(), arguments.ca_file);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::unreachable) throw;
        if (!arguments.tables.empty()) return std::nullopt;
        throw Error(error.code(), error.what(), "check the address and that the hub runs; or give --offline, and its tables come at the first sync");
    }
}

std::vector<std::string> set_up(const client::DeviceFile& file, const InitArguments& arguments, const network::HubUrl& hub,
                                const std::optional<client::HubSchema>& schema, std::string& site) {
    device::Replica replica(client::open_device_file(file, busy_timeout), client::system_capture_world());
    replica.set_hub(client::hub_address(hub), hub.space, arguments.token.to_store());
    if (!arguments.tables.empty()) replica.sync_tables(arguments.tables);
    if (schema) replica.adopt_schema(schema->schema, schema->hash);
    site = to_hex(replica.record().site.view());
    std::vector<std::string> names;
    for (const Table& table : replica.schema().tables) {
        if (table.name != conflict_table_name) names.push_back(table.name);
    }
    return names;
}

void report(const InitArguments& arguments, const network::HubUrl& hub, const std::string& site, const std::vector<std::string>& tables) {
    if (!arguments.device.json) {
        print_line(fmt::format("{} is a device of space {} at {}, {}", arguments.device.path, hub.space, client::hub_address(hub),
                               count_text(static_cast<int64_t>(tables.size()), "synced table")));
        return;
    }
    client::JsonWriter json;
    json.begin_object()
        .key("site")
        .string(site)
        .key("space")
        .string(hub.space)
        .key("hub")
        .string(client::hub_address(hub))
        .key("tables")
        .begin_array();
    for (const std::string& name : tables)
        json.string(name);
    json.end_array().end_object();
    print_line(json.text());
}

int run(const InitArguments& arguments) {
    arguments.device.check();
    const network::HubUrl hub = parse_hub(arguments.hub);
    const client::DeviceFile file = arguments.device.file();
    const Known known = examine(file, hub);
    const std::optional<client::HubSchema> schema = known.has_schema ? std::nullopt : contact(arguments, hub);
    std::string site;
    std::vector<std::string> tables;
    try {
        client::make_device_file(file, busy_timeout);
        tables = set_up(file, arguments, hub, schema, site);
    } catch (const Error&) {
        if (!known.is_device) client::unmake_device_file(file, !known.exists);
        throw;
    }
    report(arguments, hub, site, tables);
    return exit_ok;
}

}  // namespace

void add_init(CLI::App& app, Action& chosen) {
    CLI::App* command = app.add_subcommand("init", "Make a device file for a space of a hub");
    auto arguments = std::make_shared<InitArguments>();
    arguments->device.add_to(*command);
    command->add_option("--hub", arguments->hub, "ws://HOST:PORT[/SPACE] or wss://…; no SPACE means main")->required();
    arguments->token.add_to(*command, "access token; stored in the device file, so prefer --token-file");
    command->add_option("--ca-file", arguments->ca_file, "PEM file of authorities to trust for wss:// at this call");
    command->add_option("--table", arguments->tables, "a table of the file to sync; may be given several times")->allow_extra_args(false);
    command->add_flag("--offline", arguments->offline, "do not ask the hub now; its tables come at the first sync");
    arguments->device.add_json_to(*command);
    command->callback([=, &chosen] { chosen = [=] { return run(*arguments); }; });
}

}  // namespace tombolo::cli
