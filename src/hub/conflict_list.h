// Keeps the synced table of conflicts (model/conflict_table.h) in step with what merge does to the rows.
//
// Takes: what merge opens, closes and puts aside, and each row it writes.   Gives: rows of tombolo_conflict, written in the same
// transaction, and what the verdict says of cells.
// One object per transaction of a device. Does nothing in a space that has no such table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "merge/history.h"
#include "model/change.h"
#include "store/store.h"

namespace tombolo::hub {

// The application's schema and the list. Returns warnings, as Store::update_schema.
std::vector<std::string> update_schema(store::Store& store, std::string_view sql);

class ConflictList final : public merge::History {
public:
    struct Commit {
        SiteId author;
        Seq seq;
        HubTime now = 0;
    };
    struct Closed {
        const Table* table = nullptr;
        std::string key;
        Candidate candidate;
        merge::Closing why;
    };

    ConflictList(store::Store& store, const Commit& commit);

    void opened(const Table& table, std::string_view key, const Candidate& candidate) override;
    void closed(const Table& table, std::string_view key, const Candidate& candidate, merge::Closing why) override;
    void put_aside(const Table& table, std::string_view key, const merge::PutAside& value) override;
    void met(const Table& table, std::string_view key, const merge::Meeting& meeting) override;

    // After merge wrote a row: lists its candidates with what is stored now, and settles those that were closed.
    void row_written(const Table& table, std::string_view key, const RowState& row);

    // Takes settled conflicts out that ended at or before `time`: some at a time, more than this transaction has added.
    void expire(HubTime time);

    // What became of the transaction's cells, as its verdict tells.
    void give_notes(Verdict& verdict);

private:
    void list(const Table& table, std::string_view key, const RowState& row, const Candidate& candidate);
    void settle(const RowState& row, const Closed& closed);
    std::string site_name(SiteNumber site);
    void write(const std::string& id, std::vector<Value> values);
    RowState state_of(std::vector<Value> values) const;
    void remove(const std::string& id);
    bool find(const std::string& id, RowState& row);

    store::Store& store_;
    const Table* table_;  // nullptr: the space has none
    Commit commit_;
    std::vector<Closed> closed_;  // of rows that merge has not written yet
    size_t settled_ = 0;          // rows that this transaction added as settled
    std::vector<CellNote> notes_;
    uint64_t notes_in_all_ = 0;
};

// A device may change nothing in the list but how a conflict ended, to dismiss it. Throws Error(usage) otherwise.
void require_dismissal(const ChangeView& change);

}  // namespace tombolo::hub
