#include "tombolo/error.h"

namespace tombolo {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::ok: return "ok";
        case ErrorCode::internal: return "internal";
        case ErrorCode::usage: return "usage";
        case ErrorCode::not_found: return "not-found";
        case ErrorCode::not_a_device: return "not-a-device";
        case ErrorCode::wrong_hub: return "wrong-hub";
        case ErrorCode::schema: return "schema";
        case ErrorCode::busy: return "busy";
        case ErrorCode::io: return "io";
        case ErrorCode::disk_full: return "disk-full";
        case ErrorCode::read_only: return "read-only";
        case ErrorCode::corrupt: return "corrupt";
        case ErrorCode::too_new: return "too-new";
        case ErrorCode::too_large: return "too-large";
        case ErrorCode::unreachable: return "unreachable";
        case ErrorCode::timed_out: return "timed-out";
        case ErrorCode::needs_auth: return "needs-auth";
        case ErrorCode::protocol: return "protocol";
        case ErrorCode::sql: return "sql";
        case ErrorCode::constraint: return "constraint";
        case ErrorCode::diverged_copy: return "diverged-copy";
        case ErrorCode::port_in_use: return "port-in-use";
        case ErrorCode::unsupported: return "unsupported";
        case ErrorCode::closed: return "closed";
        case ErrorCode::config: return "config";
        case ErrorCode::null_key: return "null-key";
        case ErrorCode::not_captured: return "not-captured";
        case ErrorCode::cancelled: return "cancelled";
        case ErrorCode::wrong_key: return "wrong-key";
    }
    return "internal";
}

}  // namespace tombolo
