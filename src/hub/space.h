// Space: one total order. Queues whole transactions and commits them in groups.
//
// Takes: submissions from peers.   Gives: verdicts, and checkpoints for live readers.
// Durable: everything that commit() returns.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "hub/commit.h"
#include "hub/metrics.h"
#include "sqlite/expression.h"
#include "store/store.h"
#include "world/clock.h"

namespace tombolo::hub {

// Encoded once, sent to many. Never changed.
using SharedMessage = std::shared_ptr<const std::string>;

class Space {
public:
    Space(std::string name, std::unique_ptr<store::Store> store, world::Clock& clock, SpaceMetrics& metrics, int64_t retention,
          size_t text_cache_bytes = limits::text_cache_bytes);

    const std::string& name() const { return name_; }
    store::Store& store() { return *store_; }
    uint64_t schema_hash() const { return schema_hash_; }
    HubTime time_now();  // above the time of every commit

    // --- queue ---

    struct LastKnown {
        TransactionNumber number;
        TransactionId id;
    };
    // The newest transaction of a site that was queued or decided: what a peer may send next follows from it.
    LastKnown last_known(const SiteId& site);
    void submit(Submission submission);
    bool has_queue() const { return !queue_.empty(); }
    // A transaction that lacks bases of edits waits for its device to send them. What the site had queued behind it is forgotten, and
    // comes again. One waits for a site, at most.
    void give_base(SiteNumber site, TransactionNumber number, const TextDigest& digest, std::string text);
    void requeue(SiteNumber site);         // all that it lacked has come
    void forget_waiting(SiteNumber site);  // its device has gone; it sends all again
    // The site's cursor is here: its verdicts up to it can go, with the next group.
    void applied(SiteNumber site, Seq cursor) { applied_[site] = cursor; }

    // --- commit ---

    struct Decided {
        SiteNumber site;
        std::optional<Verdict> verdict;  // nothing: an old story, already applied by its site
        bool diverged = false;           // the site is two devices; `verdict` is nothing
        TransactionNumber waiting;       // 0, or that of the transaction that waits for `lacking`; `verdict` is nothing
        std::vector<TextDigest> lacking;
    };
    // Decides as many queued transactions as make a group, in one durable step. Throws what the storage throws: then nothing was
    // decided, and the queue still holds them.
    std::vector<Decided> commit();
    // After a failed commit: forgets the queue; returns whose transactions it held. They will be sent again.
    std::vector<SiteNumber> drop_queue();

    // --- live readers ---

    // The checkpoint from `from` to the head for readers without verdicts of their own in it; nothing when it is too large to be
    // kept for all: then everybody reads for himself.
    const std::vector<SharedMessage>* live_step(Seq from);

private:
    struct LiveStep {
        Seq from;
        Seq to;
        bool too_large = false;
        std::vector<SharedMessage> messages;
    };

    Decided decide(Submission& submission);
    void leave_queue(const Decided& decided);
    static LiveStep make_live_step(store::Store& store, Seq from);

    std::string name_;
    std::unique_ptr<store::Store> store_;
    world::Clock& clock_;
    SpaceMetrics& metrics_;
    int64_t retention_;  // microseconds; of settled conflicts
    uint64_t schema_hash_;
    sqlite::ScratchExpressions expressions_;
    std::deque<Submission> queue_;
    std::map<SiteId, LastKnown> queued_;  // of sites with transactions in the queue
    std::map<SiteNumber, Submission> waiting_;
    std::map<SiteNumber, Seq> applied_;
    TextCache texts_;
    LiveStep live_step_;
};

}  // namespace tombolo::hub
