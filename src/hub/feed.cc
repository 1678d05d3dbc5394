#include "hub/feed.h"

#include <algorithm>

#include "base/assert.h"
#include "base/coding.h"
#include "base/limits.h"
#include "wire/rows.h"

namespace tombolo::hub {

namespace {

// Images of deleted rows help a reader with pending edits of the row, and the hub cannot know whether there are any. Small ones go
// along always; larger ones would make catching up cost what was deleted.
constexpr size_t image_bytes_max = 1024;

size_t payload(const std::vector<ValueView>& values) {
    size_t sum = 0;
    for (const ValueView& value : values)
        sum += value.bytes().size() + 1;
    return sum;
}

}  // namespace

// Collects rows of one part and leaves out those that the reader can compute.
class Feed::PartBuilder final : public store::RowVisitor {
public:
    PartBuilder(SiteNumber reader, bool omitting, Seq first_seen) : reader_(reader), omitting_(omitting), first_seen_(first_seen) {}

    bool row(const Table& table, Seq changed, const std::vector<ValueView>& values, const RowMeta& meta) override {
        ++visited_;
        // `changed` is not the touch's when the row came back to life with another one.
        if (omits(meta) && changed == meta.touch.seq) return more();
        writer_.add_row(table, values, meta);
        return more();
    }
    bool gone(const Table& table, std::string_view key, const std::vector<ValueView>& image, const RowMeta& meta) override {
        ++visited_;
        if (omits_gone(meta)) return more();
        writer_.add_gone(table, key, wire::Gone::deleted, meta, payload(image) <= image_bytes_max ? &image : nullptr);
        return more();
    }

    bool empty() const { return writer_.empty(); }
    bool is_full() const { return writer_.size() >= limits::part_bytes_target; }
    uint64_t visited() const { return visited_; }
    std::string take() { return writer_.take(); }

private:
    // Nobody else wrote the row since before the reader's own transactions were made, and those were all plainly accepted: what the
    // reader has is what the hub has.
    bool omits(const RowMeta& meta) const { return omitting_ && meta.touch.site == reader_ && meta.touch.other <= first_seen_; }
    bool omits_gone(const RowMeta& meta) const {
        const bool wrote_or_knew_last = meta.touch.site == reader_ || meta.touch.seq <= first_seen_;
        return omitting_ && meta.death.site == reader_ && wrote_or_knew_last && meta.touch.other <= first_seen_;
    }
    bool more() const { return !is_full(); }

    SiteNumber reader_;
    bool omitting_;
    Seq first_seen_;
    wire::RowWriter writer_;
    uint64_t visited_ = 0;
};

void Feed::rebuild() {
    from_ = complete_ = Seq{};
    rebuild_ = whole_image_ = true;
}

//   position := epoch from flags stage, then the store's position;  flags: bit 0 whole image, bit 1 repeated
std::string Feed::encode_position() const {
    std::string out;
    put_varint(out, store_.state().epoch.value);
    put_varint(out, from_.value);
    out.push_back(static_cast<char>((whole_image_ ? 1 : 0) | (repeated_ ? 2 : 0)));
    put_varint(out, segment_finished_ ? store_.schema().tables.size() + 1 : stage_);
    if (!segment_finished_) out += position_;
    return out;
}

bool Feed::resume(const wire::Resume& resume) {
    Reader in(resume.position);
    const Epoch epoch{in.varint()};
    const Seq from{in.varint()};
    const uint8_t flags = in.byte();
    const uint64_t stage = in.varint();
    const store::SpaceState& state = store_.state();
    const bool fits =
        !in.failed() && epoch == state.epoch && from == from_ && ((flags & 1) != 0) == whole_image_ && stage <= store_.schema().tables.size() + 1;
    if (!fits || resume.complete < from_ || resume.target < resume.complete || resume.target > state.head) return false;
    // Tombstones still to be sent must still be there.
    const bool tombstones_done = stage > 0 || whole_image_;
    if ((tombstones_done ? resume.target : resume.complete) < state.horizon) return false;
    complete_ = resume.complete;
    target_ = resume.target;
    repeated_ = (flags & 2) != 0;
    rebuild_ = false;
    running_ = true;
    const OwnVerdicts own = own_verdicts();
    // What was left out before the cut is not known; whatever could have been, was.
    omitted_ = own.any;
    omitting_ = own.any && own.all_accepted && !whole_image_;
    first_seen_ = own.first_seen;
    stage_ = static_cast<size_t>(stage);
    segment_finished_ = stage_ > store_.schema().tables.size();
    position_ = std::string(in.rest());
    return true;
}

Feed::OwnVerdicts Feed::own_verdicts() {
    OwnVerdicts own;
    if (reader_.value == 0 || store_.newest_verdict(reader_) <= from_) return own;
    for (const store::VerdictRecord& record : store_.verdicts(reader_, from_, target_)) {
        const Seq seen = record.seen.value_or(Seq{});
        own.first_seen = own.any ? std::min(own.first_seen, seen) : seen;
        own.any = true;
        own.all_accepted = own.all_accepted && record.verdict.kind == VerdictKind::accepted && record.seen.has_value();
    }
    return own;
}

void Feed::begin_segment() {
    if (!running_) {
        running_ = true;
        repeated_ = omitted_ = false;
        complete_ = from_;
        rows_done_ = 0;
    }
    target_ = store_.state().head;
    const OwnVerdicts own = own_verdicts();
    omitting_ = own.any && own.all_accepted && !whole_image_;
    first_seen_ = own.first_seen;
    // A verdict other than "accepted" came while rows were left out that it may concern: once more, with everything.
    if (omitted_ && !omitting_ && !whole_image_) {
        complete_ = from_;
        repeated_ = true;
        omitted_ = false;
    }
    omitted_ = omitted_ || omitting_;
    segment_finished_ = false;
    stage_ = 0;
    position_.clear();
    if (complete_ == from_ && (from_.value == 0 || target_.value - from_.value > limits::group_commit_transactions))
        rows_total_ = rows_done_ + store_.count_rows(complete_, target_);
}

// Who has nothing has nothing to lose: neither a whole image nor the first segment of a new device needs tombstones. A device that
// wrote has its own rows, and those may be gone.
bool Feed::sends_tombstones() const {
    if (complete_.value > 0 || repeated_) return true;
    return !whole_image_ && reader_.value != 0 && store_.newest_verdict(reader_).value > 0;
}

bool Feed::fill(PartBuilder& part) {
    const std::vector<Table>& tables = store_.schema().tables;
    for (; stage_ <= tables.size(); ++stage_, position_.clear()) {
        if (part.is_full()) return false;
        if (stage_ == 0 && !sends_tombstones()) continue;
        const bool finished = stage_ == 0 ? store_.scan_gone(complete_, target_, position_, part)
                                          : store_.scan_rows(tables[stage_ - 1], complete_, target_, position_, part);
        if (!finished) return false;
    }
    return true;
}

std::optional<wire::Message> Feed::next() {
    while (true) {
        if (!running_ && !rebuild_ && from_ == store_.state().head) return std::nullopt;
        if (!running_) {
            begin_segment();
        } else if (segment_finished_) {
            complete_ = target_;
            if (target_ == store_.state().head) return make_end();
            begin_segment();
        }
        PartBuilder part(reader_, omitting_, first_seen_);
        segment_finished_ = fill(part);
        rows_done_ += part.visited();
        if (!part.empty() || rebuild_) return make_part(part);
    }
}

wire::CheckpointPart Feed::make_part(PartBuilder& part) {
    wire::CheckpointPart message;
    message.rebuild = rebuild_;
    rebuild_ = false;
    message.complete = complete_;
    message.target = target_;
    message.position = encode_position();
    message.rows_done = rows_done_;
    message.rows_total = std::max(rows_done_, rows_total_);
    message.rows = part.take();
    return message;
}

wire::CheckpointEnd Feed::make_end() {
    const store::SpaceState& state = store_.state();
    wire::CheckpointEnd message;
    message.from = from_;
    message.to = {state.epoch, target_};
    message.hub_time = state.head_time;
    message.head = state.head;
    if (reader_.value != 0) {
        for (store::VerdictRecord& record : store_.verdicts(reader_, from_, target_))
            message.verdicts.push_back(std::move(record.verdict));
    }
    from_ = target_;
    running_ = whole_image_ = false;
    return message;
}

}  // namespace tombolo::hub
