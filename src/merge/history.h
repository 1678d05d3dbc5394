// History: who wants to know what a merge put aside. The hub keeps it (its conflict list, its history); a device predicting does not.
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

class History {
public:
    virtual ~History() = default;
    virtual void opened(const Table& table, std::string_view key, const Candidate& candidate) = 0;
    virtual void closed(const Table& table, std::string_view key, const Candidate& candidate, Closing why) = 0;
};

}  // namespace tombolo::merge
