// History: who wants to know what a merge put aside, and what its cells met. The hub keeps it (its list of conflicts, the verdict); a device
// predicting does not.
//
// Told as it happens, inside the caller's transaction: where merge_transaction ends in a rejection, what was told is to be taken
// back with everything else. References are valid during the call only.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/row.h"
#include "model/schema.h"

namespace tombolo::merge {

// Why a candidate is no longer open.
enum class Closing : uint8_t {
    resolved,  // somebody who had seen it wrote the cell (or the row)
    equal,     // the stored value became its value: nothing is left to decide
    folded,    // its own author, not knowing of the conflict, wrote again: that write stands in its place
    orphaned,  // a new row took the key of the deleted one; nobody decided
};

// A value that nobody stores, put aside by a policy that chooses without asking: the author of what stands instead had not seen it.
struct PutAside {
    uint32_t column = 0;
    ValueView value;
    ValueView base;    // what the author of the arriving write saw
    ValueView stored;  // what stands instead; NULL where the row is gone
    SiteNumber site;   // its author, and the stamp of his write
    HubTime stamp = 0;
    SiteNumber stored_site;  // author of what stands
};

// A cell of the arriving transaction (or Candidate::row_itself: its deletion or insertion) that met a write its author had not seen, and did not
// simply win.
struct Meeting {
    uint32_t column = 0;
    CellFate fate = CellFate::lost;
    SiteNumber other;  // author of the write it met
    Seq candidate{};   // CellFate::waits: of the one that was opened
};

class History {
public:
    virtual ~History() = default;
    virtual void opened(const Table& table, std::string_view key, const Candidate& candidate) = 0;
    virtual void closed(const Table& table, std::string_view key, const Candidate& candidate, Closing why) = 0;
    virtual void put_aside(const Table& table, std::string_view key, const PutAside& value) = 0;
    virtual void met(const Table& table, std::string_view key, const Meeting& meeting) = 0;
};

}  // namespace tombolo::merge
