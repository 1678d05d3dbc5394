#include "merge/rebase.h"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace tombolo::merge {

namespace {
// Above every seq a hub can have reached, and one for each pending transaction, so that the rows one of them deletes can be told apart.
Seq predicted_seq(TransactionNumber number) { return {(uint64_t{1} << 63) + number.value}; }

HubTime predicted_stamp(const Pending& pending, const RebaseWorld& world, HubTime last_own) {
    if (pending.header->retry) return pending.header->stamp;
    return effective_stamp(pending.header->written_at, pending.seen_time, world.hub_now, last_own);
}

Outcome merge_and_judge(Overlay& overlay, const Pending& pending, const RebaseWorld& world, HubTime stamp) {
    const Writer writer{.site = world.site,
                        .seen = pending.seen,
                        .seq = predicted_seq(pending.header->number),
                        .stamp = stamp,
                        .retry = pending.header->retry,
                        .number = pending.header->number};
    Outcome outcome = merge_transaction(overlay, *pending.changes, writer, nullptr, world.expressions);
    if (outcome.rejected() || !world.judge) return outcome;
    Outcome judgement = world.judge(pending, overlay);
    return judgement.rejected() ? judgement : outcome;
}

Prediction refuse_dependant(const Prediction& prediction, TransactionNumber cause) {
    Prediction refused = prediction;
    refused.depends_on = cause;
    refused.outcome = {VerdictKind::rejected, RejectCode::depends, "needs transaction " + std::to_string(cause.value) + ", which was refused"};
    return refused;
}

// Merges `pending` into the overlay or leaves the overlay as it was. `last_own` is read and moved on.
Prediction predict(Overlay& overlay, const Pending& pending, const RebaseWorld& world, HubTime& last_own) {
    Prediction prediction;
    prediction.number = pending.header->number;
    prediction.stamp = predicted_stamp(pending, world, last_own);
    last_own = std::max(last_own, prediction.stamp);  // rejected ones advance it too
    const auto& needs = pending.header->depends;
    const auto cause = std::find_if(needs.begin(), needs.end(), [&](TransactionNumber number) { return world.is_refused(number); });
    if (cause != needs.end()) return refuse_dependant(prediction, *cause);

    overlay.begin(pending.header->number);
    prediction.outcome = merge_and_judge(overlay, pending, world, prediction.stamp);
    if (prediction.shown()) {
        overlay.commit();
    } else {
        overlay.rollback();
    }
    return prediction;
}
}  // namespace

std::vector<Prediction> rebase(Overlay& overlay, const std::vector<Pending>& pending, const RebaseWorld& world) {
    std::vector<Prediction> predictions;
    std::unordered_set<uint64_t> hidden;
    RebaseWorld inner = world;
    inner.is_refused = [&](TransactionNumber number) { return hidden.count(number.value) != 0 || (world.is_refused && world.is_refused(number)); };
    HubTime last_own = world.last_own;
    for (const Pending& one : pending) {
        predictions.push_back(predict(overlay, one, inner, last_own));
        if (!predictions.back().shown()) hidden.insert(one.header->number.value);
    }
    return predictions;
}

}  // namespace tombolo::merge
