// Which own transactions in the outbox made a row or ended it: what a later transaction that names the row depends on.
//
// Rows are kept by a 64-bit hash. A collision would make a transaction depend on one that it does not need, which shows only when
// that one is rejected; with a million rows on either side its chance is one in ten million.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "device/outbox.h"

namespace tombolo::device {

class ExistenceIndex {
public:
    // Takes in frozen transactions up to `last` that are not here yet. A device that starts its numbers anew empties the index.
    void cover(Outbox& outbox, const Schema& schema, uint64_t last);
    void add(uint64_t number, std::vector<uint64_t> rows);  // number grows from call to call
    bool empty() const { return rows_.empty() && runs_.empty(); }
    // Numbers that changed the row's existence, newest first.
    std::vector<uint64_t> find(uint64_t row);
    void clear();

private:
    struct Run {  // a large transaction: sorted when first searched
        uint64_t number = 0;
        bool sorted = false;
        std::vector<uint64_t> rows;
    };
    std::unordered_multimap<uint64_t, uint64_t> rows_;
    std::vector<Run> runs_;
    uint64_t covered_ = 0;
};

}  // namespace tombolo::device
