// Apply: one checkpoint into the application's tables, in one SQLite transaction.
//
// Takes: the parts of a whole checkpoint.   Gives: tables = hub rows at its seq, with pending writes on top.
// Durable when run() returns: rows, cursor, and the outbox without the entries whose verdict it covers.
//
//   freeze the log ─▶ note verdicts ─▶ write rows nobody here has pending on ─▶ rebase the rest ─▶ settle clashes ─▶ cursor
//
// Rows that no outbox entry names go straight into the tables. For the others the hub's row (`under`) is taken from the
// checkpoint, or kept from before, and the pending transactions are run over it with the hub's own merge code. A pending
// transaction that the hub would refuse, or whose overlay clashes with a row that arrived (unique, foreign key, check), is hidden
// whole with its dependants and marked `expected`; it stays queued and is still sent, and returns if the clash goes away.
//
// Rows that only this site has touched since it last knew better are not in the checkpoint (the hub leaves them out): an
// accepted transaction's own rows stand as it left them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "device/outbox.h"
#include "device/pending_rows.h"
#include "device/quiet_triggers.h"
#include "device/references.h"
#include "device/retired.h"
#include "device/table_rows.h"
#include "merge/rebase.h"
#include "model/expression.h"
#include "wire/message.h"
#include "wire/rows.h"
#include "world/clock.h"

namespace tombolo::device {

class Apply {
public:
    Apply(sqlite::Connection& db, const Schema& schema, Outbox& outbox, PendingIndex& index, QuietTriggers& triggers, Expressions& expressions,
          world::Clock& clock);

    struct Result {
        std::vector<Verdict> verdicts;  // of own transactions, matched by number and id
        size_t rows = 0;
    };
    Result run(const std::vector<std::string>& parts, const wire::CheckpointEnd& end);
    // Nothing arrived, but the outbox was changed: what is expected may stand now. Inside the caller's transaction, the log frozen.
    void reconsider();
    // Why the last run hid a transaction: a sentence without its end.
    std::string why_hidden(TransactionNumber number) const;

private:
    struct Plan;

    void match_verdicts(const std::vector<Verdict>& verdicts);
    bool only_confirms(bool carries_rows);
    void write_arrivals(const std::vector<std::string>& parts);
    void read_part(std::string_view message);
    void arrive(const wire::RowView& row);
    void begin_rebuild();
    const Entry* find_entry(TransactionNumber number) const;

    void rebase_until_settled();
    Plan make_plan();
    void confirm(Plan& plan);
    void keep_bases(const std::string& row);
    void stand_as_written(const ChangeView& change, const merge::Writer& writer, RowState& state);
    void rebase(Plan& plan);
    merge::RebaseWorld rebase_world();
    std::optional<TransactionNumber> write_plan(Plan& plan);
    std::optional<TransactionNumber> culprit(const Plan& plan, const TableRows::Clash& clash) const;
    std::optional<TransactionNumber> newest_shown(const Plan& plan, const std::vector<std::string>& rows) const;
    std::optional<TransactionNumber> broken_reference(const Plan& plan);
    std::optional<TransactionNumber> orphaned(const Plan& plan, const std::string& row, const std::vector<Value>& values);
    std::optional<TransactionNumber> taker(const Plan& plan, const References::Missing& parent);
    bool is_shown(const Plan& plan, const Entry& entry) const;
    void keep_plan(const Plan& plan);
    void keep_existence(const Plan& plan);
    void finish_leaving();
    void rename_needs(TransactionNumber number);
    void move_cursor(const wire::CheckpointEnd& end);

    sqlite::Connection& db_;
    const Schema& schema_;
    Outbox& outbox_;
    Expressions& expressions_;
    world::Clock& clock_;
    TableRows rows_;
    PendingRows pending_;
    References& references_;

    std::vector<Entry> entries_;  // all, as they were before this checkpoint
    std::map<TransactionNumber, Verdict> leaving_;
    std::unordered_map<std::string, RowState> fresh_;  // arrived rows that some entry names
    std::vector<std::string> gone_;                    // arrived deletions, for reference checks
    std::vector<std::string> orphans_;                 // arrived rows whose parent was not there yet
    std::set<TransactionNumber> hidden_by_clash_;
    std::map<TransactionNumber, std::string> why_hidden_;
    std::map<TransactionNumber, TransactionNumber> retired_;  // RetiredNumbers::all
    bool rebuild_ = false;
    Epoch epoch_;
    Result result_;
};

}  // namespace tombolo::device
