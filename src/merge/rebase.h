// Rebase: a device's pending transactions, in order, on top of the hub's rows. The transactions themselves never change: base, new
// values and `seen` stay what their author saw; only what is shown is computed anew, with the hub's own rules.
#pragma once

#include <functional>
#include <vector>

#include "merge/merge.h"
#include "merge/overlay.h"

namespace tombolo::merge {

struct Pending {
    const TransactionHeader* header = nullptr;
    ChangeSource* changes = nullptr;
    Seq seen;               // header->seen in the present epoch
    HubTime seen_time = 0;  // the hub's time of `seen`
};

struct RebaseWorld {
    SiteNumber site;
    HubTime hub_now = 0;   // this device's estimate
    HubTime last_own = 0;  // the newest effective stamp that a verdict of this site brought
    // Own transactions that ended refused, or whose number was retired by retry or discard: what depends on them is hidden at once.
    std::function<bool(TransactionNumber)> is_refused;
    // Asked after a transaction was merged into the overlay: would the schema's constraints refuse it? May be empty.
    std::function<Outcome(const Pending&, const Overlay&)> judge;
    Expressions* expressions = nullptr;  // as for merge_transaction
};

struct Prediction {
    TransactionNumber number;
    Outcome outcome;               // rejected: `expected`, the transaction is not shown
    HubTime stamp = 0;             // its effective stamp, as predicted
    TransactionNumber depends_on;  // RejectCode::depends
    bool shown() const { return !outcome.rejected(); }
};

// Runs all of `pending`, in order of number. Afterwards the overlay holds what the device shows, and per row the last shown
// transaction that changed its existence.
std::vector<Prediction> rebase(Overlay& overlay, const std::vector<Pending>& pending, const RebaseWorld& world);

}  // namespace tombolo::merge
