// The end of a transaction: what the hub decided, and why it refused.
#pragma once

#include <cstdint>
#include <string_view>

namespace tombolo {

// Sent and persisted: never renumber.
enum class VerdictKind : uint8_t {
    accepted = 1,     // applied as written
    merged = 2,       // applied, some cells as their policies decided
    in_conflict = 3,  // applied but for cells that wait for a person
    rejected = 4,     // refused; kept on the device with its reason
    discarded = 5,    // refused, and given up by a person or the application
};

// Why a transaction was refused. Text forms are fixed by the command line. Sent and persisted: never renumber.
enum class RejectCode : uint8_t {
    none = 0,
    permission = 1,
    unique = 2,
    primary_key = 3,
    foreign_key = 4,
    check = 5,
    not_null = 6,
    schema = 7,
    type = 8,
    overflow = 9,
    too_large = 10,
    depends = 11,
    parent_protected = 12,
    backend = 13,
};

// What became of a cell that met a write its author had not seen, where it did not simply win. Sent and persisted: never renumber.
enum class CellFate : uint8_t {
    lost = 1,      // the other side's write stands
    combined = 2,  // both are in the value
    waits = 3,     // a person is to decide: a conflict is open
};

std::string_view to_string(VerdictKind kind);
std::string_view to_string(CellFate fate);
std::string_view to_string(RejectCode code);

}  // namespace tombolo
