// Outbox: the durable queue of local transactions whose verdict is not yet applied.
//
// Takes: the log that capture wrote.   Gives: frozen transactions, in order of number, as parts ready to send.
// Durable: everything here happens inside the caller's write transaction on the device file.
//
//   captured (log) ─▶ frozen ─▶ verdict known ─▶ covered: gone | rejected list
//                        ⇅ expected (hidden: its overlay would be refused; still sent)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/schema.h"
#include "model/transaction.h"
#include "sqlite/connection.h"

namespace tombolo::device {

// Persisted: never renumber.
enum class EntryState : uint8_t {
    pending = 1,   // frozen, no verdict applied
    expected = 2,  // pending, but hidden: an arrived row clashes with it
    rejected = 3,  // refused by the hub; kept until retried or discarded
};

struct Entry {
    TransactionHeader header;
    EntryState state = EntryState::pending;
    std::optional<std::string> subject;
    int64_t changes = 0;
    int64_t bytes = 0;
    WallTime written_at = 0;
    HubTime seen_time = 0;  // the hub's time of header.seen
    std::optional<Verdict> verdict;
};

std::string encode_header(const TransactionHeader& header);
bool decode_header(std::string_view bytes, TransactionHeader& header);
std::string encode_verdict(const Verdict& verdict);
bool decode_verdict(std::string_view bytes, Verdict& verdict);

class ExistenceIndex;
class References;
class TextBases;

class Outbox {
public:
    // `schema` holds the synced tables as they are in this file, in the order of tombolo_table.id starting at 1.
    Outbox(sqlite::Connection& db, const Schema& schema);
    ~Outbox();

    // Moves everything in the log to frozen transactions: net change per row (first base, last value; a row that ends as it began
    // has none), inserts completed from the tables, dependence computed, cut into parts near limits::part_bytes_target.
    // A transaction whose net change is empty is frozen too, with no changes: numbers go out without gaps.
    // Returns how many transactions were frozen. Must run before a checkpoint changes tables, and before sending; not in a
    // transaction that also writes synced tables with capture on.
    size_t freeze();
    bool log_is_empty();

    std::optional<Entry> find(TransactionNumber number);
    std::vector<Entry> list(EntryState state);                                 // in order of number
    void for_each(const std::function<void(const Entry&)>& visit);             // all, in order of number
    std::optional<Entry> next_after(TransactionNumber number);                 // pending or expected
    std::optional<std::string> part(TransactionNumber number, uint32_t part);  // nullopt past the last one
    bool has_part(TransactionNumber number, uint32_t part);                    // without reading it
    // Of a frozen transaction; borrows this. Texts that are kept as edits are made whole: for a pending one, in the transaction that froze.
    std::unique_ptr<ChangeSource> changes(TransactionNumber number);
    std::unique_ptr<ChangeSource> frozen_changes(TransactionNumber number);  // as they are sent, edits and all
    TextBases& texts() { return *texts_; }

    void set_state(TransactionNumber number, EntryState state);
    void set_verdict(TransactionNumber number, const Verdict& verdict);
    void remove(TransactionNumber number);  // entry and parts

    // --- a transaction that is not frozen from the log ---
    void add(const Entry& entry);      // without its parts
    void rewrite(const Entry& entry);  // header and verdict of one that is rejected, and so never sent again
    size_t add_part(TransactionNumber number, uint32_t part, const std::string& rows);  // returns its bytes
    void move_parts(TransactionNumber from, TransactionNumber to);
    ExistenceIndex& existence() { return *existence_; }
    References& references();  // read when first asked for; tables that change get another outbox

    // Newest number ever given, and its id (log included); zero and nil if none.
    std::pair<TransactionNumber, TransactionId> last();
    struct Counts {
        int64_t transactions = 0;  // pending: in the log or frozen, not rejected
        int64_t rows = 0;          // of transactions still in the log: operations
        int64_t rejected = 0;
    };
    Counts counts();

private:
    sqlite::Connection& db_;
    const Schema& schema_;
    std::unique_ptr<TextBases> texts_;
    std::unique_ptr<ExistenceIndex> existence_;  // of frozen pending transactions; fills itself
    std::unique_ptr<References> references_;
};

}  // namespace tombolo::device
