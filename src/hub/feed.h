// Feed: what a reader gets next, from its cursor to the head.
//
// Takes: rows and tombstones that the store has changed.   Gives: CheckpointPart and CheckpointEnd, one at a time.
// Durable: nothing; what the reader applied, it says itself.
//
// A checkpoint must be the hub's state at one seq, yet a slow reader must neither hold a snapshot (the WAL could not shrink) nor
// memory. So the way from the cursor to the head is cut into segments (complete, target], target being the head when the segment
// began. A segment sends the rows whose last change lies in it, in the state they have when they are read. A row that changes
// meanwhile leaves the segment for the next one, (target, head], which is short. When the head stands still while a segment is
// finished, everything up to the head was sent, and the checkpoint is whole.
//
// Own rows are left out where the reader can compute them: see omits().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/store.h"
#include "wire/message.h"

namespace tombolo::hub {

class Feed {
public:
    // `reader` 0: anybody who has no verdicts of his own on the way.
    Feed(store::Store& store, SiteNumber reader, Seq cursor) : store_(store), reader_(reader), from_(cursor), complete_(cursor) {}

    // The reader's cursor is of no use: a whole image follows, beginning with a part that says so.
    void rebuild();
    // Goes on where the reader's spooled parts end; false: they are of no use.
    bool resume(const wire::Resume& resume);

    // The next message, at most about limits::part_bytes_target of rows; nothing when the reader has been sent everything.
    std::optional<wire::Message> next();

    bool is_idle() const { return !running_ && !rebuild_; }
    Seq sent_to() const { return from_; }               // idle: the end of the newest whole checkpoint
    void skip_to(Seq seq) { from_ = complete_ = seq; }  // somebody else sent the checkpoint; idle only
    Seq needs_tombstones_after() const { return complete_; }

private:
    struct OwnVerdicts {
        bool any = false;
        bool all_accepted = true;
        Seq first_seen;  // smallest `seen` of the accepted ones
    };
    class PartBuilder;

    void begin_segment();
    OwnVerdicts own_verdicts();
    bool sends_tombstones() const;
    bool fill(PartBuilder& part);  // true: the segment is finished
    wire::CheckpointPart make_part(PartBuilder& part);
    wire::CheckpointEnd make_end();
    std::string encode_position() const;

    store::Store& store_;
    SiteNumber reader_;
    Seq from_;
    Seq complete_;  // segment under way: (complete_, target_]
    Seq target_;
    bool running_ = false;  // a checkpoint is under way
    bool segment_finished_ = false;
    bool rebuild_ = false;      // the next part is the first of a whole image
    bool whole_image_ = false;  // the checkpoint under way began with rebuild_
    bool repeated_ = false;     // began again at from_: what was sent may be gone since
    bool omitting_ = false;
    bool omitted_ = false;  // rows may have been left out of this checkpoint
    Seq first_seen_;
    // Where the segment stands: tombstones first (0), then table by table (1 …).
    size_t stage_ = 0;
    std::string position_;  // in the stage; the store's
    uint64_t rows_done_ = 0;
    uint64_t rows_total_ = 0;
};

}  // namespace tombolo::hub
