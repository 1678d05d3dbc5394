// What a transaction depends on: the pending ones that made or ended a row it names, or made a parent of one. Inside the caller's write
// transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "device/existence_index.h"
#include "device/log_record.h"
#include "device/outbox.h"

namespace tombolo::device {

// When it was written, on the hub's clock, as well as it can be known here: by the boot clock if the machine has not been restarted
// since the last handshake, else by the wall clock with the offset seen then, but not before the checkpoint its author had seen.
HubTime hub_time_of(sqlite::Connection& db, const LogContext& context);

// What find_needs found, each once and ascending, as the header says it.
std::vector<TransactionNumber> distinct_needs(std::vector<uint64_t> needs);

class Dependence {
public:
    Dependence(sqlite::Connection& db, const Schema& schema, Outbox& outbox, ExistenceIndex& existence)
        : db_(db), schema_(schema), outbox_(outbox), existence_(existence) {}

    // Transactions from `number` on are about to be written.
    void begin(uint64_t number);
    // One of them was: these rows (by hash) it made or ended.
    void add(uint64_t number, std::vector<uint64_t> rows);

    // Adds the transactions that a change depends on to `needs`.
    void find_needs(uint64_t table_id, const ChangeView& change, std::vector<uint64_t>& needs);
    // An insert over an own pending delete says so and carries the deleted image as base. The image lives as long as this.
    void complete_insert(uint64_t table_id, ChangeView& change);

private:
    // The newest pending transaction that made or ended the row; 0: none.
    uint64_t maker_of(uint64_t table_id, std::string_view key);
    const std::string* image_erased_by(uint64_t number, const std::string& row);
    bool is_pending(uint64_t number);

    sqlite::Connection& db_;
    const Schema& schema_;
    Outbox& outbox_;
    ExistenceIndex& existence_;
    bool rebase_changed_existence_ = false;  // tombolo_existence has something to say
    std::unordered_map<uint64_t, bool> pending_;
    std::unordered_map<uint64_t, std::unordered_map<std::string, std::string>> erased_;  // number -> row -> image
};

}  // namespace tombolo::device
