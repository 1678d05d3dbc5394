// Rejected transactions that a person or the application ended. Their numbers stay refused for what depends on them. Inside the
// caller's transaction where it writes.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "model/transaction.h"
#include "sqlite/connection.h"

namespace tombolo::device {

struct Retired {
    Verdict verdict;               // rejected: queued again; discarded
    TransactionNumber retried_as;  // 0: discarded
    std::optional<std::string> by;
};

class RetiredNumbers {
public:
    explicit RetiredNumbers(sqlite::Connection& db) : db_(db) {}

    void add(const Retired& retired, WallTime at);
    std::optional<Retired> find(TransactionNumber number);
    // Each with the number it was queued again under; 0: discarded.
    std::map<TransactionNumber, TransactionNumber> all();
    void forget_up_to(uint64_t number);

    // In the header and verdict of a rejected transaction: what it depends on by its present number. True: something changed.
    static bool rename(const std::map<TransactionNumber, TransactionNumber>& retired, TransactionHeader& header, Verdict& verdict);

private:
    sqlite::Connection& db_;
};

}  // namespace tombolo::device
