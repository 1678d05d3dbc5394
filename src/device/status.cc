#include "tombolo/status.h"

namespace tombolo {

std::string_view to_string(SessionState state) {
    switch (state) {
        case SessionState::offline: return "offline";
        case SessionState::connecting: return "connecting";
        case SessionState::syncing: return "syncing";
        case SessionState::live: return "live";
        case SessionState::needs_auth: return "needs-auth";
        case SessionState::error: return "error";
    }
    return "error";
}

std::string_view to_string(NetworkState state) {
    switch (state) {
        case NetworkState::unknown: return "unknown";
        case NetworkState::none: return "none";
        case NetworkState::limited: return "limited";
        case NetworkState::portal: return "portal";
        case NetworkState::available: return "available";
    }
    return "unknown";
}

std::string_view to_string(InterfaceKind kind) {
    switch (kind) {
        case InterfaceKind::unknown: return "unknown";
        case InterfaceKind::ethernet: return "ethernet";
        case InterfaceKind::wifi: return "wifi";
        case InterfaceKind::cellular: return "cellular";
        case InterfaceKind::vpn: return "vpn";
        case InterfaceKind::other: return "other";
    }
    return "unknown";
}

std::string_view to_string(HubReach reach) {
    switch (reach) {
        case HubReach::unknown: return "unknown";
        case HubReach::unreachable: return "unreachable";
        case HubReach::failing: return "failing";
        case HubReach::answering: return "answering";
    }
    return "unknown";
}

}  // namespace tombolo
