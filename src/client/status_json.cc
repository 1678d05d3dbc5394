#include "client/status_json.h"

#include <ctime>

#include "client/json.h"
#include "sqlite/connection.h"

namespace tombolo::client {

namespace {

constexpr SessionState session_states[] = {SessionState::offline, SessionState::connecting, SessionState::syncing,
                                           SessionState::live,    SessionState::needs_auth, SessionState::error};
constexpr NetworkState network_states[] = {NetworkState::unknown, NetworkState::none, NetworkState::limited, NetworkState::portal,
                                           NetworkState::available};

constexpr InterfaceKind interface_kinds[] = {InterfaceKind::unknown,  InterfaceKind::ethernet, InterfaceKind::wifi,
                                             InterfaceKind::cellular, InterfaceKind::vpn,      InterfaceKind::other};
constexpr HubReach hub_reaches[] = {HubReach::unknown, HubReach::unreachable, HubReach::failing, HubReach::answering};

template <typename State, size_t count>
State state_named(const State (&states)[count], std::string_view name) {
    for (const State state : states) {
        if (to_string(state) == name) return state;
    }
    return states[0];
}

// Reads fields with SQLite's own JSON functions: no second parser to keep.
class Document {
public:
    explicit Document(std::string_view text) : text_(text), db_(sqlite::Connection::open(":memory:")) {}

    bool valid() {
        sqlite::Statement ask = db_.prepare("SELECT json_valid(?1)");
        return ask.with(text_).step() && ask.integer(0) == 1;
    }
    std::optional<std::string> text(const char* path) {
        sqlite::Statement& ask = extract(path);
        const sqlite::ResetGuard guard(ask);
        if (!ask.step() || ask.is_null(0)) return std::nullopt;
        return std::string(ask.text(0));
    }
    std::optional<int64_t> integer(const char* path) {
        sqlite::Statement& ask = extract(path);
        const sqlite::ResetGuard guard(ask);
        if (!ask.step() || ask.is_null(0)) return std::nullopt;
        return ask.integer(0);
    }
    std::optional<uint64_t> number(const char* path) {
        const auto value = integer(path);
        return value ? std::optional(static_cast<uint64_t>(*value)) : std::nullopt;
    }
    // Microseconds since 1970 of an RFC 3339 text.
    std::optional<int64_t> time(const char* path) {
        sqlite::Statement& ask = db_.cached("SELECT round((julianday(json_extract(?1, ?2)) - 2440587.5) * 86400000.0)");
        const sqlite::ResetGuard guard(ask);
        if (!ask.with(text_, path).step() || ask.is_null(0)) return std::nullopt;
        return ask.integer(0) * 1000;
    }

private:
    sqlite::Statement& extract(const char* path) { return db_.cached("SELECT json_extract(?1, ?2)").with(text_, path); }

    std::string text_;
    sqlite::Connection db_;
};

std::optional<std::string> known(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

}  // namespace

std::string to_json(const Status& status) {
    JsonWriter json;
    const auto number = [&](uint64_t value) -> JsonWriter& { return json.number(value); };
    const auto integer = [&](int64_t value) -> JsonWriter& { return json.integer(value); };
    const auto time = [&](int64_t value) -> JsonWriter& { return json.time(value); };
    const auto string = [&](const std::string& value) -> JsonWriter& { return json.string(value); };
    json.begin_object();
    json.key("site").string(status.site);
    json.key("space").optional(known(status.space), string);
    json.key("hub").optional(known(status.hub), string);
    json.key("state").string(to_string(status.state));
    json.key("state_since").optional(status.state_since == 0 ? std::nullopt : std::optional(status.state_since), time);
    json.key("cause").optional(known(status.cause), string);
    json.key("network").string(to_string(status.network));
    json.key("network_since").optional(status.network_since == 0 ? std::nullopt : std::optional(status.network_since), time);
    json.key("network_cause").optional(known(status.network_cause), string);
    json.key("interface").string(to_string(status.interface_kind));
    json.key("metered").optional(status.metered, [&](bool value) -> JsonWriter& { return json.boolean(value); });
    json.key("hub_reach").string(to_string(status.hub_reach));
    json.key("pending_transactions").integer(status.pending_transactions);
    json.key("pending_rows").integer(status.pending_rows);
    json.key("rejected").integer(status.rejected);
    json.key("conflicts").integer(status.conflicts);
    json.key("cursor").number(status.cursor);
    json.key("hub_seq").optional(status.hub_seq, number);
    json.key("epoch").optional(status.epoch, number);
    json.key("last_sync_at").optional(status.last_sync_at, time);
    json.key("last_error").optional(status.last_error, [&](const LastError& error) -> JsonWriter& {
        json.begin_object().key("code").string(error.code).key("message").string(error.message);
        return json.key("at").time(error.at).end_object();
    });
    json.key("holder_pid").optional(status.holder_pid, integer);
    json.key("progress").begin_object();
    json.key("rows_done").integer(status.progress.rows_done).key("rows_total").integer(status.progress.rows_total);
    json.key("rows_up_done").integer(status.progress.rows_up_done).key("rows_up_total").integer(status.progress.rows_up_total);
    json.key("bytes_down").integer(status.progress.bytes_down).key("bytes_down_total").integer(status.progress.bytes_down_total);
    json.key("bytes_up").integer(status.progress.bytes_up).key("bytes_up_total").integer(status.progress.bytes_up_total);
    json.end_object().end_object();
    return json.take();
}

std::optional<Status> status_from_json(std::string_view text) {
    Document document(text);
    if (!document.valid() || !document.text("$.state")) return std::nullopt;
    Status status;
    status.site = document.text("$.site").value_or("");
    status.space = document.text("$.space").value_or("");
    status.hub = document.text("$.hub").value_or("");
    status.state = state_named(session_states, *document.text("$.state"));
    status.state_since = document.time("$.state_since").value_or(0);
    status.cause = document.text("$.cause").value_or("");
    status.network = state_named(network_states, document.text("$.network").value_or(""));
    status.network_since = document.time("$.network_since").value_or(0);
    status.network_cause = document.text("$.network_cause").value_or("");
    status.interface_kind = state_named(interface_kinds, document.text("$.interface").value_or(""));
    if (const auto metered = document.integer("$.metered")) status.metered = *metered != 0;
    status.hub_reach = state_named(hub_reaches, document.text("$.hub_reach").value_or(""));
    status.pending_transactions = document.integer("$.pending_transactions").value_or(0);
    status.pending_rows = document.integer("$.pending_rows").value_or(0);
    status.rejected = document.integer("$.rejected").value_or(0);
    status.conflicts = document.integer("$.conflicts").value_or(0);
    status.cursor = document.number("$.cursor").value_or(0);
    status.hub_seq = document.number("$.hub_seq");
    status.epoch = document.number("$.epoch");
    status.last_sync_at = document.time("$.last_sync_at");
    if (const auto code = document.text("$.last_error.code")) {
        status.last_error = LastError{*code, document.text("$.last_error.message").value_or(""), document.time("$.last_error.at").value_or(0)};
    }
    status.holder_pid = document.integer("$.holder_pid");
    status.progress.rows_done = document.integer("$.progress.rows_done").value_or(0);
    status.progress.rows_total = document.integer("$.progress.rows_total").value_or(0);
    status.progress.rows_up_done = document.integer("$.progress.rows_up_done").value_or(0);
    status.progress.rows_up_total = document.integer("$.progress.rows_up_total").value_or(0);
    status.progress.bytes_down = document.integer("$.progress.bytes_down").value_or(0);
    status.progress.bytes_down_total = document.integer("$.progress.bytes_down_total").value_or(0);
    status.progress.bytes_up = document.integer("$.progress.bytes_up").value_or(0);
    status.progress.bytes_up_total = document.integer("$.progress.bytes_up_total").value_or(0);
    return status;
}

}  // namespace tombolo::client
