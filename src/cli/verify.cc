// `tombolo verify`: does this device hold the hub's rows?
#include <fmt/format.h>

#include <chrono>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/token_arguments.h"
#include "client/core.h"
#include "client/json.h"
#include "device/verify.h"

namespace tombolo::cli {

namespace {

using Cells = std::vector<std::pair<std::string, Value>>;

void put_cells(client::JsonWriter& json, const Cells& cells) {
    json.begin_object();
    for (const auto& [column, value] : cells)
        json.key(column).value(value);
    json.end_object();
}

void put_row(client::JsonWriter& json, const std::optional<Cells>& row) {
    if (row) {
        put_cells(json, *row);
    } else {
        json.null();
    }
}

std::string to_json(const device::VerifyResult& result) {
    client::JsonWriter json;
    json.begin_object().key("equal").boolean(result.equal).key("seq").number(result.seq.value).key("rows").number(result.rows);
    json.key("differences").begin_array();
    for (const device::Difference& difference : result.differences) {
        json.begin_object().key("table").string(difference.table);
        put_cells(json.key("key"), difference.key);
        put_row(json.key("here"), difference.here);
        put_row(json.key("hub"), difference.hub);
        json.end_object();
    }
    return json.end_array().end_object().take();
}

std::string to_text(const std::optional<Cells>& row) {
    if (!row) return "no such row";
    client::JsonWriter json;
    put_cells(json, *row);
    return json.take();
}

void print_for_people(const device::VerifyResult& result) {
    if (result.equal) {
        print_line(fmt::format("equal: {} at seq {}", count_text(static_cast<int64_t>(result.rows), "row"), result.seq.value));
        return;
    }
    print_line(fmt::format("different: {} of {} at seq {}", count_text(static_cast<int64_t>(result.differences.size()), "difference"),
                           count_text(static_cast<int64_t>(result.rows), "row"), result.seq.value));
    for (const device::Difference& difference : result.differences) {
        print_line(
            fmt::format("{} {}\n  here {}\n  hub  {}", difference.table, to_text(difference.key), to_text(difference.here), to_text(difference.hub)));
    }
}

int run(const DeviceArguments& device, const TokenArguments& token, double timeout_seconds) {
    device.check();
    const std::chrono::milliseconds timeout(static_cast<int64_t>(timeout_seconds * 1000));
    DatabaseOptions options;
    options.create = false;
    options.key = device.key();
    const auto core = std::make_shared<client::Core>(device.path, options);
    SessionOptions session_options;
    session_options.token = token.source();
    try {
        const auto session = core->connect(session_options);
        const device::VerifyResult result = session->verify(core->newest_number(), timeout);
        core->close();
        if (device.json) {
            print_line(to_json(result));
        } else {
            print_for_people(result);
        }
        return result.equal ? exit_ok : exit_failed;
    } catch (const Error&) {
        core->close();
        if (device.json) print_line(R"({"equal":null,"seq":null,"rows":null,"differences":[]})");
        throw;
    }
}

}  // namespace

void add_verify(CLI::App& app, Action& chosen) {
    CLI::App* command = app.add_subcommand("verify", "Compare a device with its hub, row by row; pending writes are no difference");
    auto device = std::make_shared<DeviceArguments>();
    auto token = std::make_shared<TokenArguments>();
    auto timeout = std::make_shared<double>(30);
    device->add_to(*command);
    token->add_to(*command, "access token for this call");
    command->add_option("--timeout", *timeout, "seconds to wait for the hub")->capture_default_str()->check(check_seconds);
    device->add_json_to(*command);
    command->callback([=, &chosen] { chosen = [=] { return run(*device, *token, *timeout); }; });
}

}  // namespace tombolo::cli
