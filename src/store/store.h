// Store: the hub's storage of one space, behind one interface. One suite (store_conformance_test.h) holds for every store.
//
// Takes: rows with their meta, verdicts and sites from the hub's commit.   Gives: them back, and what changed since a seq.
// Durable: all of a group when commit_group returns; all of it or nothing after a crash.
//
// A group holds many transactions, so that they share one flush. Each transaction is rolled back or released on its own, and the
// verdict about it is recorded in the group either way. Constraints of the application's schema are judged on the net result of
// a transaction, by finish_transaction: unique values may be swapped, and a row may be wrong for a moment between two changes.
// Single-threaded. Failures of the storage throw (disk_full, io, corrupt …): the group is lost, the store stays usable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "model/row.h"
#include "model/schema.h"
#include "model/transaction.h"
#include "store/spool.h"

namespace tombolo::store {

struct SpaceState {
    std::string space_id;  // 32 hex digits, made with the space and never changed
    Epoch epoch;
    Seq head;               // newest verdict
    HubTime head_time = 0;  // of `head`
    Seq horizon;            // tombstones up to here may be gone: a cursor below it cannot be fed
};

struct SiteRecord {
    SiteNumber number;              // 0: unknown site
    TransactionNumber last_number;  // newest transaction with a verdict, and its id
    TransactionId last_id;
    HubTime last_stamp = 0;  // greatest effective stamp of the site's verdicts
};

struct VerdictRecord {
    Verdict verdict;
    std::optional<Seq> seen;  // what its author knew; nullopt: its author cannot tell the result (another epoch, a row brought back)
};

// Why the schema refuses the net result of a transaction.
struct Violation {
    RejectCode code = RejectCode::none;
    std::string sentence;  // names tables and columns
};

struct StoredName {
    const Table* table = nullptr;
    std::string key;
};

// Receives what a scan finds. Everything is valid during the call only. False stops the scan behind this row.
class RowVisitor {
public:
    virtual ~RowVisitor() = default;
    virtual bool row(const Table& table, Seq changed, const std::vector<ValueView>& values, const RowMeta& meta) = 0;
    virtual bool gone(const Table& table, std::string_view key, const std::vector<ValueView>& image, const RowMeta& meta) = 0;
};

class Store {
public:
    virtual ~Store() = default;

    virtual const SpaceState& state() const = 0;

    // --- schema ---
    virtual const Schema& schema() const = 0;
    // Creates or migrates the tables, in one transaction of its own. The same schema does nothing; additions migrate; Error(schema)
    // names any other difference. Returns warnings, one sentence each. Table references taken before are invalid.
    virtual std::vector<std::string> update_schema(std::string_view sql) = 0;
    // Takes policies and modes of tables and columns that have the same names. Not stored: the configuration is.
    virtual void set_policies(const std::vector<Table>& tables) = 0;

    // --- groups ---
    virtual void begin_group() = 0;
    virtual void commit_group() = 0;
    virtual void rollback_group() noexcept = 0;  // harmless when there is none

    // --- one transaction inside a group ---
    virtual void begin_transaction(Seq seq) = 0;  // all it writes counts as changed at `seq`
    // `table` is one of schema()'s. Fills `state`; where the row is unknown, the rest of `state` is empty.
    virtual Existence find(const Table& table, std::string_view key, RowState& state) = 0;
    // `before` is what find said; `after` is alive or dead (a tombstone with its last image).
    virtual void write(const Table& table, std::string_view key, Existence before, const RowState& after) = 0;
    virtual std::vector<StoredName> dead_by(Seq death) = 0;  // rows still dead by that transaction
    // Keys of live rows whose number in `column` is at most `most`, lowest first, at most `rows_max`.
    virtual std::vector<std::string> find_up_to(const Table& table, uint32_t column, int64_t most, size_t rows_max) = 0;
    virtual std::optional<Violation> finish_transaction() = 0;  // judges the constraints; the transaction stays open
    virtual void release_transaction() = 0;
    virtual void rollback_transaction() = 0;

    // --- sites and verdicts ---
    virtual SiteRecord find_site(const SiteId& site) = 0;
    virtual std::optional<SiteId> site_id(SiteNumber site) = 0;  // nullopt: no such site
    virtual SiteRecord add_site(const SiteId& site) = 0;         // outside a group; durable when it returns
    // The one recorded end of a transaction; moves the head to verdict.seq at `time`. Inside a group, outside a transaction.
    virtual void record_verdict(SiteNumber site, const VerdictRecord& record, HubTime time) = 0;
    virtual std::optional<VerdictRecord> find_verdict(SiteNumber site, TransactionNumber number) = 0;
    virtual std::vector<VerdictRecord> verdicts(SiteNumber site, Seq after, Seq up_to) = 0;  // in order of number
    virtual Seq newest_verdict(SiteNumber site) = 0;                                         // of those still kept; 0: none
    // The site has applied them. Rejections stay: later transactions may depend on them. Inside a group.
    virtual void forget_verdicts(SiteNumber site, Seq up_to) = 0;
    // The hub's time when `seq` was the head; 0 when that is no longer known.
    virtual HubTime time_of(Seq seq) = 0;

    // --- what changed ---
    // Visits live rows of `table` that changed last in (after, up_to], each once, from `position` on (empty: the first). Moves
    // `position` behind the last visited row; true when there are no more. The position is opaque, survives a restart of the
    // store, and may come from a stranger: at worst rows are visited twice.
    virtual bool scan_rows(const Table& table, Seq after, Seq up_to, std::string& position, RowVisitor& visitor) = 0;
    // The same for tombstones, of all tables at once.
    virtual bool scan_gone(Seq after, Seq up_to, std::string& position, RowVisitor& visitor) = 0;
    virtual uint64_t count_rows(Seq after, Seq up_to) = 0;  // live rows, for progress

    // --- housekeeping, outside a group ---
    // Drops tombstones that died at or before `time` and at or before `up_to`, at most `rows_max` of them, and moves the horizon.
    // Returns how many went.
    virtual size_t purge(HubTime time, Seq up_to, size_t rows_max) = 0;
    virtual Spool make_spool(size_t memory_bytes_max) = 0;
};

}  // namespace tombolo::store
