// Status: how things are between a device and its hub, as one value with its cause.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tombolo/network.h"

namespace tombolo {

enum class SessionState { offline, connecting, syncing, live, needs_auth, error };

std::string_view to_string(SessionState state);  // "offline", "connecting", "syncing", "live", "needs-auth", "error"

struct LastError {
    std::string code;  // ErrorCode's text
    std::string message;
    int64_t at = 0;  // microseconds since 1970, wall clock
    bool operator==(const LastError&) const = default;
};

// Estimates, for a progress bar. Rows are zero when nothing is under way.
struct Progress {
    int64_t rows_done = 0, rows_total = 0;             // down: rows of the checkpoint that is arriving
    int64_t rows_up_done = 0, rows_up_total = 0;       // up: rows with a verdict, of those that waited since the outbox was empty
    int64_t bytes_down = 0, bytes_up = 0;              // since the connection opened
    int64_t bytes_down_total = 0, bytes_up_total = 0;  // at that rate for the rows to come; 0: nothing under way, or not known
    bool operator==(const Progress&) const = default;
};

// A value: copied, compared. Times in microseconds since 1970 on this machine's wall clock; absent means never known.
struct Status {
    std::string site;  // 32 hex digits
    std::string space;
    std::string hub;  // URL; empty while none is known
    SessionState state = SessionState::offline;
    int64_t state_since = 0;
    std::string cause;  // a sentence: why this state
    NetworkState network = NetworkState::unknown;
    int64_t network_since = 0;
    std::string network_cause;  // a sentence: why this network state
    InterfaceKind interface_kind = InterfaceKind::unknown;
    std::optional<bool> metered;
    HubReach hub_reach = HubReach::unknown;
    int64_t pending_transactions = 0;  // not counting rejected ones
    int64_t pending_rows = 0;
    int64_t rejected = 0;
    int64_t conflicts = 0;            // open ones
    uint64_t cursor = 0;              // seq this device has reached
    std::optional<uint64_t> hub_seq;  // newest seq the hub was heard to have
    std::optional<uint64_t> epoch;
    std::optional<int64_t> last_sync_at;
    std::optional<LastError> last_error;
    std::optional<int64_t> holder_pid;  // process that holds the session
    Progress progress;
    bool operator==(const Status&) const = default;
};

}  // namespace tombolo
