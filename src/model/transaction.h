// A transaction as it travels from the device that made it to the hub.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "tombolo/verdict.h"

namespace tombolo {

using SiteNumber = Number<struct SiteNumberTag>;  // the hub's short name for a site in one space, given at first contact, never reused

// The order of last-write-wins: time first, then site. Total, because one site never uses a time twice.
struct Stamp {
    HubTime time = 0;
    SiteNumber site;
    constexpr auto operator<=>(const Stamp&) const = default;
};

// Everything of a transaction but its changes.
struct TransactionHeader {
    TransactionNumber number;
    TransactionId id;
    Cursor seen;                             // what its author could have known
    HubTime written_at = 0;                  // author's time, converted to hub time as well as the device can
    std::vector<TransactionNumber> depends;  // own transactions without which this one makes no sense
    bool retry = false;                      // a rejected transaction queued again; keeps `stamp`
    HubTime stamp = 0;                       // retry only: the effective stamp recorded with the rejection
    bool operator==(const TransactionHeader&) const = default;
};

// A cell of a transaction that met a stranger's write its author had not seen, and did not simply win. For people: nothing is computed from it.
struct CellNote {
    std::string table;
    std::string key;       // put_named_key: the key's columns by name
    std::string column;    // empty: the row itself, its deletion or its insertion
    std::string conflict;  // CellFate::waits: the open conflict's id
    SiteId other;          // the stranger; nil: not known
    CellFate fate = CellFate::lost;
    bool operator==(const CellNote&) const = default;
};

// The one recorded end of a transaction at the hub.
struct Verdict {
    TransactionNumber number;
    TransactionId id;
    VerdictKind kind = VerdictKind::accepted;
    RejectCode code = RejectCode::none;
    std::string reason;             // a sentence for a person; empty unless rejected
    TransactionNumber depends_on;   // RejectCode::depends: the refused transaction it needed
    Seq seq;                        // every verdict takes a seq of its own, rejections too
    HubTime stamp = 0;              // the effective stamp
    std::vector<CellNote> cells{};  // the first few, at most limits::verdict_cells_max
    uint64_t cells_in_all = 0;
    bool operator==(const Verdict&) const = default;
};

// Verdict::cells as bytes, for files.   notes := in-all n {table key column conflict site(16) fate(1)}*n
void put_cell_notes(std::string& out, const Verdict& verdict);
bool read_cell_notes(class Reader& in, Verdict& verdict);

}  // namespace tombolo
