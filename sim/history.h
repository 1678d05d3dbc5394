// What the devices' applications did and what became of it: the simulation's own record, kept apart from the product.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/transaction.h"

namespace tombolo::sim {

struct Written {
    size_t device = 0;
    TransactionNumber number;
    TransactionId id;
    std::map<std::string, int64_t> deltas;  // account id -> what was added to its counter
    std::optional<Verdict> verdict;         // as the device was told, or found in its file at the end
};

class History {
public:
    void committed(const Written& written) { all_.emplace(std::pair{written.device, written.number.value}, written); }
    // Every verdict a device is told. Two that differ for one transaction break exactly-once.
    void told(size_t device, const Verdict& verdict);
    Written* find(size_t device, TransactionNumber number) {
        const auto found = all_.find({device, number.value});
        return found == all_.end() ? nullptr : &found->second;
    }
    std::map<std::pair<size_t, uint64_t>, Written>& all() { return all_; }

    // Rows that one device alone ever touches: what it wrote last must stay visible to it at every moment.
    std::map<size_t, std::map<std::string, std::string>> private_rows;  // device -> item id -> title

private:
    std::map<std::pair<size_t, uint64_t>, Written> all_;
};

}  // namespace tombolo::sim
