#include "hub/commit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"
#include "hub/conflict_list.h"
#include "merge/merge.h"
#include "model/conflict_table.h"
#include "model/record.h"
#include "tombolo/error.h"
#include "wire/rows.h"

namespace tombolo::hub {

namespace {

// The parts of a submission as one walk over its changes.
class SubmittedChanges final : public ChangeSource {
public:
    SubmittedChanges(const Schema& schema, store::Spool& parts) : schema_(schema), parts_(parts) {}

    void rewind() override {
        reader_.reset();
        next_part_ = 0;
    }
    const ChangeView* next() override {
        while (true) {
            if (reader_) {
                if (const ChangeView* change = reader_->next()) return check(change);
            }
            if (next_part_ == parts_.pieces()) return nullptr;
            reader_.emplace(schema_, parts_.piece(next_part_++));
        }
    }

private:
    static const ChangeView* check(const ChangeView* change) {
        if (change->table->name == conflict_table_name) require_dismissal(*change);
        return require_key(change);
    }

    // SQLite lets most primary keys be NULL, and then they name nothing.
    static const ChangeView* require_key(const ChangeView* change) {
        Reader key(change->key);
        while (!key.at_end()) {
            if (read_value(key).is_null())
                throw Error(ErrorCode::null_key, fmt::format("a row of {} has NULL in its primary key", change->table->name));
        }
        return change;
    }

    const Schema& schema_;
    store::Spool& parts_;
    size_t next_part_ = 0;
    std::optional<wire::ChangeReader> reader_;
};

class StoredRows final : public merge::Rows {
public:
    StoredRows(store::Store& store, ConflictList& conflicts, Seq seq) : store_(store), conflicts_(conflicts), seq_(seq) {}
    Existence find(const Table& table, std::string_view key, RowState& state) override { return store_.find(table, key, state); }
    void write(const Table& table, std::string_view key, Existence before, const RowState& after) override {
        const bool revived = before == Existence::dead && after.existence == Existence::alive && after.meta.birth.seq != seq_;
        any_revived_ = any_revived_ || revived;
        require_size(table, after);
        store_.write(table, key, before, after);
        conflicts_.row_written(table, key, after);
    }
    // Rows came back to life as they were: their last image may be at the hub only.
    bool any_revived() const { return any_revived_; }
    std::vector<merge::RowName> dead_by(Seq death) override {
        std::vector<merge::RowName> names;
        for (store::StoredName& name : store_.dead_by(death)) {
            if (name.table->name == conflict_table_name) continue;  // the hub took it out in the same step, no device did
            names.push_back({name.table, std::move(name.key)});
        }
        return names;
    }

private:
    // A row goes out in one message.
    static void require_size(const Table& table, const RowState& row) {
        size_t bytes = 0;
        for (const Value& value : row.values)
            bytes += value.bytes().size();
        if (bytes <= limits::row_bytes_max) return;
        throw Error(ErrorCode::too_large,
                    fmt::format("a row of {} would have {} bytes, more than the {} that a row may have", table.name, bytes, limits::row_bytes_max));
    }

    store::Store& store_;
    ConflictList& conflicts_;
    Seq seq_;
    bool any_revived_ = false;
};

merge::Outcome rejection(RejectCode code, std::string reason) { return {VerdictKind::rejected, code, std::move(reason)}; }

// Failures that lie in the transaction end it, not the group: it would come back for ever. Those of the storage go on to the caller.
merge::Outcome rejection_for(const Error& error) {
    switch (error.code()) {
        case ErrorCode::schema: return rejection(RejectCode::schema, error.what());
        case ErrorCode::null_key: return rejection(RejectCode::not_null, error.what());
        case ErrorCode::too_large: return rejection(RejectCode::too_large, error.what());
        case ErrorCode::usage: return rejection(RejectCode::permission, error.what());
        case ErrorCode::protocol:
        case ErrorCode::unsupported:
        case ErrorCode::internal:
        case ErrorCode::sql:
        case ErrorCode::constraint: return rejection(RejectCode::backend, error.what());
        default: throw error;
    }
}

struct Decision {
    merge::Outcome outcome;
    TransactionNumber depends_on;  // RejectCode::depends
};

class Committer {
public:
    Committer(store::Store& store, Submission& submission, Expressions& expressions, HubTime now, int64_t retention, TextCache& texts)
        : store_(store),
          submission_(submission),
          header_(submission.header),
          expressions_(expressions),
          now_(now),
          retention_(retention),
          texts_(texts),
          site_(store.find_site(submission.site_id)) {
        if (header_.seen.epoch == store.state().epoch || header_.seen.seq.value == 0) seen_ = header_.seen.seq;
    }

    std::optional<Verdict> run() {
        if (header_.number <= site_.last_number) return earlier_verdict();
        const HubTime stamp = effective_stamp();
        const Decision decision = decide(stamp);
        if (!submission_.lacking.empty()) return std::nullopt;
        return record(decision, stamp);
    }

private:
    std::optional<Verdict> earlier_verdict() {
        const auto known = store_.find_verdict(submission_.site, header_.number);
        const bool is_last = header_.number == site_.last_number;
        if ((known && known->verdict.id != header_.id) || (is_last && site_.last_id != header_.id)) {
            throw Error(ErrorCode::diverged_copy,
                        fmt::format("transaction {} of this device was already made by another copy of its file", header_.number.value));
        }
        if (!known) return std::nullopt;
        return known->verdict;
    }

    // What was seen in another epoch counts as nothing seen: more counts as concurrent than need be, never less.
    Seq seen() const { return std::min(seen_.value_or(Seq{}), store_.state().head); }

    HubTime effective_stamp() {
        if (header_.retry) return std::min(header_.stamp, now_);
        return merge::effective_stamp(header_.written_at, store_.time_of(seen()), now_, site_.last_stamp);
    }

    Decision decide(HubTime stamp) {
        if (submission_.too_large) return {rejection(RejectCode::too_large, "the transaction is larger than a hub takes"), {}};
        for (const TransactionNumber needed : header_.depends) {
            if (!ended_rejected(needed)) continue;
            return {rejection(RejectCode::depends, fmt::format("it needs transaction {}, which was rejected", needed.value)), needed};
        }
        store_.begin_transaction(store_.state().head.next());
        merge::Outcome outcome = merge_and_check(stamp);
        const bool stands = !outcome.rejected() && submission_.lacking.empty();
        stands ? store_.release_transaction() : store_.rollback_transaction();
        return {std::move(outcome), {}};
    }

    bool ended_rejected(TransactionNumber number) {
        const auto verdict = store_.find_verdict(submission_.site, number);
        return verdict && verdict->verdict.kind == VerdictKind::rejected;
    }

    merge::Outcome merge_and_check(HubTime stamp) {
        try {
            const Seq seq = store_.state().head.next();
            ConflictList conflicts(store_, {submission_.site_id, seq, now_});
            StoredRows rows(store_, conflicts, seq);
            SubmittedChanges submitted(store_.schema(), submission_.parts);
            WholeChanges changes(submitted, store_, submission_.bases, texts_);
            const merge::Writer writer{submission_.site, seen(), seq, stamp, header_.retry, header_.number};
            merge::Outcome outcome = merge::merge_transaction(rows, changes, writer, &conflicts, &expressions_);
            submission_.lacking = changes.lacking();
            if (outcome.rejected() || !submission_.lacking.empty()) return outcome;
            conflicts.expire(now_ - retention_);
            if (auto violation = store_.finish_transaction()) return rejection(violation->code, std::move(violation->sentence));
            if (rows.any_revived()) result_known_to_author_ = false;
            conflicts.give_notes(notes_);
            return outcome;
        } catch (const Error& error) {
            return rejection_for(error);
        }
    }

    Verdict record(const Decision& decision, HubTime stamp) {
        store::VerdictRecord record;
        if (result_known_to_author_) record.seen = seen_;
        Verdict& verdict = record.verdict;
        if (!decision.outcome.rejected()) verdict = std::move(notes_);
        verdict.number = header_.number;
        verdict.id = header_.id;
        verdict.kind = decision.outcome.kind;
        verdict.code = decision.outcome.code;
        verdict.reason = decision.outcome.reason;
        verdict.depends_on = decision.depends_on;
        verdict.seq = store_.state().head.next();
        verdict.stamp = stamp;
        store_.record_verdict(submission_.site, record, now_);
        return verdict;
    }

    store::Store& store_;
    Submission& submission_;
    const TransactionHeader& header_;
    Expressions& expressions_;
    HubTime now_;
    int64_t retention_;
    TextCache& texts_;
    store::SiteRecord site_;
    std::optional<Seq> seen_;  // nullopt: in another epoch
    bool result_known_to_author_ = true;
    Verdict notes_;  // its cells only
};

}  // namespace

std::optional<Verdict> commit_transaction(store::Store& store, Submission& submission, Expressions& expressions, HubTime now, int64_t retention,
                                          TextCache& texts) {
    return Committer(store, submission, expressions, now, retention, texts).run();
}

}  // namespace tombolo::hub
