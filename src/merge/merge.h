// What becomes of a transaction: the rules of docs/internals/merge.md as pure functions.
//
// The hub runs merge_transaction on its store to decide; a device runs the same function on an overlay of its tables to predict
// (rebase). Nothing here does I/O: rows come and go through `Rows`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "merge/history.h"
#include "model/change.h"
#include "model/expression.h"
#include "model/row.h"
#include "model/transaction.h"

namespace tombolo::merge {

// Who writes, and what he knew.
struct Writer {
    SiteNumber site;
    Seq seen;           // already translated into the present epoch
    Seq seq;            // the seq this transaction takes; a device predicting uses one above every real one
    HubTime stamp = 0;  // effective stamp
    bool retry = false;
    TransactionNumber number{};  // names his open conflicts; nothing else depends on it
};

// One stamp per transaction. `last_own` is the site's last effective stamp, rejected transactions included.
HubTime effective_stamp(HubTime written_at, HubTime seen_time, HubTime hub_now, HubTime last_own);

struct RowName {
    const Table* table = nullptr;
    std::string key;
    bool operator==(const RowName&) const = default;
};

struct RowNameHash {
    size_t operator()(const RowName& name) const {
        return std::hash<std::string_view>{}(name.key) ^ (std::hash<const void*>{}(name.table) * 0x9E3779B97F4A7C15U);
    }
};

// The rows a transaction is merged into. A hub implements it over its store, a device over its tables and pending rows.
class Rows {
public:
    virtual ~Rows() = default;
    // Fills `state` and returns its existence. Where it is unknown the rest of `state` is empty.
    virtual Existence find(const Table& table, std::string_view key, RowState& state) = 0;
    // Replaces a row's state; `before` is what find said. Called at most once per change of a row, in the order of the changes, and for
    // rows that an update brings back with the one it names.
    virtual void write(const Table& table, std::string_view key, Existence before, const RowState& after) = 0;
    // Rows still dead by the transaction that took `death`: they come back together.
    virtual std::vector<RowName> dead_by(Seq death) = 0;
    // A device skips changes on rows that left its channels; the hub never hides.
    virtual bool is_hidden(const Table& table, std::string_view key) { return (void)table, (void)key, false; }
};

struct Outcome {
    VerdictKind kind = VerdictKind::accepted;
    RejectCode code = RejectCode::none;
    std::string reason;
    bool rejected() const { return kind == VerdictKind::rejected; }
};

// Merges all changes, or stops at the first reason to reject (what it wrote until then is the caller's to roll back).
// Dependence, permission and the schema's constraints are judged by the caller: before and after.
// `history` is told what was put aside; nullptr where nobody keeps it. `expressions` answers for `sql` columns; nullptr is as if every
// expression failed.
Outcome merge_transaction(Rows& rows, ChangeSource& changes, const Writer& writer, History* history = nullptr, Expressions* expressions = nullptr);

}  // namespace tombolo::merge
