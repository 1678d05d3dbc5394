// What becomes of a rejected transaction: queued again, corrected, given up. Each in one SQLite transaction, after which the tables
// hold the hub's rows at the cursor with the pending transactions on top.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "device/apply.h"
#include "device/capture.h"
#include "device/retired.h"
#include "tombolo/rejection.h"

namespace tombolo::device {

// The hub's row at the cursor, below what is pending here; false: it has none.
bool read_hub_row(sqlite::Connection& db, const Schema& schema, const Table& table, std::string_view key, std::vector<Value>& values);

class RejectedList {
public:
    RejectedList(sqlite::Connection& db, const Schema& schema, Outbox& outbox, PendingIndex& index, QuietTriggers& triggers, Expressions& expressions,
                 const CaptureWorld& world)
        : db_(db), schema_(schema), outbox_(outbox), index_(index), triggers_(triggers), expressions_(expressions), world_(world) {}

    // The same changes under a new number and id, with base, `seen` and stamp as they were: it wins nothing by coming later. The old
    // number is retired, and what was rejected for needing it names the new one. Returns the new number. Error(not_found); Error(usage)
    // while something it needs is rejected itself.
    TransactionNumber retry(TransactionNumber number);
    // A new edit: what it wrote, with these values put right, over the rows as they are now. Error(constraint) where it cannot stand.
    TransactionNumber retry(TransactionNumber number, const std::vector<Correction>& corrections);
    // Error(usage) while others need it, unless they go with it. Returns the numbers that were given up.
    std::vector<TransactionNumber> discard(TransactionNumber number, bool with_dependants, const std::optional<std::string>& by);

private:
    Entry require_rejected(TransactionNumber number);
    void require_needs(const Entry& entry, const std::map<TransactionNumber, TransactionNumber>& retired);
    std::vector<Entry> dependants_of(TransactionNumber number);
    Entry next_entry(const Entry& old);
    void write_changes(const Entry& old, Entry& entry, const std::vector<Correction>& corrections);
    void queue(const Entry& old, const Entry& entry);
    void rename_dependants();
    void end(const Entry& entry, Retired retired);
    void forget_rows(const std::vector<std::string>& rows);
    std::vector<std::string> rows_of(TransactionNumber number);
    std::vector<Entry> all_entries();

    sqlite::Connection& db_;
    const Schema& schema_;
    Outbox& outbox_;
    PendingIndex& index_;
    QuietTriggers& triggers_;
    Expressions& expressions_;
    const CaptureWorld& world_;
};

}  // namespace tombolo::device
