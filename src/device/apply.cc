#include "device/apply.h"

#include <algorithm>
#include <deque>

#include "base/assert.h"
#include "base/limits.h"
#include "device/net_changes.h"
#include "merge/policies.h"
#include "merge/rebase.h"
#include "merge/row.h"
#include "model/record.h"
#include "wire/codec.h"

namespace tombolo::device {

// The rows whose present content must be computed anew, and what came of it.
struct Apply::Plan {
    std::set<std::string> rows;
    std::vector<const Entry*> pending;                             // that touch them, in order of number
    std::unordered_map<std::string, RowState> under;               // hub rows at the new cursor
    std::unordered_map<std::string, RowState> shown;               // with pending writes on top
    std::set<TransactionNumber> expected;                          // of `pending`: hidden
    std::unordered_map<std::string, TransactionNumber> existence;  // who last changed it
};

namespace {
// Stands for a transaction whose rows are of no interest: it counts with its stamp alone.
class NoChanges final : public ChangeSource {
public:
    void rewind() override {}
    const ChangeView* next() override { return nullptr; }
};
}  // namespace

Apply::Apply(sqlite::Connection& db, const Schema& schema, Outbox& outbox, PendingIndex& index, QuietTriggers& triggers, Expressions& expressions,
             world::Clock& clock)
    : db_(db),
      schema_(schema),
      outbox_(outbox),
      expressions_(expressions),
      clock_(clock),
      rows_(db, &triggers),
      pending_(db, schema, outbox, rows_, index),
      references_(outbox.references()) {}

Apply::Result Apply::run(const std::vector<std::string>& parts, const wire::CheckpointEnd& end) {
    sqlite::WriteTransaction transaction(db_);
    outbox_.freeze();
    outbox_.for_each([&](const Entry& entry) { entries_.push_back(entry); });
    epoch_ = end.to.epoch;
    retired_ = RetiredNumbers(db_).all();
    match_verdicts(end.verdicts);
    const bool carries_rows = !parts.empty() || db_.query_integer("SELECT EXISTS (SELECT 1 FROM tombolo_spool)") != 0;
    if (!only_confirms(carries_rows)) {
        pending_.load(entries_);
        write_arrivals(parts);
        rebase_until_settled();
    }
    finish_leaving();
    outbox_.texts().forget_places();
    move_cursor(end);
    transaction.commit();
    return std::move(result_);
}

void Apply::reconsider() {
    outbox_.for_each([&](const Entry& entry) { entries_.push_back(entry); });
    epoch_.value = static_cast<uint64_t>(db_.query_integer("SELECT epoch FROM tombolo_device"));
    retired_ = RetiredNumbers(db_).all();
    pending_.load(entries_);
    rebase_until_settled();
}

std::string Apply::why_hidden(TransactionNumber number) const {
    const auto why = why_hidden_.find(number);
    return why == why_hidden_.end() ? "it clashes with a row that is there (unique, check, not null, or a reference)" : why->second;
}

void Apply::match_verdicts(const std::vector<Verdict>& verdicts) {
    for (const Verdict& verdict : verdicts) {
        const Entry* entry = find_entry(verdict.number);
        if (entry == nullptr || entry->header.id != verdict.id || entry->state == EntryState::rejected) continue;  // a twin's, or told before
        leaving_.emplace(verdict.number, verdict);
        result_.verdicts.push_back(verdict);
    }
}

const Entry* Apply::find_entry(TransactionNumber number) const {
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), number,
                                        [](const Entry& entry, TransactionNumber wanted) { return entry.header.number < wanted; });
    return found != entries_.end() && found->header.number == number ? &*found : nullptr;
}

// The usual answer to an upload: our own transactions, accepted as they are, and nothing else. Then no table changes.
bool Apply::only_confirms(bool carries_rows) {
    if (carries_rows) return false;
    for (const Entry& entry : entries_) {
        if (entry.state == EntryState::expected) return false;
        const auto verdict = leaving_.find(entry.header.number);
        if (verdict != leaving_.end() && verdict->second.kind != VerdictKind::accepted) return false;
    }
    return db_.query_integer("SELECT EXISTS (SELECT 1 FROM tombolo_under)") == 0;
}

// --- rows that arrived ---

void Apply::write_arrivals(const std::vector<std::string>& parts) {
    sqlite::Statement spooled = db_.prepare("SELECT message FROM tombolo_spool ORDER BY part");
    while (spooled.step())
        read_part(spooled.blob(0));
    for (const std::string& part : parts)
        read_part(part);
}

void Apply::read_part(std::string_view message) {
    const wire::Message decoded = wire::decode(message, limits::message_bytes_max);
    const auto* part = std::get_if<wire::CheckpointPart>(&decoded);
    if (part == nullptr) throw Error(ErrorCode::corrupt, "the spooled checkpoint holds something else");
    if (part->rebuild && !rebuild_) begin_rebuild();
    wire::RowReader reader(schema_, part->rows);
    while (const wire::RowView* row = reader.next())
        arrive(*row);
}

// A whole image: what is not in it is gone. Rows with pending writes are rebased on what the image says of them.
void Apply::begin_rebuild() {
    rebuild_ = true;
    for (const Entry& entry : entries_) {
        for (const std::string& row : pending_.rows_of(entry.header.number))
            keep_bases(row);
    }
    for (const Table& table : schema_.tables) {
        rows_.erase_all(table);
        rows_.assume_new(table);
    }
}

void Apply::arrive(const wire::RowView& row) {
    ++result_.rows;
    const bool named_rows = !entries_.empty();
    const std::string name = named_rows || row.gone ? row_name(schema_, *row.table, row.key) : std::string();
    if (named_rows && pending_.names(name)) {
        RowState& state = fresh_[name];
        state = {};
        state.existence = row.gone ? Existence::dead : Existence::alive;
        state.meta = row.meta;
        if (!row.gone || row.has_image) {
            for (const ValueView& value : row.values)
                state.values.emplace_back(value);
        }
        return;
    }
    if (row.gone) {
        rows_.erase(*row.table, row.key);
        gone_.push_back(name);
        return;
    }
    rows_.put(*row.table, row.values);
    if (named_rows && references_.from(*row.table) && references_.missing_parent(*row.table, row.values))
        orphans_.push_back(row_name(schema_, *row.table, row.key));
}

// --- rows with pending writes ---

void Apply::rebase_until_settled() {
    const TableRows::Deferred arrived = rows_.deferred();
    for (;;) {
        db_.execute("SAVEPOINT tombolo_rebase");
        Plan plan = make_plan();
        const std::optional<TransactionNumber> to_hide = write_plan(plan);
        if (!to_hide) {
            keep_plan(plan);
            db_.execute("RELEASE tombolo_rebase");
            return;
        }
        TOMBOLO_ASSERT(hidden_by_clash_.insert(*to_hide).second);
        db_.execute("ROLLBACK TO tombolo_rebase; RELEASE tombolo_rebase");
        rows_.set_deferred(arrived);
    }
}

Apply::Plan Apply::make_plan() {
    Plan plan;
    std::deque<std::string> open;
    const auto want = [&](const std::string& row) {
        if (plan.rows.insert(row).second) open.push_back(row);
    };
    std::map<TransactionNumber, const Entry*> undecided;
    for (const Entry& entry : entries_) {
        const auto verdict = leaving_.find(entry.header.number);
        const bool stands = verdict != leaving_.end() && verdict->second.kind == VerdictKind::accepted && entry.state == EntryState::pending;
        const bool untouched = verdict == leaving_.end() && entry.state != EntryState::expected && hidden_by_clash_.count(entry.header.number) == 0;
        if (verdict == leaving_.end() && entry.state != EntryState::rejected) undecided.emplace(entry.header.number, &entry);
        if (rebuild_ || (!stands && !untouched)) {
            for (const std::string& row : pending_.rows_of(entry.header.number))
                want(row);
        }
    }
    for (const auto& [row, state] : fresh_)
        want(row);
    for (const std::string& row : pending_.stored_rows()) {
        for (const TransactionNumber writer : pending_.writers(row)) {
            if (leaving_.count(writer) != 0) want(row);
        }
    }
    // A transaction is shown or hidden whole, so all rows of one that touches the set belong to it.
    std::map<TransactionNumber, const Entry*> touched;
    while (!open.empty()) {
        const std::string row = std::move(open.front());
        open.pop_front();
        for (const TransactionNumber writer : pending_.writers(row)) {
            const auto entry = undecided.find(writer);
            if (entry == undecided.end() || !touched.insert(*entry).second) continue;
            for (const std::string& other : pending_.rows_of(writer))
                want(other);
        }
    }
    for (const auto& [number, entry] : touched)
        plan.pending.push_back(entry);

    // What the hub has below.
    std::set<std::string> to_derive;
    for (const std::string& row : plan.rows) {
        const auto arrived = fresh_.find(row);
        const bool complete = arrived != fresh_.end() && (arrived->second.existence != Existence::dead || !arrived->second.values.empty());
        if (complete) {
            plan.under[row] = arrived->second;
        } else if (rebuild_) {
            plan.under[row] = {};
        } else if (!pending_.read_stored(row, plan.under[row])) {
            to_derive.insert(row);
        }
    }
    std::vector<TransactionNumber> in_tables;
    for (const Entry& entry : entries_) {
        if (entry.state == EntryState::pending) in_tables.push_back(entry.header.number);
    }
    if (!to_derive.empty()) {
        for (auto& [row, state] : pending_.derive(to_derive, in_tables))
            plan.under[row] = std::move(state);
    }
    for (const auto& [row, state] : fresh_) {  // a deletion that came without its image: the one we have is the best there is
        if (state.existence != Existence::dead || !state.values.empty()) continue;
        RowState& under = plan.under[row];
        under.existence = under.values.empty() ? Existence::unknown : Existence::dead;
        under.meta = state.meta;
    }
    confirm(plan);
    for (const std::string& row : plan.rows)
        keep_bases(row);
    rebase(plan);
    return plan;
}

// What is rejected may be ended by a person at any time, so nothing is to hang on it.
void Apply::keep_bases(const std::string& row) {
    pending_.keep_bases(row, [this](TransactionNumber number) {
        const auto verdict = leaving_.find(number);
        if (verdict != leaving_.end()) return verdict->second.kind == VerdictKind::rejected ? TextBases::Stay::aside : TextBases::Stay::leaves;
        const Entry* entry = find_entry(number);
        return entry != nullptr && entry->state == EntryState::rejected ? TextBases::Stay::aside : TextBases::Stay::pending;
    });
}

// Transactions that leave, accepted as they were: on rows the checkpoint does not carry nobody else had a say, so they stand as
// written. Of a merged one every row it changed is in the checkpoint; what is not there it did not change (a delete that lost).
// A whole image has all there is.
void Apply::confirm(Plan& plan) {
    if (rebuild_) return;
    sqlite::Statement device = db_.prepare("SELECT site_number FROM tombolo_device");
    device.step();
    for (const auto& [number, verdict] : leaving_) {
        if (verdict.kind != VerdictKind::accepted) continue;
        const TransactionHeader& header = find_entry(number)->header;
        const merge::Writer writer{.site = {device.number(0)},
                                   .seen = header.seen.epoch == epoch_ ? header.seen.seq : Seq{},
                                   .seq = verdict.seq,
                                   .stamp = verdict.stamp,
                                   .retry = header.retry,
                                   .number = number};
        WholeChange whole;
        const auto changes = outbox_.frozen_changes(number);
        while (const ChangeView* change = changes->next()) {
            const std::string row = row_name(schema_, *change->table, change->key);
            if (plan.rows.count(row) == 0 || fresh_.count(row) != 0) continue;
            stand_as_written(outbox_.texts().make_whole(number, *change, whole), writer, plan.under[row]);
        }
    }
}

// Marks count too: a retry must find the own writes that came after it.
void Apply::stand_as_written(const ChangeView& change, const merge::Writer& writer, RowState& state) {
    merge::Arrival arrival{*change.table, change.key, writer, nullptr, &expressions_, &change, nullptr};
    switch (change.kind) {
        case ChangeKind::erase: state = {}; return;
        case ChangeKind::insert: merge::begin_life(state, change, arrival); return;
        case ChangeKind::update: {
            if (state.existence != Existence::alive) return;
            merge::touch(state, arrival);
            const merge::Before before = merge::look_before(state, *change.table, change, writer);
            arrival.before = &before;
            for (const CellView& cell : change.cells) {
                const bool adds = change.table->columns[cell.column].policy == ColumnPolicy::counter;
                const Value value(
                    adds ? merge::decide_counter({.stored = state.values[cell.column], .base = cell.base, .arriving = cell.value}).combined
                         : Value(cell.value));
                merge::merge_cell(state, cell, arrival);
                state.values[cell.column] = value;
            }
            return;
        }
    }
}

void Apply::rebase(Plan& plan) {
    merge::Overlay overlay(merge::Ground{[&](const Table& table, std::string_view key, RowState& state) {
                                             const auto found = plan.under.find(row_name(schema_, table, key));
                                             if (found != plan.under.end()) state = found->second;
                                             return found == plan.under.end() ? Existence::unknown : state.existence;
                                         },
                                         [&](Seq death) {
                                             std::vector<merge::RowName> rows;
                                             for (const auto& [row, state] : plan.under) {
                                                 if (state.existence == Existence::dead && state.meta.death.seq == death)
                                                     rows.push_back({&table_of(schema_, row), std::string(key_in(row))});
                                             }
                                             return rows;
                                         },
                                         {}});
    std::vector<std::unique_ptr<ChangeSource>> sources;
    std::vector<merge::Pending> pending;
    NoChanges no_changes;
    auto planned = plan.pending.begin();
    for (const Entry& entry : entries_) {
        const TransactionNumber number = entry.header.number;
        if (entry.state == EntryState::rejected || leaving_.count(number) != 0) continue;
        const bool hidden = hidden_by_clash_.count(number) != 0;
        const bool in_plan = planned != plan.pending.end() && *planned == &entry;
        if (in_plan) ++planned;
        if (in_plan && hidden) plan.expected.insert(number);
        if (in_plan && !hidden) sources.push_back(outbox_.changes(number));
        const Seq seen = entry.header.seen.epoch == epoch_ ? entry.header.seen.seq : Seq{};
        pending.push_back({&entry.header, in_plan && !hidden ? sources.back().get() : &no_changes, seen, entry.seen_time});
    }
    TOMBOLO_ASSERT(planned == plan.pending.end());
    std::set<TransactionNumber> refused;
    for (const merge::Prediction& prediction : merge::rebase(overlay, pending, rebase_world())) {
        if (prediction.shown()) continue;
        refused.insert(prediction.number);
        if (hidden_by_clash_.count(prediction.number) == 0) why_hidden_[prediction.number] = prediction.outcome.reason;
    }
    for (const Entry* entry : plan.pending) {
        if (refused.count(entry->header.number) != 0) plan.expected.insert(entry->header.number);
    }
    for (const auto& row : plan.rows)
        plan.shown[row] = plan.under[row];
    for (const merge::Overlay::Entry& entry : overlay.entries()) {
        const std::string row = row_name(schema_, *entry.table, entry.key);
        plan.shown[row] = entry.state();
        if (entry.existence_changed_by.value != 0) plan.existence[row] = entry.existence_changed_by;
    }
}

merge::RebaseWorld Apply::rebase_world() {
    sqlite::Statement& device = db_.cached("SELECT site_number, last_stamp, clock_offset, boot_id, boot_offset FROM tombolo_device");
    const sqlite::ResetGuard guard(device);
    device.step();
    merge::RebaseWorld world;
    world.expressions = &expressions_;
    world.site.value = device.number(0);
    world.last_own = device.integer(1);
    for (const auto& [number, verdict] : leaving_)
        world.last_own = std::max(world.last_own, verdict.stamp);
    const bool same_boot = !device.is_null(3) && device.blob(3) == clock_.boot_id().view();  // the boot clock does not jump
    world.hub_now = same_boot ? clock_.boot() + device.integer(4) : clock_.wall() + device.integer(2);
    world.is_refused = [this](TransactionNumber number) {
        if (hidden_by_clash_.count(number) != 0) return true;
        const auto verdict = leaving_.find(number);
        if (verdict != leaving_.end()) return verdict->second.kind == VerdictKind::rejected;
        const Entry* entry = find_entry(number);
        return entry != nullptr ? entry->state == EntryState::rejected : retired_.count(number) != 0;
    };
    return world;
}

// Writes the difference between what the tables hold and what the plan shows. Returns the transaction to hide if something clashes.
std::optional<TransactionNumber> Apply::write_plan(Plan& plan) {
    std::vector<Value> present;
    for (const std::string& row : plan.rows) {
        const Table& table = table_of(schema_, row);
        const RowState& wanted = plan.shown[row];
        const bool exists = rows_.read(table, key_in(row), present);
        if (wanted.existence != Existence::alive) {
            if (exists) rows_.erase(table, key_in(row));
        } else if (!exists || !(present == wanted.values)) {
            rows_.put(table, wanted.values);
        }
    }
    for (const TableRows::Clash& clash : rows_.settle()) {
        const std::optional<TransactionNumber> guilty = culprit(plan, clash);
        if (!guilty) {
            throw Error(ErrorCode::constraint, "a row that arrived for table " + clash.table->name + " breaks a constraint that only this device has",
                        "remove the index or constraint that the hub's schema does not have");
        }
        return guilty;
    }
    return broken_reference(plan);
}

// The pending transaction that stands in the way: the newest one shown on the row itself or on its rivals; where SQLite does not
// say who the rivals are, the newest one shown on the table.
std::optional<TransactionNumber> Apply::culprit(const Plan& plan, const TableRows::Clash& clash) const {
    std::vector<std::string> involved{row_name(schema_, *clash.table, clash.key)};
    for (const std::string& rival : clash.rivals)
        involved.push_back(row_name(schema_, *clash.table, rival));
    if (const auto newest = newest_shown(plan, involved)) return newest;
    std::optional<TransactionNumber> on_table;
    for (const Entry& entry : entries_) {
        if (!is_shown(plan, entry)) continue;
        for (const std::string& row : pending_.rows_of(entry.header.number)) {
            if (&table_of(schema_, row) == clash.table) on_table = entry.header.number;
        }
    }
    return on_table;
}

bool Apply::is_shown(const Plan& plan, const Entry& entry) const {
    const TransactionNumber number = entry.header.number;
    if (entry.state == EntryState::rejected || leaving_.count(number) != 0 || hidden_by_clash_.count(number) != 0) return false;
    const bool planned = std::binary_search(plan.pending.begin(), plan.pending.end(), &entry);  // all point into entries_
    return planned ? plan.expected.count(number) == 0 : entry.state == EntryState::pending;
}

std::optional<TransactionNumber> Apply::newest_shown(const Plan& plan, const std::vector<std::string>& rows) const {
    std::optional<TransactionNumber> newest;
    for (const Entry& entry : entries_) {
        if (!is_shown(plan, entry)) continue;
        for (const std::string& row : rows) {
            const auto& writers = pending_.writers(row);
            if (std::find(writers.begin(), writers.end(), entry.header.number) != writers.end()) newest = entry.header.number;
        }
    }
    return newest;
}

// Foreign keys between what arrived and what is pending: a child whose parent went away, a parent erased here whose child came.
std::optional<TransactionNumber> Apply::broken_reference(const Plan& plan) {
    if (entries_.empty() || !references_.any()) return std::nullopt;
    std::vector<std::string> absent = gone_;
    std::vector<Value> values;
    for (const std::string& row : plan.rows) {
        const RowState& shown = plan.shown.at(row);
        if (shown.existence != Existence::alive) {
            absent.push_back(row);
        } else if (const auto guilty = orphaned(plan, row, shown.values)) {
            return guilty;
        }
    }
    for (const std::string& row : orphans_) {
        if (!rows_.read(table_of(schema_, row), key_in(row), values)) continue;
        if (const auto guilty = orphaned(plan, row, values)) return guilty;
    }
    for (const std::string& row : absent) {
        if (rows_.read(table_of(schema_, row), key_in(row), values)) continue;  // it came back
        for (const std::string& child : references_.children_of(table_of(schema_, row), key_in(row))) {
            if (const auto newest = newest_shown(plan, {row, child})) return newest;
        }
    }
    // A parent named by other columns than its key may have changed those.
    for (const Entry& entry : entries_) {
        if (result_.rows == 0 || !is_shown(plan, entry)) continue;
        for (const std::string& row : pending_.rows_of(entry.header.number)) {
            const Table& table = table_of(schema_, row);
            if (!references_.by_other_columns(table) || !rows_.read(table, key_in(row), values)) continue;
            if (const auto guilty = orphaned(plan, row, values)) return guilty;
        }
    }
    return std::nullopt;
}

// If the row's parent is missing: the newest shown transaction that made it so, on either side.
std::optional<TransactionNumber> Apply::orphaned(const Plan& plan, const std::string& row, const std::vector<Value>& values) {
    const auto parent = references_.missing_parent(table_of(schema_, row), std::vector<ValueView>(values.begin(), values.end()));
    if (!parent) return std::nullopt;
    return std::max(newest_shown(plan, {row}), taker(plan, *parent));
}

std::optional<TransactionNumber> Apply::taker(const Plan& plan, const References::Missing& parent) {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
        if (!is_shown(plan, *entry)) continue;
        const auto changes = outbox_.changes(entry->header.number);
        while (const ChangeView* change = changes->next()) {
            if (change->table != parent.parent || change->kind == ChangeKind::insert) continue;
            const bool takes = std::any_of(change->cells.begin(), change->cells.end(), [&](const CellView& cell) {
                return std::any_of(parent.columns.begin(), parent.columns.end(),
                                   [&](const auto& column) { return column.first == cell.column && column.second.view() == cell.base; });
            });
            const bool differs = std::any_of(change->cells.begin(), change->cells.end(), [&](const CellView& cell) {
                return std::any_of(parent.columns.begin(), parent.columns.end(),
                                   [&](const auto& column) { return column.first == cell.column && !(column.second.view() == cell.base); });
            });
            if (takes && !differs) return entry->header.number;
        }
    }
    return std::nullopt;
}

void Apply::keep_plan(const Plan& plan) {
    for (const Entry* entry : plan.pending) {
        const EntryState state = plan.expected.count(entry->header.number) != 0 ? EntryState::expected : EntryState::pending;
        if (state != entry->state) outbox_.set_state(entry->header.number, state);
    }
    for (const std::string& row : plan.rows) {
        const auto& writers = pending_.writers(row);
        const bool still_named = std::any_of(writers.begin(), writers.end(), [&](TransactionNumber number) {
            const auto verdict = leaving_.find(number);
            return verdict == leaving_.end() || verdict->second.kind == VerdictKind::rejected;
        });
        if (still_named) {
            pending_.store(row, plan.under.at(row));
        } else {
            pending_.drop(row);
        }
    }
    keep_existence(plan);
}

void Apply::keep_existence(const Plan& plan) {
    sqlite::Statement& erase = db_.cached("DELETE FROM tombolo_existence WHERE table_id = ?1 AND key = ?2");
    sqlite::Statement& insert = db_.cached("INSERT INTO tombolo_existence(table_id, key, number) VALUES (?1, ?2, ?3)");
    for (const std::string& row : plan.rows) {
        const uint64_t table_id = table_id_of(schema_, table_of(schema_, row));
        erase.bind(1, table_id).bind_blob(2, key_in(row)).run();
        const auto changer = plan.existence.find(row);
        if (changer != plan.existence.end()) insert.bind(1, table_id).bind_blob(2, key_in(row)).bind(3, changer->second.value).run();
    }
}

// --- entries that leave, and the cursor ---

void Apply::finish_leaving() {
    for (const auto& [number, verdict] : leaving_) {
        if (verdict.kind == VerdictKind::rejected) {
            outbox_.set_verdict(number, verdict);
            outbox_.set_state(number, EntryState::rejected);
            rename_needs(number);
        } else {
            outbox_.remove(number);
        }
        db_.cached("DELETE FROM tombolo_existence WHERE number = ?1").with(number.value).run();
        db_.cached("DELETE FROM tombolo_settling WHERE number = ?1").with(number.value).run();
        db_.cached("INSERT OR REPLACE INTO tombolo_verdict(number, verdict, at) VALUES (?1, ?2, ?3)")
            .with(number.value, ValueView::blob(encode_verdict(verdict)), clock_.wall())
            .run();
    }
    if (leaving_.empty()) return;
    const uint64_t newest = leaving_.rbegin()->first.value;
    if (newest <= limits::verdicts_kept) return;
    db_.cached("DELETE FROM tombolo_verdict WHERE number <= ?1").with(newest - limits::verdicts_kept).run();
    RetiredNumbers(db_).forget_up_to(newest - limits::verdicts_kept);
}

// What it needed may have been queued again under another number before the hub refused it.
void Apply::rename_needs(TransactionNumber number) {
    if (retired_.empty()) return;
    Entry entry = *outbox_.find(number);
    if (RetiredNumbers::rename(retired_, entry.header, *entry.verdict)) outbox_.rewrite(entry);
}

void Apply::move_cursor(const wire::CheckpointEnd& end) {
    HubTime stamp = 0;
    for (const Verdict& verdict : end.verdicts)
        stamp = std::max(stamp, verdict.stamp);
    db_.cached(
           "UPDATE tombolo_device SET epoch = ?1, seq = ?2, hub_time = ?3, hub_head = max(?4, ?2), last_stamp = max(last_stamp, ?5), last_sync_at = "
           "CASE WHEN ?4 <= ?2 THEN ?6 ELSE last_sync_at END")
        .with(end.to.epoch.value, end.to.seq.value, end.hub_time, end.head.value, stamp, clock_.wall())
        .run();
    db_.execute("DELETE FROM tombolo_spool");
}

}  // namespace tombolo::device
