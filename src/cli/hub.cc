// `tombolo hub`: orders the writes of its spaces and keeps the authoritative copy.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/output.h"
#include "client/device_file.h"
#include "client/json.h"
#include "hub/config.h"
#include "hub/conflict_list.h"
#include "network/certificate.h"
#include "network/event_loop.h"
#include "server/data_folder.h"
#include "server/server.h"
#include "tombolo/options.h"

namespace tombolo::cli {

namespace {

struct HubArguments {
    std::string data;
    std::string config;
    std::string schema;
    std::string listen;
    bool dev_tls = false;
    bool insecure = false;
};

constexpr const char* default_listen = "127.0.0.1:7171";
constexpr const char* default_data = "hub-data";

// The hub's log, on stderr, from `[log] level` of hub.toml on.
class Log {
public:
    explicit Log(const std::string& level) : most_(level == "error" ? LogLevel::error : level == "warning" ? LogLevel::warning : LogLevel::info) {}

    void write(LogLevel level, std::string_view line) const {
        if (level > most_) return;
        fmt::print(stderr, "{} {} {}\n", client::time_text(client::system_clock().wall()), level == LogLevel::info ? "INFO" : "WARN", line);
    }

private:
    const LogLevel most_;
};

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file || std::filesystem::is_directory(path))
        throw Error(ErrorCode::not_found, fmt::format("the file {} cannot be read", path), "check its path and permissions");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Names in hub.toml are relative to its folder.
std::string beside(const std::string& config_file, const std::string& name) {
    if (name.empty() || std::filesystem::path(name).is_absolute()) return name;
    return (std::filesystem::path(config_file).parent_path() / name).string();
}

// hub.toml, with the flags laid over it.
hub::Config read_config(const HubArguments& arguments) {
    hub::Config config = arguments.config.empty() ? hub::parse_config("") : hub::parse_config(read_file(arguments.config), arguments.config);
    for (auto& [name, space] : config.spaces)
        space.schema_file = beside(arguments.config, space.schema_file);
    if (config.data) config.data = beside(arguments.config, *config.data);
    if (config.tls) {
        config.tls->certificate_file = beside(arguments.config, config.tls->certificate_file);
        config.tls->key_file = beside(arguments.config, config.tls->key_file);
    }
    if (!arguments.data.empty()) config.data = arguments.data;
    if (!arguments.listen.empty()) config.listen = arguments.listen;
    if (!arguments.schema.empty()) config.spaces["main"].schema_file = arguments.schema;
    if (!config.data) config.data = default_data;
    if (!config.listen) config.listen = default_listen;
    return config;
}

network::HostPort listen_address(const std::string& text, bool is_flag) {
    try {
        return network::parse_host_port(text);
    } catch (const Error& error) {
        const std::string advice = "write HOST:PORT, for instance " + std::string(default_listen);
        if (is_flag) throw UsageError(ErrorCode::usage, "--listen: " + std::string(error.what()), advice);
        throw Error(ErrorCode::config, "listen in hub.toml: " + std::string(error.what()), advice);
    }
}

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.rfind("127.", 0) == 0; }

// A hub without tokens lets everybody in who can reach it.
void require_safe_address(const network::HostPort& address, bool insecure) {
    if (insecure || is_loopback(address.host)) return;
    throw Error(ErrorCode::config, fmt::format("a hub without access tokens listens on loopback only, and {} is not", network::to_string(address)),
                "listen on 127.0.0.1, or say --insecure if everybody who can reach this address may read and write everything");
}

// Said once the hub has started: until then the first line on stderr is the error's.
using Notes = std::vector<std::pair<LogLevel, std::string>>;

std::optional<network::Identity> identity(const hub::Config& config, const HubArguments& arguments, const server::DataFolder& folder, Notes& notes) {
    if (config.tls) return network::load_identity(config.tls->certificate_file, config.tls->key_file);
    if (!arguments.dev_tls) return std::nullopt;
    network::Identity made = network::make_dev_certificate();
    const std::string path = folder.path() + "/dev-cert.pem";
    std::ofstream(path, std::ios::binary) << made.certificate;
    notes.emplace_back(LogLevel::info, fmt::format("self-signed certificate in {}: give it to devices with --ca-file", path));
    return made;
}

std::unique_ptr<store::Store> open_space(const std::string& name, const hub::SpaceConfig& space, const server::DataFolder& folder, Notes& notes) {
    auto store = folder.open_space(name, client::system_random());
    if (!space.schema_file.empty()) {
        for (const std::string& warning : hub::update_schema(*store, read_file(space.schema_file)))
            notes.emplace_back(LogLevel::warning, fmt::format("space {}: {}", name, warning));
    }
    if (store->schema().tables.empty())
        notes.emplace_back(LogLevel::warning, fmt::format("space {} has no tables yet: give it some with --schema", name));
    return store;
}

std::map<std::string, std::unique_ptr<store::Store>> open_spaces(const hub::Config& config, const server::DataFolder& folder, Notes& notes) {
    std::map<std::string, std::unique_ptr<store::Store>> opened;
    std::map<std::string, store::Store*> stores;
    for (const auto& [name, space] : config.spaces)
        stores[name] = (opened[name] = open_space(name, space, folder, notes)).get();
    hub::apply_policies(config, stores);
    return opened;
}

int run(const HubArguments& arguments) {
    if (arguments.data.rfind("postgres://", 0) == 0 || arguments.data.rfind("postgresql://", 0) == 0) {
        throw UsageError(ErrorCode::unsupported, "a hub on PostgreSQL is for a later version",
                         "give --data a folder; the hub keeps its spaces in SQLite files there");
    }
    const hub::Config config = read_config(arguments);
    const Log log(config.log_level);
    const network::HostPort address = listen_address(*config.listen, !arguments.listen.empty());
    require_safe_address(address, arguments.insecure);
    const server::DataFolder folder(*config.data);

    Notes notes;
    network::EventLoop loop;
    server::ServerOptions options;
    options.listen.address = address;
    options.listen.identity = identity(config, arguments, folder, notes);
    options.hub.retention = config.retention;
    options.metrics_token = config.metrics_token;
    server::Server server(loop, client::system_clock(), options);
    for (auto& [name, store] : open_spaces(config, folder, notes))
        server.add_space(name, std::move(store));
    loop.on_stop_signal([&] {
        server.stop();
        loop.stop();
    });
    const network::HostPort bound = server.listen();
    print_line(fmt::format("listening on {}", network::to_string(bound)));
    for (const auto& [level, note] : notes)
        log.write(level, note);
    log.write(LogLevel::info, fmt::format("hub on {}, {}, data in {}", network::to_string(bound),
                                          count_text(static_cast<int64_t>(config.spaces.size()), "space"), folder.path()));
    loop.run();
    log.write(LogLevel::info, "stopped");
    return exit_ok;
}

}  // namespace

void add_hub(CLI::App& app, Action& chosen) {
    CLI::App* command = app.add_subcommand("hub", "Run a hub");
    auto arguments = std::make_shared<HubArguments>();
    command->add_option("--data", arguments->data, fmt::format("folder for everything the hub keeps [{}]", default_data));
    command->add_option("--config", arguments->config, "hub.toml; flags beat what it says");
    command->add_option("--schema", arguments->schema, "SQL file with the tables of space main; additions migrate");
    command->add_option("--listen", arguments->listen, fmt::format("HOST:PORT; port 0 picks a free one [{}]", default_listen));
    command->add_flag("--dev-tls", arguments->dev_tls, "serve wss:// with a self-signed certificate, for trials");
    command->add_flag("--insecure", arguments->insecure, "listen beyond loopback although anybody may connect");
    command->callback([=, &chosen] { chosen = [=] { return run(*arguments); }; });
}

}  // namespace tombolo::cli
