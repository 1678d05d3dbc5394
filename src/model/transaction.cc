#include "model/transaction.h"

namespace tombolo {

std::string_view to_string(VerdictKind kind) {
    switch (kind) {
        case VerdictKind::accepted: return "accepted";
        case VerdictKind::merged: return "merged";
        case VerdictKind::in_conflict: return "in-conflict";
        case VerdictKind::rejected: return "rejected";
        case VerdictKind::discarded: return "discarded";
    }
    return "unknown";
}

std::string_view to_string(RejectCode code) {
    switch (code) {
        case RejectCode::none: return "none";
        case RejectCode::permission: return "permission";
        case RejectCode::unique: return "unique";
        case RejectCode::primary_key: return "primary-key";
        case RejectCode::foreign_key: return "foreign-key";
        case RejectCode::check: return "check";
        case RejectCode::not_null: return "not-null";
        case RejectCode::schema: return "schema";
        case RejectCode::type: return "type";
        case RejectCode::overflow: return "overflow";
        case RejectCode::too_large: return "too-large";
        case RejectCode::depends: return "depends";
        case RejectCode::parent_protected: return "parent-protected";
        case RejectCode::backend: return "backend";
    }
    return "unknown";
}

}  // namespace tombolo
