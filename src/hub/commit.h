// Commit: what becomes of one transaction at the hub.
//
// Takes: a whole pushed transaction from the space's queue.   Gives: its verdict.
// Durable: with the store's group, which the caller opens and commits.
#pragma once

#include <optional>

#include "hub/edit_bases.h"
#include "model/expression.h"
#include "model/transaction.h"
#include "store/store.h"

namespace tombolo::hub {

// A whole transaction as a peer sent it. `parts` are change sections (wire/rows.h), one piece per PushPart.
struct Submission {
    SiteId site_id;
    SiteNumber site;
    TransactionHeader header;
    store::Spool parts;
    bool too_large = false;  // over limits::transaction_bytes_max; its parts were let go
    SentBases bases{};
    std::vector<TextDigest> lacking{};  // bases that its device must send before it can be decided
};

// The transaction's verdict; nothing when it was decided earlier and its site already applied that, or when it is `lacking` something:
// then nothing was done. Inside a group. `now` is the
// hub's time, above every commit before. Throws what the storage throws, and Error(diverged_copy); everything that is wrong with
// the transaction itself is a verdict. `expressions` answers for `sql` columns. `retention` (microseconds): how long settled conflicts stay listed.
// `texts`: those used last, for edits of them.
std::optional<Verdict> commit_transaction(store::Store& store, Submission& submission, Expressions& expressions, HubTime now, int64_t retention,
                                          TextCache& texts);

}  // namespace tombolo::hub
