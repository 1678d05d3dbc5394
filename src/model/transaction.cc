#include "model/transaction.h"

#include "base/coding.h"

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

std::string_view to_string(CellFate fate) {
    switch (fate) {
        case CellFate::lost: return "lost";
        case CellFate::combined: return "combined";
        case CellFate::waits: return "waits";
    }
    return "unknown";
}

void put_cell_notes(std::string& out, const Verdict& verdict) {
    put_varint(out, verdict.cells_in_all);
    put_varint(out, verdict.cells.size());
    for (const CellNote& note : verdict.cells) {
        for (const std::string* part : {&note.table, &note.key, &note.column, &note.conflict})
            put_bytes(out, *part);
        out.append(note.other.view());
        out.push_back(static_cast<char>(note.fate));
    }
}

bool read_cell_notes(Reader& in, Verdict& verdict) {
    verdict.cells.clear();
    verdict.cells_in_all = in.varint();
    for (uint64_t n = in.count(); n > 0 && !in.failed(); --n) {
        CellNote& note = verdict.cells.emplace_back();
        for (std::string* part : {&note.table, &note.key, &note.column, &note.conflict})
            *part = in.bytes();
        const auto other = SiteId::from_bytes(in.take(16));
        const uint8_t fate = in.byte();
        if (!other || fate < static_cast<uint8_t>(CellFate::lost) || fate > static_cast<uint8_t>(CellFate::waits)) return false;
        note.other = *other;
        note.fate = static_cast<CellFate>(fate);
    }
    return !in.failed();
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
