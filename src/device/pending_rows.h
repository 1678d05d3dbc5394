// Which rows the transactions in the outbox name, and what the hub has below them.
//
// `under` of a row is the hub's row at the cursor. It is stored (tombolo_under) only where a checkpoint has changed the row since
// the first pending write; otherwise it is the present row with the shown pending writes undone, and is derived.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "device/outbox.h"
#include "device/table_rows.h"
#include "device/text_bases.h"
#include "model/row.h"

namespace tombolo::device {

// A row's name in one string: table id, then key. Cheap to hash, and sorts by table.
std::string row_name(const Schema& schema, const Table& table, std::string_view key);
const Table& table_of(const Schema& schema, std::string_view row_name);
std::string_view key_in(std::string_view row_name);

// Which rows the entries name. Frozen transactions never change, so what is known of one holds until it leaves the outbox; kept
// from one checkpoint to the next. Costs memory in proportion to what is pending.
class PendingIndex {
public:
    // Makes this the index of `entries` (in order of number): reads those that are new, forgets those that left.
    void follow(const std::vector<Entry>& entries, const Schema& schema, Outbox& outbox);
    void clear();

    // Entries that change `row`, in order of number; empty if none.
    const std::vector<TransactionNumber>& writers(const std::string& row) const;
    const std::vector<std::string>& rows_of(TransactionNumber number) const;
    bool has_edits(const std::string& row) const { return edited_.count(row) != 0; }  // of texts (device/text_bases.h)

private:
    struct Known {
        TransactionId id;
        std::vector<std::string> rows;
        std::vector<std::string> edited;  // of these
    };
    void forget(TransactionNumber number, const Known& known);
    void read(const Entry& entry, const Schema& schema, Outbox& outbox);

    std::unordered_map<std::string, std::vector<TransactionNumber>> writers_;
    std::unordered_map<std::string, size_t> edited_;  // by how many
    std::map<TransactionNumber, Known> known_;
};

class PendingRows {
public:
    PendingRows(sqlite::Connection& db, const Schema& schema, Outbox& outbox, TableRows& rows, PendingIndex& index);

    // Until then nothing is named.
    void load(const std::vector<Entry>& entries) { index_.follow(entries, schema_, outbox_); }

    bool names(const std::string& row) const { return !writers(row).empty(); }
    const std::vector<TransactionNumber>& writers(const std::string& row) const { return index_.writers(row); }
    const std::vector<std::string>& rows_of(TransactionNumber number) const { return index_.rows_of(number); }

    // --- under ---
    bool read_stored(const std::string& row, RowState& state);
    std::vector<std::string> stored_rows();
    void store(const std::string& row, const RowState& state);
    void drop(const std::string& row);
    // From now on tables do not tell what the text edits of `row` were made of. Stored rows need it, and dropping them ends it.
    void keep_bases(const std::string& row, const std::function<TextBases::Stay(TransactionNumber)>& stay);
    // The present row with the changes of `shown` (in order of number) undone, for each of `wanted`.
    std::unordered_map<std::string, RowState> derive(const std::set<std::string>& wanted, const std::vector<TransactionNumber>& shown);

private:
    sqlite::Connection& db_;
    const Schema& schema_;
    Outbox& outbox_;
    TableRows& rows_;
    PendingIndex& index_;
};

}  // namespace tombolo::device
