#include "device/rejected.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "device/correction.h"
#include "device/dependence.h"
#include "device/net_changes.h"
#include "wire/rows.h"

namespace tombolo::device {

bool read_hub_row(sqlite::Connection& db, const Schema& schema, const Table& table, std::string_view key, std::vector<Value>& values) {
    TableRows tables(db, nullptr);
    Outbox outbox(db, schema);
    PendingIndex index;
    RowState under;
    if (!PendingRows(db, schema, outbox, tables, index).read_stored(row_name(schema, table, key), under)) return tables.read(table, key, values);
    values = std::move(under.values);
    return under.existence == Existence::alive;
}

TransactionNumber RejectedList::retry(TransactionNumber number) {
    sqlite::WriteTransaction transaction(db_);
    outbox_.freeze();
    const Entry old = require_rejected(number);
    require_needs(old, RetiredNumbers(db_).all());
    Entry entry = next_entry(old);
    entry.header.retry = true;
    entry.header.stamp = old.verdict->stamp;
    outbox_.move_parts(number, entry.header.number);
    queue(old, entry);
    Apply(db_, schema_, outbox_, index_, triggers_, expressions_, *world_.clock).reconsider();
    transaction.commit();
    return entry.header.number;
}

TransactionNumber RejectedList::retry(TransactionNumber number, const std::vector<Correction>& corrections) {
    if (corrections.empty()) return retry(number);
    sqlite::WriteTransaction transaction(db_);
    outbox_.freeze();
    const Entry old = require_rejected(number);
    Entry entry = next_entry(old);
    write_changes(old, entry, corrections);
    const std::vector<std::string> rows = rows_of(number);
    queue(old, entry);
    Apply apply(db_, schema_, outbox_, index_, triggers_, expressions_, *world_.clock);
    apply.reconsider();
    if (outbox_.find(entry.header.number)->state != EntryState::pending) {
        throw Error(ErrorCode::constraint, fmt::format("with these values it could not stand either: {}", apply.why_hidden(entry.header.number)),
                    "correct it otherwise; nothing was changed");
    }
    forget_rows(rows);
    transaction.commit();
    return entry.header.number;
}

std::vector<TransactionNumber> RejectedList::discard(TransactionNumber number, bool with_dependants, const std::optional<std::string>& by) {
    sqlite::WriteTransaction transaction(db_);
    outbox_.freeze();
    std::vector<Entry> ended{require_rejected(number)};
    for (Entry& entry : dependants_of(number)) {
        if (!with_dependants) {
            throw Error(ErrorCode::usage, fmt::format("transaction {} needs transaction {}", entry.header.number.value, number.value),
                        "retry them, or discard both, with dependants");
        }
        if (entry.state != EntryState::rejected) {
            throw Error(
                ErrorCode::usage,
                fmt::format("transaction {} needs transaction {}, and the hub has not decided it yet", entry.header.number.value, number.value),
                "sync, then discard");
        }
        ended.push_back(std::move(entry));
    }
    std::vector<std::string> rows;
    std::vector<TransactionNumber> numbers;
    for (const Entry& entry : ended) {
        numbers.push_back(entry.header.number);
        for (std::string& row : rows_of(entry.header.number))
            rows.push_back(std::move(row));
        Retired retired{*entry.verdict, {}, by};
        retired.verdict.kind = VerdictKind::discarded;
        end(entry, std::move(retired));
    }
    forget_rows(rows);
    transaction.commit();
    return numbers;
}

// --- what may be done ---

Entry RejectedList::require_rejected(TransactionNumber number) {
    std::optional<Entry> entry = outbox_.find(number);
    if (entry && entry->state == EntryState::expected) {
        throw Error(ErrorCode::usage, fmt::format("the hub has not decided transaction {} yet", number.value),
                    "it is sent at the next sync; if the hub accepts it, it returns by itself");
    }
    if (!entry || entry->state != EntryState::rejected || !entry->verdict)
        throw Error(ErrorCode::not_found, fmt::format("no transaction {} is rejected here", number.value),
                    "see them with 'tombolo rejected DEVICE list'");
    return *std::move(entry);
}

void RejectedList::require_needs(const Entry& entry, const std::map<TransactionNumber, TransactionNumber>& retired) {
    for (const TransactionNumber needed : entry.header.depends) {
        const std::optional<Entry> other = outbox_.find(needed);
        if (other && other->state == EntryState::rejected) {
            throw Error(ErrorCode::usage,
                        fmt::format("transaction {} needs transaction {}, which is rejected itself", entry.header.number.value, needed.value),
                        fmt::format("retry transaction {} first", needed.value));
        }
        if (retired.count(needed) != 0 && retired.at(needed).value == 0) {
            throw Error(ErrorCode::usage,
                        fmt::format("transaction {} needs transaction {}, which was discarded", entry.header.number.value, needed.value),
                        "discard it, too; or write what should stand anew");
        }
    }
}

// All that need it, and those that need them, in order of number.
std::vector<Entry> RejectedList::dependants_of(TransactionNumber number) {
    std::set<TransactionNumber> ending{number};
    std::vector<Entry> dependants;
    const std::vector<Entry> entries = all_entries();
    for (bool more = true; more;) {  // a retried one has a greater number than what depends on it
        more = false;
        for (const Entry& entry : entries) {
            const auto& needs = entry.header.depends;
            const bool needs_one = std::any_of(needs.begin(), needs.end(), [&](TransactionNumber needed) { return ending.count(needed) != 0; });
            if (!needs_one || !ending.insert(entry.header.number).second) continue;
            dependants.push_back(entry);
            more = true;
        }
    }
    return dependants;
}

// --- the new transaction ---

Entry RejectedList::next_entry(const Entry& old) {
    Entry entry = old;
    entry.header.number = outbox_.last().first.next();
    entry.header.id = world_.random->id<TransactionId>();
    entry.verdict.reset();
    entry.state = EntryState::expected;  // it is not in the tables; rebase shows it
    return entry;
}

void RejectedList::write_changes(const Entry& old, Entry& entry, const std::vector<Correction>& corrections) {
    TableRows rows(db_, nullptr);
    const auto old_changes = outbox_.changes(old.header.number);
    CorrectedChanges corrected(*old_changes, corrections, rows);
    if (corrected.changes_a_key() && !dependants_of(old.header.number).empty()) {
        throw Error(ErrorCode::usage, "other rejected transactions need its row under the key it has", "discard those that need it first");
    }
    LogContext context;
    sqlite::Statement device = db_.prepare("SELECT epoch, seq, hub_time FROM tombolo_device");
    device.step();
    context.seen = {{device.number(0)}, {device.number(1)}};
    context.seen_time = device.integer(2);
    context.wall = world_.clock->wall();
    context.boot = world_.clock->boot();
    context.boot_id = world_.clock->boot_id();
    entry.header.seen = context.seen;
    entry.header.written_at = hub_time_of(db_, context);
    entry.header.retry = false;
    entry.header.stamp = 0;
    entry.written_at = context.wall;
    entry.seen_time = context.seen_time;
    entry.changes = entry.bytes = 0;

    Dependence dependence(db_, schema_, outbox_, outbox_.existence());
    dependence.begin(entry.header.number.value);
    std::vector<uint64_t> needs;
    wire::ChangeWriter writer;
    uint32_t part = 0;
    const auto flush = [&] {
        if (writer.empty()) return;
        entry.bytes += static_cast<int64_t>(outbox_.add_part(entry.header.number, part++, writer.take()));
    };
    while (ChangeView* change = corrected.next()) {
        const uint64_t table_id = table_id_of(schema_, *change->table);
        if (change->kind == ChangeKind::insert) dependence.complete_insert(table_id, *change);
        dependence.find_needs(table_id, *change, needs);
        writer.add(*change);
        ++entry.changes;
        if (writer.size() >= limits::part_bytes_target) flush();
    }
    flush();
    entry.header.depends = distinct_needs(std::move(needs));
}

// Instead of the old one.
void RejectedList::queue(const Entry& old, const Entry& entry) {
    outbox_.add(entry);
    db_.cached("UPDATE tombolo_device SET last_number = ?1, last_id = ?2")
        .with(entry.header.number.value, ValueView::blob(entry.header.id.view()))
        .run();
    end(old, {*old.verdict, entry.header.number, std::nullopt});
    rename_dependants();
}

void RejectedList::rename_dependants() {
    const auto retired = RetiredNumbers(db_).all();
    for (Entry& entry : outbox_.list(EntryState::rejected)) {
        if (RetiredNumbers::rename(retired, entry.header, *entry.verdict)) outbox_.rewrite(entry);
    }
}

void RejectedList::end(const Entry& entry, Retired retired) {
    outbox_.remove(entry.header.number);
    RetiredNumbers(db_).add(retired, world_.clock->wall());
}

// --- the hub's rows under it ---

std::vector<Entry> RejectedList::all_entries() {
    std::vector<Entry> entries;
    outbox_.for_each([&](const Entry& entry) { entries.push_back(entry); });
    return entries;
}

std::vector<std::string> RejectedList::rows_of(TransactionNumber number) {
    index_.follow(all_entries(), schema_, outbox_);
    return index_.rows_of(number);
}

// They need not be kept where nothing names them any more.
void RejectedList::forget_rows(const std::vector<std::string>& rows) {
    TableRows tables(db_, nullptr);
    PendingRows pending(db_, schema_, outbox_, tables, index_);
    pending.load(all_entries());
    for (const std::string& row : rows) {
        if (!pending.names(row)) pending.drop(row);
    }
}

}  // namespace tombolo::device
