#include "device/outbox.h"

#include "base/assert.h"
#include "base/coding.h"
#include "device/existence_index.h"
#include "device/freeze.h"
#include "device/log_record.h"
#include "device/references.h"
#include "device/text_bases.h"
#include "wire/rows.h"

namespace tombolo::device {

namespace {

constexpr const char* entry_columns = "number, header, subject, state, changes, bytes, written_at, seen_time, verdict";

Entry read_entry(const sqlite::Statement& row) {
    Entry entry;
    if (!decode_header(row.blob(1), entry.header))
        throw Error(ErrorCode::corrupt, "the header of a queued transaction cannot be read", "restore the file from a backup");
    if (!row.is_null(2)) entry.subject = std::string(row.text(2));
    entry.state = static_cast<EntryState>(row.integer(3));
    entry.changes = row.integer(4);
    entry.bytes = row.integer(5);
    entry.written_at = row.integer(6);
    entry.seen_time = row.integer(7);
    if (!row.is_null(8)) {
        Verdict verdict;
        if (!decode_verdict(row.blob(8), verdict))
            throw Error(ErrorCode::corrupt, "the verdict of a queued transaction cannot be read", "restore the file from a backup");
        entry.verdict = std::move(verdict);
    }
    return entry;
}

// The changes of a frozen transaction, part by part.
class PartSource : public ChangeSource {
public:
    PartSource(Outbox& outbox, const Schema& schema, TransactionNumber number) : outbox_(outbox), schema_(schema), number_(number) {}

    void rewind() override {
        reader_.reset();
        part_ = 0;
    }
    const ChangeView* next() override {
        while (true) {
            if (reader_) {
                if (const ChangeView* change = reader_->next()) return change;
            }
            std::optional<std::string> rows = outbox_.part(number_, part_);
            if (!rows) return nullptr;
            ++part_;
            rows_ = std::move(*rows);
            reader_.emplace(schema_, rows_);
        }
    }

private:
    Outbox& outbox_;
    const Schema& schema_;
    TransactionNumber number_;
    uint32_t part_ = 0;  // the next one
    std::string rows_;
    std::optional<wire::ChangeReader> reader_;
};

// The same, with its texts whole.
class WholeSource : public ChangeSource {
public:
    WholeSource(Outbox& outbox, TransactionNumber number) : outbox_(outbox), number_(number), changes_(outbox.frozen_changes(number)) {}

    void rewind() override { changes_->rewind(); }
    const ChangeView* next() override {
        const ChangeView* change = changes_->next();
        return change == nullptr ? nullptr : &outbox_.texts().make_whole(number_, *change, whole_);
    }

private:
    Outbox& outbox_;
    TransactionNumber number_;
    std::unique_ptr<ChangeSource> changes_;
    WholeChange whole_;
};

}  // namespace

std::string encode_header(const TransactionHeader& header) {
    std::string out;
    put_varint(out, header.number.value);
    out.append(header.id.view());
    put_varint(out, header.seen.epoch.value);
    put_varint(out, header.seen.seq.value);
    put_signed(out, header.written_at);
    put_varint(out, header.depends.size());
    for (const TransactionNumber number : header.depends)
        put_varint(out, number.value);
    out.push_back(header.retry ? 1 : 0);
    put_signed(out, header.stamp);
    return out;
}

bool decode_header(std::string_view bytes, TransactionHeader& header) {
    Reader in(bytes);
    header.number.value = in.varint();
    const auto id = TransactionId::from_bytes(in.take(16));
    if (!id) return false;
    header.id = *id;
    header.seen.epoch.value = in.varint();
    header.seen.seq.value = in.varint();
    header.written_at = in.signed_varint();
    header.depends.clear();
    for (uint64_t n = in.count(); n > 0; --n)
        header.depends.push_back({in.varint()});
    const uint8_t retry = in.byte();
    header.retry = retry == 1;
    header.stamp = in.signed_varint();
    return !in.failed() && in.at_end() && retry <= 1;
}

std::string encode_verdict(const Verdict& verdict) {
    std::string out;
    put_varint(out, verdict.number.value);
    out.append(verdict.id.view());
    out.push_back(static_cast<char>(verdict.kind));
    out.push_back(static_cast<char>(verdict.code));
    put_bytes(out, verdict.reason);
    put_varint(out, verdict.depends_on.value);
    put_varint(out, verdict.seq.value);
    put_signed(out, verdict.stamp);
    put_cell_notes(out, verdict);
    return out;
}

bool decode_verdict(std::string_view bytes, Verdict& verdict) {
    Reader in(bytes);
    verdict.number.value = in.varint();
    const auto id = TransactionId::from_bytes(in.take(16));
    if (!id) return false;
    verdict.id = *id;
    const uint8_t kind = in.byte();
    const uint8_t code = in.byte();
    if (kind < static_cast<uint8_t>(VerdictKind::accepted) || kind > static_cast<uint8_t>(VerdictKind::discarded)) return false;
    if (code > static_cast<uint8_t>(RejectCode::backend)) return false;
    verdict.kind = static_cast<VerdictKind>(kind);
    verdict.code = static_cast<RejectCode>(code);
    verdict.reason = std::string(in.bytes());
    verdict.depends_on.value = in.varint();
    verdict.seq.value = in.varint();
    verdict.stamp = in.signed_varint();
    return read_cell_notes(in, verdict) && in.at_end();
}

Outbox::Outbox(sqlite::Connection& db, const Schema& schema)
    : db_(db), schema_(schema), texts_(std::make_unique<TextBases>(db, schema, *this)), existence_(std::make_unique<ExistenceIndex>()) {}
Outbox::~Outbox() = default;

References& Outbox::references() {
    if (!references_) references_ = std::make_unique<References>(db_, schema_);
    return *references_;
}

size_t Outbox::freeze() {
    if (log_is_empty()) return 0;
    return Freeze(db_, schema_, *this, *existence_).run();
}

bool Outbox::log_is_empty() {
    sqlite::Statement& first = db_.cached("SELECT 1 FROM main.tombolo_log LIMIT 1");
    const sqlite::ResetGuard guard(first);
    return !first.step();
}

std::optional<Entry> Outbox::find(TransactionNumber number) {
    sqlite::Statement& row = db_.cached(std::string("SELECT ") + entry_columns + " FROM main.tombolo_outbox WHERE number = ?1");
    const sqlite::ResetGuard guard(row);
    if (!row.with(number.value).step()) return std::nullopt;
    return read_entry(row);
}

std::vector<Entry> Outbox::list(EntryState state) {
    std::vector<Entry> entries;
    for_each([&](const Entry& entry) {
        if (entry.state == state) entries.push_back(entry);
    });
    return entries;
}

void Outbox::for_each(const std::function<void(const Entry&)>& visit) {
    sqlite::Statement rows = db_.prepare(std::string("SELECT ") + entry_columns + " FROM main.tombolo_outbox ORDER BY number");
    while (rows.step())
        visit(read_entry(rows));
}

std::optional<Entry> Outbox::next_after(TransactionNumber number) {
    sqlite::Statement& row =
        db_.cached(std::string("SELECT ") + entry_columns + " FROM main.tombolo_outbox WHERE number > ?1 AND state <> ?2 ORDER BY number LIMIT 1");
    const sqlite::ResetGuard guard(row);
    if (!row.with(number.value, static_cast<int>(EntryState::rejected)).step()) return std::nullopt;
    return read_entry(row);
}

std::optional<std::string> Outbox::part(TransactionNumber number, uint32_t part) {
    sqlite::Statement& row = db_.cached("SELECT rows FROM main.tombolo_part WHERE number = ?1 AND part = ?2");
    const sqlite::ResetGuard guard(row);
    if (!row.with(number.value, static_cast<int64_t>(part)).step()) return std::nullopt;
    return std::string(row.blob(0));
}

bool Outbox::has_part(TransactionNumber number, uint32_t part) {
    sqlite::Statement& find = db_.cached("SELECT 1 FROM main.tombolo_part WHERE number = ?1 AND part = ?2");
    const sqlite::ResetGuard guard(find);
    return find.with(number.value, static_cast<int64_t>(part)).step();
}

std::unique_ptr<ChangeSource> Outbox::changes(TransactionNumber number) { return std::make_unique<WholeSource>(*this, number); }

std::unique_ptr<ChangeSource> Outbox::frozen_changes(TransactionNumber number) { return std::make_unique<PartSource>(*this, schema_, number); }

void Outbox::set_state(TransactionNumber number, EntryState state) {
    db_.cached("UPDATE main.tombolo_outbox SET state = ?2 WHERE number = ?1").with(number.value, static_cast<int>(state)).run();
}

void Outbox::set_verdict(TransactionNumber number, const Verdict& verdict) {
    db_.cached("UPDATE main.tombolo_outbox SET verdict = ?2 WHERE number = ?1").with(number.value, ValueView::blob(encode_verdict(verdict))).run();
}

void Outbox::remove(TransactionNumber number) {
    db_.cached("DELETE FROM main.tombolo_part WHERE number = ?1").with(number.value).run();
    db_.cached("DELETE FROM main.tombolo_outbox WHERE number = ?1").with(number.value).run();
    texts_->forget_places();
}

void Outbox::add(const Entry& entry) {
    db_.cached(
           "INSERT INTO main.tombolo_outbox(number, header, subject, state, changes, bytes, written_at, seen_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
           "?7, ?8)")
        .with(entry.header.number.value, ValueView::blob(encode_header(entry.header)), entry.subject ? ValueView::text(*entry.subject) : ValueView{},
              static_cast<int>(entry.state), entry.changes, entry.bytes, entry.written_at, entry.seen_time)
        .run();
}

void Outbox::rewrite(const Entry& entry) {
    db_.cached("UPDATE main.tombolo_outbox SET header = ?2, verdict = ?3 WHERE number = ?1")
        .with(entry.header.number.value, ValueView::blob(encode_header(entry.header)), ValueView::blob(encode_verdict(*entry.verdict)))
        .run();
}

size_t Outbox::add_part(TransactionNumber number, uint32_t part, const std::string& rows) {
    db_.cached("INSERT INTO main.tombolo_part(number, part, rows) VALUES (?1, ?2, ?3)")
        .with(number.value, static_cast<int64_t>(part), ValueView::blob(rows))
        .run();
    return rows.size();
}

void Outbox::move_parts(TransactionNumber from, TransactionNumber to) {
    db_.cached("UPDATE main.tombolo_part SET number = ?2 WHERE number = ?1").with(from.value, to.value).run();
    texts_->forget_places();
}

std::pair<TransactionNumber, TransactionId> Outbox::last() {
    sqlite::Statement& logged =
        db_.cached("SELECT position, body FROM main.tombolo_log WHERE position = (SELECT max(position) >> 32 << 32 FROM main.tombolo_log)");
    const sqlite::ResetGuard guard(logged);
    if (logged.step()) {
        Reader in(logged.blob(1));
        LogContext context;
        if (!read_context(in, context)) throw Error(ErrorCode::corrupt, "the log of local writes cannot be read", "restore the file from a backup");
        return {{logged.number(0) >> position_index_bits}, context.id};
    }
    sqlite::Statement& frozen = db_.cached("SELECT last_number, last_id FROM main.tombolo_device");
    const sqlite::ResetGuard frozen_guard(frozen);
    TOMBOLO_ASSERT(frozen.step());
    return {{frozen.number(0)}, TransactionId::from_bytes(frozen.blob(1)).value_or(TransactionId{})};
}

Outbox::Counts Outbox::counts() {
    Counts counts;
    sqlite::Statement& frozen = db_.cached(
        "SELECT count(*) FILTER (WHERE state <> ?1), total(changes) FILTER (WHERE state <> ?1), count(*) FILTER (WHERE state = ?1) FROM "
        "main.tombolo_outbox");
    const sqlite::ResetGuard frozen_guard(frozen);
    frozen.with(static_cast<int>(EntryState::rejected)).step();
    counts.transactions = frozen.integer(0);
    counts.rows = frozen.integer(1);
    counts.rejected = frozen.integer(2);
    // Numbers have no gaps, so what is in the log needs no counting.
    sqlite::Statement& logged = db_.cached(
        "SELECT total(operations), coalesce((max(position) >> 32) - (SELECT last_number FROM main.tombolo_device), 0) FROM main.tombolo_log");
    const sqlite::ResetGuard logged_guard(logged);
    logged.step();
    counts.rows += logged.integer(0);
    counts.transactions += logged.integer(1);
    return counts;
}

}  // namespace tombolo::device
