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

}  // namespace tombolo
