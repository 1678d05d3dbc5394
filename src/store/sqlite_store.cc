#include "store/sqlite_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "base/limits.h"
#include "model/record.h"
#include "sqlite/connection.h"
#include "sqlite/inspect.h"
#include "store/foreign_keys.h"
#include "store/schema_sql.h"
#include "store/sqlite_layout.h"
#include "store/sqlite_table.h"
#include "tombolo/error.h"

namespace tombolo::store {

namespace {

using sqlite::quote_identifier;
using sqlite::ResetGuard;

template <typename IdType>
IdType read_id(std::string_view bytes) {
    const auto id = IdType::from_bytes(bytes);
    if (!id) throw Error(ErrorCode::corrupt, "the hub's file holds an id that is not 16 bytes long", "restore the file from a backup");
    return *id;
}

// The folder for spools: the file's own, so that a hub's bytes stay under its data folder. None for a store in memory.
std::string spool_directory(const std::string& path) {
    if (path == ":memory:") return {};
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

sqlite::Connection open_file(const std::string& path, const char* vfs) {
    sqlite::OpenOptions options;
    options.vfs = vfs;
    return sqlite::Connection::open(path, options);
}

class SqliteStore final : public Store {
public:
    SqliteStore(const std::string& path, world::Random& random, const char* vfs)
        : db_(open_file(path, vfs)), spool_directory_(spool_directory(path)) {
        db_.execute("PRAGMA mmap_size = 0; PRAGMA foreign_keys = OFF; PRAGMA recursive_triggers = OFF; PRAGMA trusted_schema = ON;");
        if (sqlite::table_exists(db_, "main", "tombolo_space")) {
            require_known_format();
            configure();
        } else {
            configure();
            create(random);
        }
        load_space();
        load_schema();
    }

    const SpaceState& state() const override { return state_; }
    const Schema& schema() const override { return schema_; }

    // --- schema ---

    std::vector<std::string> update_schema(std::string_view sql) override {
        DeclaredSchema wanted = read_schema_sql(sql);
        if (wanted.schema.statements == schema_.statements) return wanted.warnings;
        const SchemaAddition addition = find_additions(read_schema_sql(joined_statements()), wanted);
        close_tables();
        try {
            sqlite::WriteTransaction transaction(db_);
            migrate(addition, wanted.schema.statements);
            transaction.commit();
        } catch (const Error& error) {
            load_schema();
            if (error.code() != ErrorCode::sql && error.code() != ErrorCode::constraint) throw;
            throw Error(ErrorCode::schema, fmt::format("the space cannot take the new schema: {}", error.what()),
                        "nothing was changed; correct the schema or the rows");
        }
        load_schema();
        return wanted.warnings;
    }

    void set_policies(const std::vector<Table>& tables) override {
        for (const Table& from : tables) {
            const auto to =
                std::find_if(schema_.tables.begin(), schema_.tables.end(), [&](const Table& table) { return equal_names(table.name, from.name); });
            if (to == schema_.tables.end()) continue;
            to->delete_mode = from.delete_mode;
            to->insert_mode = from.insert_mode;
            to->whole_rows = from.whole_rows;
            for (const Column& column : from.columns) {
                const auto index = to->find_column(column.name);
                if (!index) continue;
                to->columns[*index].policy = column.policy;
                to->columns[*index].expression = column.expression;
            }
        }
    }

    // --- groups ---

    void begin_group() override {
        db_.cached("BEGIN IMMEDIATE").run();
        before_group_ = {state_, tombstones_};
        in_group_ = true;
    }

    void commit_group() override {
        if (state_.head != before_group_.state.head) {
            db_.cached("UPDATE tombolo_space SET head = ?1, head_time = ?2").with(state_.head.value, state_.head_time).run();
            db_.cached("INSERT INTO tombolo_time(seq, time) VALUES (?1, ?2)").with(state_.head.value, state_.head_time).run();
        }
        db_.cached("COMMIT").run();
        in_group_ = false;
    }

    void rollback_group() noexcept override {
        if (!in_group_) return;
        in_group_ = false;
        // After a failure SQLite may have rolled back by itself: an error here is that, and what we remember must follow either way.
        sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
        state_ = before_group_.state;
        tombstones_ = before_group_.tombstones;
        forget_transaction();
    }

    // --- one transaction ---

    void begin_transaction(Seq seq) override {
        db_.cached("SAVEPOINT tombolo_transaction").run();
        seq_ = seq;
        tombstones_before_ = tombstones_;
        forget_transaction();
    }

    Existence find(const Table& table, std::string_view key, RowState& state) override {
        SqliteTable& rows = rows_of(table);
        state = {};
        if (deferred_ > 0 && find_deferred(rows, key, state)) return Existence::alive;
        if (rows.find(key, state)) return Existence::alive;
        if (tombstones_[index_of(rows)] > 0) find_tombstone(rows, key, state);
        return state.existence;
    }

    void write(const Table& table, std::string_view key, Existence before, const RowState& after) override {
        SqliteTable& rows = rows_of(table);
        if (before == Existence::alive) tell_foreign_keys(rows, key);
        const bool was_deferred = deferred_ > 0 && drop_deferred(rows, key);
        if (after.existence == Existence::alive) {
            if (before == Existence::dead) drop_tombstone(rows, key);
            write_alive(rows, key, before == Existence::alive && !was_deferred, after);
        } else {
            TOMBOLO_ASSERT(after.existence == Existence::dead);
            if (before == Existence::alive && !was_deferred) rows.erase(key);
            put_tombstone(rows, key, after);
        }
    }

    std::vector<std::string> find_up_to(const Table& table, uint32_t column, int64_t most, size_t rows_max) override {
        std::string keys;
        for (const uint32_t key : table.key)
            keys += (keys.empty() ? "" : ", ") + quote_identifier(table.columns[key].name);
        const std::string name = quote_identifier(table.columns[column].name);
        sqlite::Statement& find =
            db_.cached(fmt::format("SELECT {} FROM {} WHERE {} <= ?1 ORDER BY {} LIMIT ?2", keys, quote_identifier(table.name), name, name));
        const ResetGuard guard(find);
        find.with(most, static_cast<int64_t>(rows_max));
        std::vector<std::string> found;
        while (find.step()) {
            std::string& key = found.emplace_back();
            for (int i = 0; i < find.column_count(); ++i)
                put_value(key, find.value(i));
        }
        return found;
    }

    std::vector<StoredName> dead_by(Seq death) override {
        std::vector<StoredName> names;
        sqlite::Statement& find = db_.cached("SELECT table_id, key FROM tombolo_tombstone WHERE seq = ?1");
        const ResetGuard guard(find);
        find.with(death.value);
        while (find.step())
            names.push_back({&tables_[table_index(find.integer(0))].table(), std::string(find.blob(1))});
        return names;
    }

    std::optional<Violation> finish_transaction() override {
        if (deferred_ > 0) {
            if (auto violation = insert_deferred()) return violation;
        }
        return foreign_keys_->check(seq_);
    }

    void release_transaction() override {
        db_.cached("RELEASE tombolo_transaction").run();
        forget_transaction();
    }

    void rollback_transaction() override {
        db_.cached("ROLLBACK TO tombolo_transaction").run();
        db_.cached("RELEASE tombolo_transaction").run();
        tombstones_ = tombstones_before_;
        forget_transaction();
    }

    // --- sites and verdicts ---

    SiteRecord find_site(const SiteId& site) override {
        sqlite::Statement& find = db_.cached("SELECT number, last_number, last_id, last_stamp FROM tombolo_site WHERE site = ?1");
        const ResetGuard guard(find);
        find.with(ValueView::blob(site.view()));
        if (!find.step()) return {};
        return {{find.number(0)}, {find.number(1)}, read_id<TransactionId>(find.blob(2)), find.integer(3)};
    }

    std::optional<SiteId> site_id(SiteNumber site) override {
        sqlite::Statement& find = db_.cached("SELECT site FROM tombolo_site WHERE number = ?1");
        const ResetGuard guard(find);
        if (!find.with(site.value).step()) return std::nullopt;
        return read_id<SiteId>(find.blob(0));
    }

    SiteRecord add_site(const SiteId& site) override {
        if (const SiteRecord known = find_site(site); known.number.value != 0) return known;
        db_.cached("INSERT INTO tombolo_site(site) VALUES (?1)").with(ValueView::blob(site.view())).run();
        return find_site(site);
    }

    void record_verdict(SiteNumber site, const VerdictRecord& record, HubTime time) override {
        const Verdict& verdict = record.verdict;
        TOMBOLO_ASSERT(verdict.seq == state_.head.next() && time > state_.head_time);
        sqlite::Statement& insert = db_.cached(
            "INSERT INTO tombolo_verdict(site, number, id, seq, stamp, seen, kind, code, reason, depends_on, cells) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
            "?7, ?8, "
            "?9, ?10, ?11)");
        insert.bind(1, site.value).bind(2, verdict.number.value).bind_blob(3, verdict.id.view()).bind(4, verdict.seq.value).bind(5, verdict.stamp);
        record.seen ? insert.bind(6, record.seen->value) : insert.bind_null(6);
        insert.bind(7, static_cast<int>(verdict.kind));
        if (verdict.kind == VerdictKind::rejected) {
            insert.bind(8, static_cast<int>(verdict.code)).bind_text(9, verdict.reason).bind(10, verdict.depends_on.value);
        }
        if (verdict.cells_in_all != 0) {
            std::string cells;
            put_cell_notes(cells, verdict);
            insert.bind_blob(11, cells);
        }
        insert.run();
        db_.cached("UPDATE tombolo_site SET last_number = ?2, last_id = ?3, last_stamp = max(last_stamp, ?4) WHERE number = ?1")
            .with(site.value, verdict.number.value, ValueView::blob(verdict.id.view()), verdict.stamp)
            .run();
        state_.head = verdict.seq;
        state_.head_time = time;
    }

    std::optional<VerdictRecord> find_verdict(SiteNumber site, TransactionNumber number) override {
        sqlite::Statement& find = db_.cached(
            "SELECT number, id, seq, stamp, seen, kind, code, reason, depends_on, cells FROM tombolo_verdict WHERE site = ?1 AND number = ?2");
        const ResetGuard guard(find);
        if (!find.with(site.value, number.value).step()) return std::nullopt;
        return read_verdict(find);
    }

    std::vector<VerdictRecord> verdicts(SiteNumber site, Seq after, Seq up_to) override {
        std::vector<VerdictRecord> result;
        sqlite::Statement& find = db_.cached(
            "SELECT number, id, seq, stamp, seen, kind, code, reason, depends_on, cells FROM tombolo_verdict WHERE site = ?1 AND seq > ?2 AND seq <= "
            "?3 "
            "ORDER BY number");
        const ResetGuard guard(find);
        find.with(site.value, after.value, up_to.value);
        while (find.step())
            result.push_back(read_verdict(find));
        return result;
    }

    Seq newest_verdict(SiteNumber site) override {
        // A site's seqs rise with its numbers.
        sqlite::Statement& find = db_.cached("SELECT seq FROM tombolo_verdict WHERE site = ?1 ORDER BY number DESC LIMIT 1");
        const ResetGuard guard(find);
        return find.with(site.value).step() ? Seq{find.number(0)} : Seq{};
    }

    void forget_verdicts(SiteNumber site, Seq up_to) override {
        db_.cached("DELETE FROM tombolo_verdict WHERE site = ?1 AND seq <= ?2 AND kind <> ?3")
            .with(site.value, up_to.value, static_cast<int>(VerdictKind::rejected))
            .run();
    }

    HubTime time_of(Seq seq) override {
        if (seq == state_.head) return state_.head_time;
        sqlite::Statement& find = db_.cached("SELECT time FROM tombolo_time WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1");
        const ResetGuard guard(find);
        return find.with(seq.value).step() ? find.integer(0) : 0;
    }

    // --- what changed ---

    bool scan_rows(const Table& table, Seq after, Seq up_to, std::string& position, RowVisitor& visitor) override {
        return rows_of(table).scan(after, up_to, position, visitor);
    }

    //   position := seq(varint) id(signed): the last visited tombstone
    bool scan_gone(Seq after, Seq up_to, std::string& position, RowVisitor& visitor) override {
        Reader in(position);
        Seq last{in.varint()};
        int64_t last_id = in.signed_varint();
        const bool known = !in.failed() && last > after && last <= up_to;
        if (!known) last = after;
        if (known) {
            sqlite::Statement& rest =
                db_.cached("SELECT id, table_id, key, seq, image, meta FROM tombolo_tombstone WHERE seq = ?1 AND id > ?2 ORDER BY id");
            const ResetGuard guard(rest);
            if (!visit_gone(rest.with(last.value, last_id), position, visitor)) return false;
        }
        sqlite::Statement& later =
            db_.cached("SELECT id, table_id, key, seq, image, meta FROM tombolo_tombstone WHERE seq > ?1 AND seq <= ?2 ORDER BY seq, id");
        const ResetGuard guard(later);
        return visit_gone(later.with(last.value, up_to.value), position, visitor);
    }

    uint64_t count_rows(Seq after, Seq up_to) override {
        uint64_t sum = 0;
        for (SqliteTable& table : tables_)
            sum += table.count(after, up_to);
        return sum;
    }

    // --- housekeeping ---

    size_t purge(HubTime time, Seq up_to, size_t rows_max) override {
        // T(seen) of so old a cursor only bounds a stamp from below; a day's grace costs little.
        const Seq times_before = newest_seq_at(time - limits::day);
        const bool has_old_times =
            times_before.value > 0 && db_.query_integer("SELECT min(seq) FROM tombolo_time") < static_cast<int64_t>(times_before.value);
        std::vector<int64_t> ids;
        Seq highest = state_.horizon;
        std::vector<int64_t> counts = tombstones_;
        choose_purged(std::min(up_to, newest_seq_at(time)), rows_max, ids, highest, counts);
        if (ids.empty() && !has_old_times) return 0;
        sqlite::WriteTransaction transaction(db_);
        for (const int64_t id : ids)
            db_.cached("DELETE FROM tombolo_tombstone WHERE id = ?1").with(id).run();
        db_.cached("UPDATE tombolo_space SET horizon = ?1").with(highest.value).run();
        db_.cached("DELETE FROM tombolo_time WHERE seq < ?1").with(times_before.value).run();
        transaction.commit();
        state_.horizon = highest;
        tombstones_ = std::move(counts);
        return ids.size();
    }

    Spool make_spool(size_t memory_bytes_max) override { return Spool(spool_directory_, memory_bytes_max); }

private:
    // --- opening ---

    void require_known_format() {
        const int64_t format = db_.query_integer("SELECT format FROM tombolo_space");
        if (format <= hub_file_format) return;
        throw Error(ErrorCode::too_new, fmt::format("the hub's file has format {}, and this program knows up to {}", format, hub_file_format),
                    "start a newer tombolo; the file was not touched");
    }

    // FULL: what is acknowledged survives a power failure. One connection reads, writes and checkpoints.
    void configure() { db_.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;"); }

    void create(world::Random& random) {
        const auto space_id = random.id<SiteId>();
        const uint64_t epoch = (random.number() >> 1) | 1;  // not 0, and SQLite's integers are signed
        sqlite::WriteTransaction transaction(db_);
        db_.execute(hub_layout_sql);
        sqlite::Statement insert =
            db_.prepare("INSERT INTO tombolo_space(one, format, space_id, epoch, head, head_time, horizon) VALUES (1, ?1, ?2, ?3, 0, 0, 0)");
        insert.with(hub_file_format, ValueView::blob(space_id.view()), epoch).run();
        transaction.commit();
    }

    void load_space() {
        sqlite::Statement row = db_.prepare("SELECT space_id, epoch, head, head_time, horizon FROM tombolo_space");
        if (!row.step()) throw Error(ErrorCode::corrupt, "the hub's file does not say what space it is", "restore it from a backup");
        state_ = {to_hex(row.blob(0)), {row.number(1)}, {row.number(2)}, row.integer(3), {row.number(4)}};
    }

    // --- schema ---

    std::string joined_statements() const {
        std::string sql;
        for (const std::string& statement : schema_.statements)
            sql += statement + "\n;\n";
        return sql;
    }

    void close_tables() {
        foreign_keys_.reset();
        tables_.clear();
        db_.forget_cached();
    }

    void load_schema() {
        close_tables();
        schema_ = {};
        sqlite::Statement statements = db_.prepare("SELECT sql FROM tombolo_statement ORDER BY position");
        while (statements.step())
            schema_.statements.emplace_back(statements.text(0));
        sqlite::Statement names = db_.prepare("SELECT name FROM tombolo_table ORDER BY id");
        while (names.step())
            schema_.tables.push_back(read_synced_table(names.text(0)));
        tables_.reserve(schema_.tables.size());
        for (const Table& table : schema_.tables)
            tables_.emplace_back(db_, table, static_cast<int64_t>(tables_.size()) + 1);
        foreign_keys_ = std::make_unique<ForeignKeys>(db_, tables_);
        tombstones_.assign(tables_.size(), 0);
        sqlite::Statement counts = db_.prepare("SELECT table_id, count(*) FROM tombolo_tombstone GROUP BY table_id");
        while (counts.step())
            tombstones_[table_index(counts.integer(0))] = counts.integer(1);
    }

    Table read_synced_table(std::string_view name) {
        Table table = sqlite::read_table(db_, "main", name);
        std::erase_if(table.columns, [](const Column& column) { return column.name.starts_with("tombolo_"); });
        // Hidden columns may stand between old and new ones; the key's, being old, keep their indexes.
        return table;
    }

    void migrate(const SchemaAddition& addition, const std::vector<std::string>& statements) {
        for (const SchemaObject& table : addition.tables)
            create_table(table);
        for (const SchemaAddition::NewColumn& column : addition.columns)
            db_.execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", quote_identifier(column.table), column.definition));
        for (const SchemaObject& index : addition.indexes)
            db_.execute(index.sql);
        db_.execute("DELETE FROM tombolo_statement");
        sqlite::Statement insert = db_.prepare("INSERT INTO tombolo_statement(sql) VALUES (?1)");
        for (const std::string& statement : statements)
            insert.with(statement).run();
    }

    void create_table(const SchemaObject& table) {
        db_.execute(table.sql);
        const std::string name = quote_identifier(table.name);
        db_.execute(
            fmt::format("ALTER TABLE {0} ADD COLUMN tombolo_seq INTEGER; ALTER TABLE {0} ADD COLUMN tombolo_meta BLOB; ALTER TABLE {0} ADD COLUMN "
                        "tombolo_channel INTEGER",
                        name));
        sqlite::Statement insert = db_.prepare("INSERT INTO tombolo_table(name) VALUES (?1)");
        insert.with(table.name).run();
        db_.execute(fmt::format("CREATE INDEX tombolo_seq_{} ON {}(tombolo_seq)", sqlite3_last_insert_rowid(db_.handle()), name));
    }

    size_t table_index(int64_t table_id) const {
        if (table_id < 1 || static_cast<size_t>(table_id) > tables_.size())
            throw Error(ErrorCode::corrupt, "the hub's file names a table that it does not have", "restore it from a backup");
        return static_cast<size_t>(table_id) - 1;
    }
    SqliteTable& rows_of(const Table& table) {
        const auto index = static_cast<size_t>(&table - schema_.tables.data());
        TOMBOLO_ASSERT(index < tables_.size());
        return tables_[index];
    }
    static size_t index_of(const SqliteTable& rows) { return static_cast<size_t>(rows.id()) - 1; }

    // --- rows ---

    void write_alive(SqliteTable& rows, std::string_view key, bool is_stored, const RowState& after) {
        const auto violation = is_stored ? rows.update(key, after, seq_) : rows.insert(after, seq_);
        if (!violation) return;
        // A later change of the same transaction may put it right. Until then the row is out of everybody's way.
        if (is_stored) rows.erase(key);
        put_deferred(rows, key, after);
    }

    void tell_foreign_keys(SqliteTable& rows, std::string_view key) {
        if (!foreign_keys_->watches_updates(rows.id())) return;
        RowState before;
        if (find(rows.table(), key, before) == Existence::alive) foreign_keys_->parent_updated(rows, before);
    }

    void find_tombstone(SqliteTable& rows, std::string_view key, RowState& state) {
        sqlite::Statement& find = db_.cached("SELECT image, meta FROM tombolo_tombstone WHERE table_id = ?1 AND key = ?2");
        const ResetGuard guard(find);
        if (!find.with(rows.id(), ValueView::blob(key)).step()) return;
        read_image(rows, find.blob(0), find.blob(1), state);
        state.existence = Existence::dead;
    }
    void put_tombstone(SqliteTable& rows, std::string_view key, const RowState& state) {
        std::string meta;
        put_meta(meta, state.meta);
        put_candidates(meta, state.candidates);
        sqlite::Statement& put = db_.cached("INSERT OR REPLACE INTO tombolo_tombstone(table_id, key, seq, image, meta) VALUES (?1, ?2, ?3, ?4, ?5)");
        put.with(rows.id(), ValueView::blob(key), seq_.value, ValueView::blob(encode_record(state.values)), ValueView::blob(meta)).run();
        ++tombstones_[index_of(rows)];  // a replaced one counts twice: the count only says "maybe some"
    }
    void drop_tombstone(SqliteTable& rows, std::string_view key) {
        db_.cached("DELETE FROM tombolo_tombstone WHERE table_id = ?1 AND key = ?2").with(rows.id(), ValueView::blob(key)).run();
        tombstones_[index_of(rows)] -= db_.changes();
    }

    bool find_deferred(SqliteTable& rows, std::string_view key, RowState& state) {
        sqlite::Statement& find = db_.cached("SELECT image, meta FROM tombolo_deferred WHERE table_id = ?1 AND key = ?2");
        const ResetGuard guard(find);
        if (!find.with(rows.id(), ValueView::blob(key)).step()) return false;
        read_image(rows, find.blob(0), find.blob(1), state);
        state.existence = Existence::alive;
        return true;
    }
    void put_deferred(SqliteTable& rows, std::string_view key, const RowState& state) {
        std::string meta;
        put_meta(meta, state.meta);
        put_candidates(meta, state.candidates);
        sqlite::Statement& put = db_.cached("INSERT INTO tombolo_deferred(table_id, key, image, meta) VALUES (?1, ?2, ?3, ?4)");
        put.with(rows.id(), ValueView::blob(key), ValueView::blob(encode_record(state.values)), ValueView::blob(meta)).run();
        ++deferred_;
    }
    bool drop_deferred(SqliteTable& rows, std::string_view key) {
        db_.cached("DELETE FROM tombolo_deferred WHERE table_id = ?1 AND key = ?2").with(rows.id(), ValueView::blob(key)).run();
        const bool dropped = db_.changes() > 0;
        if (dropped) --deferred_;
        return dropped;
    }
    std::optional<Violation> insert_deferred() {
        sqlite::Statement& all = db_.cached("SELECT table_id, image, meta FROM tombolo_deferred");
        {
            const ResetGuard guard(all);
            RowState state;
            while (all.step()) {
                SqliteTable& rows = tables_[table_index(all.integer(0))];
                read_image(rows, all.blob(1), all.blob(2), state);
                if (auto violation = rows.insert(state, seq_)) return violation;
            }
        }
        db_.cached("DELETE FROM tombolo_deferred").run();
        deferred_ = 0;
        return std::nullopt;
    }

    void read_image(SqliteTable& rows, std::string_view image, std::string_view meta, RowState& state) {
        std::vector<ValueView> values;
        Reader in(meta);
        if (!decode_record(image, values) || !read_meta(in, state.meta) || !read_candidates(in, state.candidates)) {
            throw Error(ErrorCode::corrupt, fmt::format("a deleted row of {} cannot be read", rows.table().name),
                        "restore the hub's file from a backup");
        }
        rows.widen(values);
        rows.widen(state.meta);
        state.values = std::vector<Value>(values.begin(), values.end());
    }

    void forget_transaction() {
        deferred_ = 0;
        if (foreign_keys_) foreign_keys_->forget_updates();
    }

    // --- reading back ---

    static VerdictRecord read_verdict(sqlite::Statement& row) {
        VerdictRecord record;
        record.verdict.number = {row.number(0)};
        record.verdict.id = read_id<TransactionId>(row.blob(1));
        record.verdict.seq = {row.number(2)};
        record.verdict.stamp = row.integer(3);
        if (!row.is_null(4)) record.seen = Seq{row.number(4)};
        record.verdict.kind = static_cast<VerdictKind>(row.integer(5));
        record.verdict.code = static_cast<RejectCode>(row.integer(6));  // NULL reads as none
        record.verdict.reason = std::string(row.text(7));
        record.verdict.depends_on = {row.number(8)};
        Reader cells(row.blob(9));
        if (!row.is_null(9) && !read_cell_notes(cells, record.verdict))
            throw Error(ErrorCode::corrupt, "a verdict in the hub's file cannot be read", "restore it from a backup");
        return record;
    }

    bool visit_gone(sqlite::Statement& row, std::string& position, RowVisitor& visitor) {
        std::vector<ValueView> image;
        RowMeta meta;
        while (row.step()) {
            const SqliteTable& rows = tables_[table_index(row.integer(1))];
            image.clear();
            Reader in(row.blob(5));
            if (!decode_record(row.blob(4), image) || !read_meta(in, meta)) {
                throw Error(ErrorCode::corrupt, fmt::format("a deleted row of {} cannot be read", rows.table().name),
                            "restore the hub's file from a backup");
            }
            rows.widen(image);
            rows.widen(meta);
            if (visitor.gone(rows.table(), row.blob(2), image, meta)) continue;
            position.clear();
            put_varint(position, row.number(3));
            put_signed(position, row.integer(0));
            return false;
        }
        return true;
    }

    // The newest recorded seq at `time`; 0: none so old.
    Seq newest_seq_at(HubTime time) {
        sqlite::Statement& newest = db_.cached("SELECT seq FROM tombolo_time WHERE time <= ?1 ORDER BY time DESC LIMIT 1");
        const ResetGuard guard(newest);
        return newest.with(time).step() ? Seq{newest.number(0)} : Seq{};
    }

    // Whole seqs only would be simpler, but one transaction may have deleted a million rows: the horizon moves with the first.
    void choose_purged(Seq up_to, size_t rows_max, std::vector<int64_t>& ids, Seq& highest, std::vector<int64_t>& counts) {
        sqlite::Statement& oldest = db_.cached("SELECT id, table_id, seq FROM tombolo_tombstone WHERE seq <= ?1 ORDER BY seq LIMIT ?2");
        const ResetGuard guard(oldest);
        oldest.with(up_to.value, static_cast<int64_t>(rows_max));
        while (oldest.step()) {
            ids.push_back(oldest.integer(0));
            --counts[table_index(oldest.integer(1))];
            highest = std::max(highest, Seq{oldest.number(2)});
        }
    }

    struct GroupState {
        SpaceState state;
        std::vector<int64_t> tombstones;
    };

    sqlite::Connection db_;
    std::string spool_directory_;
    SpaceState state_;
    Schema schema_;
    std::vector<SqliteTable> tables_;  // as schema_.tables; a table's id is its index plus 1
    std::unique_ptr<ForeignKeys> foreign_keys_;
    std::vector<int64_t> tombstones_;         // per table, at least; 0 spares a look-up for every inserted row
    std::vector<int64_t> tombstones_before_;  // when the transaction began
    GroupState before_group_;
    bool in_group_ = false;
    Seq seq_;               // of the transaction under way
    int64_t deferred_ = 0;  // rows in tombolo_deferred
};

}  // namespace

std::unique_ptr<Store> open_sqlite_store(const std::string& path, world::Random& random, const char* vfs) {
    return std::make_unique<SqliteStore>(path, random, vfs);
}

}  // namespace tombolo::store
