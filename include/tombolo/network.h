// What is known of the network between a device and its hub, and what an application can say about it.
#pragma once

#include <optional>
#include <string_view>

namespace tombolo {

// What the newest evidence says of the network; see docs/guides/network.md.
enum class NetworkState { unknown, none, limited, portal, available };

// What the way out is made of, as far as the system or the application says.
enum class InterfaceKind { unknown, ethernet, wifi, cellular, vpn, other };

// What became of the newest attempt to talk to the hub. A failing hub's host answers, and the hub refuses or breaks off.
enum class HubReach { unknown, unreachable, failing, answering };

std::string_view to_string(NetworkState state);  // "unknown", "none", "limited", "portal", "available"
std::string_view to_string(InterfaceKind kind);
std::string_view to_string(HubReach reach);

// What an application knows of the network; what it does not know stays absent. A hint prompts an attempt or ends a wait; it
// never keeps the session from trying, and never makes the network `available`: only an answer of the hub does.
struct NetworkHint {
    std::optional<bool> online;  // is there a link with an address?
    std::optional<bool> portal;  // does the network want a login first?
    std::optional<bool> metered;
    InterfaceKind interface_kind = InterfaceKind::unknown;
    bool operator==(const NetworkHint&) const = default;
};

// When a session may talk to the hub by itself. Session::sync_now and sync_once may always.
enum class SyncPolicy {
    always,
    unmetered,  // not while the network is known to be metered
    manually,   // only when asked
};

}  // namespace tombolo
