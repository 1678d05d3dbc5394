#include "hub/space.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "hub/feed.h"
#include "tombolo/error.h"
#include "wire/codec.h"
#include "wire/fragment.h"

namespace tombolo::hub {

Space::Space(std::string name, std::unique_ptr<store::Store> store, world::Clock& clock, SpaceMetrics& metrics, int64_t retention,
             size_t text_cache_bytes)
    : name_(std::move(name)),
      store_(std::move(store)),
      clock_(clock),
      metrics_(metrics),
      retention_(retention),
      schema_hash_(wire::hash_schema(store_->schema())),
      texts_(text_cache_bytes) {}

HubTime Space::time_now() { return std::max(clock_.wall(), store_->state().head_time + 1); }

Space::LastKnown Space::last_known(const SiteId& site) {
    if (const auto queued = queued_.find(site); queued != queued_.end()) return queued->second;
    const store::SiteRecord record = store_->find_site(site);
    if (const auto waiting = waiting_.find(record.number); waiting != waiting_.end())
        return {waiting->second.header.number, waiting->second.header.id};
    return {record.last_number, record.last_id};
}

void Space::submit(Submission submission) {
    queued_[submission.site_id] = {submission.header.number, submission.header.id};
    queue_.push_back(std::move(submission));
}

std::vector<Space::Decided> Space::commit() {
    std::vector<Decided> decided;
    std::set<SiteNumber> waiting;
    store_->begin_group();
    try {
        for (const auto& [site, cursor] : applied_)
            store_->forget_verdicts(site, cursor);
        size_t bytes = 0;
        while (decided.size() < queue_.size() && decided.size() < limits::group_commit_transactions && bytes < limits::group_commit_bytes) {
            Submission& submission = queue_[decided.size()];
            bytes += submission.parts.bytes() + submission.bases.bytes();
            const bool is_behind = waiting.count(submission.site) != 0;
            decided.push_back(is_behind ? Decided{submission.site, {}, false, {}, {}} : decide(submission));
            if (decided.back().waiting.value != 0) waiting.insert(submission.site);
        }
        store_->commit_group();
    } catch (...) {
        store_->rollback_group();
        ++metrics_.failed_groups;
        throw;
    }
    applied_.clear();
    for (const Decided& one : decided)
        leave_queue(one);
    if (!waiting.empty()) {
        const auto is_behind = [&](const Submission& submission) { return waiting.count(submission.site) != 0; };
        queue_.erase(std::remove_if(queue_.begin(), queue_.end(), is_behind), queue_.end());
    }
    if (queue_.empty()) queued_.clear();
    ++metrics_.groups;
    return decided;
}

void Space::leave_queue(const Decided& decided) {
    Submission submission = std::move(queue_.front());
    queue_.pop_front();
    if (decided.waiting.value == 0) {
        if (waiting_.count(decided.site) == 0) metrics_.count(decided.verdict);
        return;
    }
    metrics_.bases_asked += decided.lacking.size();
    queued_.erase(submission.site_id);
    waiting_.emplace(decided.site, std::move(submission));
}

Space::Decided Space::decide(Submission& submission) {
    try {
        submission.lacking.clear();
        const std::optional<Verdict> verdict = commit_transaction(*store_, submission, expressions_, time_now(), retention_, texts_);
        if (submission.lacking.empty()) return {submission.site, verdict, false, {}, {}};
        return {submission.site, std::nullopt, false, submission.header.number, submission.lacking};
    } catch (const Error& error) {
        if (error.code() != ErrorCode::diverged_copy) throw;
        return {submission.site, std::nullopt, true, {}, {}};
    }
}

void Space::give_base(SiteNumber site, TransactionNumber number, const TextDigest& digest, std::string text) {
    const auto waiting = waiting_.find(site);
    if (waiting == waiting_.end() || waiting->second.header.number != number) return;
    waiting->second.bases.add(*store_, digest, std::move(text));
}

void Space::requeue(SiteNumber site) {
    auto waiting = waiting_.extract(site);
    if (waiting.empty()) return;
    Submission& submission = waiting.mapped();
    queued_[submission.site_id] = {submission.header.number, submission.header.id};
    queue_.push_front(std::move(submission));
}

void Space::forget_waiting(SiteNumber site) { waiting_.erase(site); }

std::vector<SiteNumber> Space::drop_queue() {
    std::vector<SiteNumber> sites;
    for (const Submission& submission : queue_)
        sites.push_back(submission.site);
    std::sort(sites.begin(), sites.end());
    sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
    queue_.clear();
    queued_.clear();
    return sites;
}

const std::vector<SharedMessage>* Space::live_step(Seq from) {
    const Seq head = store_->state().head;
    if (live_step_.from != from || live_step_.to != head || live_step_.messages.empty()) live_step_ = make_live_step(*store_, from);
    return live_step_.too_large ? nullptr : &live_step_.messages;
}

Space::LiveStep Space::make_live_step(store::Store& store, Seq from) {
    LiveStep step{from, store.state().head, false, {}};
    Feed feed(store, SiteNumber{}, from);
    size_t bytes = 0;
    while (auto message = feed.next()) {
        std::string encoded = wire::encode(*message);
        const bool is_long = wire::needs_fragments(encoded);
        bytes += encoded.size();
        step.messages.push_back(std::make_shared<const std::string>(std::move(encoded)));
        if (!is_long && bytes <= limits::shared_feed_bytes_max) continue;
        step.too_large = true;
        step.messages.resize(1);
        break;
    }
    return step;
}

}  // namespace tombolo::hub
