#include "device/capture_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "base/limits.h"
#include "model/conflict_table.h"
#include "model/record.h"
#include "sqlite/inspect.h"

namespace tombolo::device {

namespace {

std::string qualify(std::string_view schema_name, std::string_view table_name) {
    return sqlite::quote_identifier(schema_name) + "." + sqlite::quote_identifier(table_name);
}

// The bytes of a row that was just written, roughly as they are sent; checks what a value and a row may have.
size_t checked_size(const Table& table, const std::vector<ValueView>& values) {
    size_t bytes = 0;
    for (size_t i = 0; i < values.size(); ++i) {
        const size_t size = values[i].bytes().size();
        if (size > limits::value_bytes_max) {
            throw Error(ErrorCode::too_large,
                        fmt::format("a value of {} bytes in {}.{} is over {} MiB, the most that can be synced", size, table.name,
                                    table.columns[i].name, limits::value_bytes_max >> 20),
                        "store it in pieces");
        }
        bytes += size + 8;
    }
    if (bytes > limits::row_bytes_max) {
        throw Error(ErrorCode::too_large,
                    fmt::format("a row of {} has {} bytes, over {} MiB, the most that can be synced", table.name, bytes, limits::row_bytes_max >> 20),
                    "store its values in several rows");
    }
    return bytes;
}

// Another key is another row: compared by bytes, whatever the collation.
bool has_same_key(const Table& table, const std::vector<ValueView>& before, const std::vector<ValueView>& after) {
    return std::all_of(table.key.begin(), table.key.end(), [&](uint32_t column) { return before[column] == after[column]; });
}

bool is_conflict_table(const Table& table) { return table.name == conflict_table_name; }

// The hub would refuse the whole transaction.
[[noreturn]] void refuse_conflict_write() {
    throw Error(ErrorCode::usage, fmt::format("the table {} is written by the hub alone; a device may only dismiss a conflict", conflict_table_name),
                "settle a conflict by writing the cell, or with 'tombolo conflicts'");
}

}  // namespace

bool CaptureFile::is_device(sqlite3* db, const std::string& schema_name) {
    sqlite::Statement find(
        db, fmt::format("SELECT 1 FROM {} WHERE type = 'table' AND name = 'tombolo_device'", qualify(schema_name, "sqlite_schema")), false);
    return find.step();
}

CaptureFile::CaptureFile(sqlite3* db, std::string schema_name) : db_(db), schema_name_(std::move(schema_name)) {
    const char* path = sqlite3_db_filename(db, schema_name_.c_str());
    if (path != nullptr) path_ = path;
    const std::string log = qualify(schema_name_, "tombolo_log");
    const std::string device = qualify(schema_name_, "tombolo_device");
    sqlite::Statement tag(db, "SELECT capture_tag FROM " + device, false);
    if (!tag.step()) throw Error(ErrorCode::corrupt, "the device file has lost its identity row", "restore the file from a backup");
    tag_ = tag.integer(0);
    cookie_ = sqlite::Statement(db, fmt::format("PRAGMA {}.schema_version", sqlite::quote_identifier(schema_name_)));
    temporary_cookie_ = sqlite::Statement(db, "PRAGMA temp.schema_version");
    state_ = sqlite::Statement(db, fmt::format("SELECT epoch, seq, hub_time, last_number, (SELECT max(position) FROM {}) FROM {}", log, device));
    insert_ = sqlite::Statement(db, fmt::format("INSERT INTO {}(position, operations, body) VALUES (?1, ?2, ?3)", log));
    take_back_ = sqlite::Statement(db, fmt::format("DELETE FROM {} WHERE position >= ?1", log));
    known_cookie_ = read_cookie();
    known_temporary_cookie_ = read_temporary_cookie();
}

uint32_t CaptureFile::data_version() const {
    uint32_t version = 0;
    sqlite3_file_control(db_, schema_name_.c_str(), SQLITE_FCNTL_DATA_VERSION, &version);
    return version;
}

// --- tables ---

CapturedTable* CaptureFile::find(std::string_view table_name) {
    for (const auto& known : tables_) {
        if (equal_names(known->table().name, table_name)) return known.get();
    }
    sqlite::Statement id(db_, fmt::format("SELECT id, name FROM {} WHERE name = ?1", qualify(schema_name_, "tombolo_table")), false);
    if (!id.with(table_name).step()) return nullptr;
    auto connection = sqlite::Connection::borrow(db_);
    Table table = sqlite::read_table(connection, schema_name_, id.text(1), sqlite::Defaults::skip);
    const int64_t stamp = stamp_of(tag_, id.number(0), table);
    tables_.push_back(std::make_unique<CapturedTable>(db_, schema_name_, id.number(0), std::move(table), stamp));
    return tables_.back().get();
}

// In the middle of a transaction, what is read next may be rolled back with it: the next transaction looks anew.
void CaptureFile::forget_tables() {
    if (!log_.empty() || told_.is_open()) std::move(tables_.begin(), tables_.end(), std::back_inserter(former_tables_));
    tables_.clear();
    known_cookie_ = -1;
    last_blob_write_ = {};
}

bool CaptureFile::has_fitting(int64_t stamp) {
    const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const auto& table) { return table->stamp() == stamp; });
    return found != tables_.end() && still_fits(**found, read_cookie());
}

// A transaction may change the schema behind what it has captured: then the table is looked at once more.
bool CaptureFile::still_fits(CapturedTable& table, int64_t cookie) { return cookie == known_cookie_ || fits_now(table, cookie); }

bool CaptureFile::fits_now(CapturedTable& table, int64_t cookie) {
    if (cookie == table.fitted_at) return true;
    auto connection = sqlite::Connection::borrow(db_);
    if (!sqlite::table_exists(connection, schema_name_, table.table().name)) return false;
    if (stamp_of(tag_, table.id(), sqlite::read_table(connection, schema_name_, table.table().name, sqlite::Defaults::skip)) != table.stamp())
        return false;
    table.fitted_at = cookie;
    return true;
}

// --- the open transaction ---

// At its first change, the transaction holds the lock that changes of a schema need: only its own connection can make any now.
bool CaptureFile::begin() {
    open_ = true;
    const int64_t cookie = read_cookie();
    const int64_t temporary_cookie = read_temporary_cookie();  // a TEMP trigger may act on a table, too
    if (cookie == known_cookie_ && temporary_cookie == known_temporary_cookie_) return true;
    forget_tables();
    known_cookie_ = cookie;
    known_temporary_cookie_ = temporary_cookie;
    return false;
}

namespace {
int64_t read_version(sqlite::Statement& pragma) {
    const sqlite::ResetGuard guard(pragma);
    TOMBOLO_ASSERT(pragma.step());
    return pragma.integer(0);
}
}  // namespace

int64_t CaptureFile::read_cookie() { return read_version(cookie_); }
int64_t CaptureFile::read_temporary_cookie() { return read_version(temporary_cookie_); }

void CaptureFile::on_rollback_to(int depth) {
    told_.forget();  // a savepoint after it would have closed it
    log_.on_rollback_to(depth);
    last_blob_write_ = {};
}

void CaptureFile::end() {
    open_ = false;
    told_.forget();
    number_ = 0;
    has_unseen_values_ = false;
    former_tables_.clear();
    log_.clear();
    last_blob_write_ = {};
}

// --- row changes ---

void CaptureFile::insert(CapturedTable& table, int64_t rowid) { log_insert(table, table.new_values(SQLITE_INSERT, rowid)); }

void CaptureFile::erase(CapturedTable& table, int64_t rowid) { log_erase(table, table.old_values(rowid)); }

void CaptureFile::update(CapturedTable& table, int64_t old_rowid, int64_t new_rowid, bool triggers_fire) {
    if (triggers_fire && table.triggers_tell() && old_rowid == new_rowid) return told_.open(table, new_rowid);
    const std::vector<ValueView>& before = table.old_values(old_rowid);
    const std::vector<ValueView>& after = table.new_values(SQLITE_UPDATE, new_rowid);
    if (has_same_key(table.table(), before, after) && table.knows_new_values()) return log_update(table, before, after);
    log_erase(table, before);
    log_insert(table, after);
}

// A cell that grows may make the row too large; what small ones can add up to is within the tolerance of what is sent.
void CaptureFile::tell_cell(int64_t stamp, int64_t rowid, uint32_t column, const ValueView& before, const ValueView& after, const ValueView* key) {
    if (!told_.is_of(stamp, rowid)) return;
    told_.tell_cell(column, before, after, key);
    constexpr size_t small_bytes = 4096;
    if (after.bytes().size() <= small_bytes || after.bytes().size() <= before.bytes().size()) return;
    CapturedTable& table = *find(told_.table().table().name);
    const CapturedTable::InHook guard(table);
    if (const auto* values = table.present_values(rowid)) checked_size(table.table(), *values);
}

void CaptureFile::tell_key(int64_t stamp, int64_t rowid, const std::vector<ValueView>& before, const std::vector<ValueView>& after) {
    if (!told_.is_of(stamp, rowid)) return;
    const CapturedTable& table = told_.table();
    if (has_same_key(table.table(), before, after)) return told_.tell_same_key();
    log_erase(table, before);
    log_insert(table, after);
    told_.tell_logged();
}

void CaptureFile::close_told() {
    try {
        const std::string_view operation = told_.close();
        if (!operation.empty()) log_.add(operation);
    } catch (const Error&) {
        known_cookie_ = -1;  // the next transaction looks at the table's triggers anew
        throw;
    }
}

// What it writes is not known here. Freezing finds the net change: the row that is there then, against the image. One image is
// enough for a large value that is written piece by piece.
void CaptureFile::write_blob(CapturedTable& table, int64_t rowid) {
    if (last_blob_write_ == BlobWrite{&table, rowid, log_.operations()}) return;
    const std::vector<ValueView>& values = table.old_values(rowid);
    log_erase(table, values);
    log_insert(table, values);  // it cannot change the key
    last_blob_write_ = {&table, rowid, log_.operations()};
}

void CaptureFile::existing_rows(const CapturedTable& captured) {
    std::string columns;
    for (const Column& column : captured.table().columns)
        columns += (columns.empty() ? "" : ", ") + sqlite::quote_identifier(column.name);
    sqlite::Statement rows(db_, fmt::format("SELECT {} FROM {}", columns, qualify(schema_name_, captured.table().name)), false);
    std::vector<ValueView> values(captured.table().columns.size());
    while (rows.step()) {
        for (size_t i = 0; i < values.size(); ++i)
            values[i] = rows.value(static_cast<int>(i));
        log_insert(captured, values);
    }
}

bool CaptureFile::keep(const CapturedTable& captured, const std::vector<Value>& key, const std::vector<uint32_t>& columns) {
    const Table& table = captured.table();
    std::string wanted = "1";
    std::string where;
    for (const uint32_t column : columns)
        wanted += ", " + sqlite::quote_identifier(table.columns.at(column).name);
    for (size_t i = 0; i < table.key.size(); ++i)
        where += fmt::format("{}{} IS ?{}", i == 0 ? "" : " AND ", sqlite::quote_identifier(table.columns[table.key[i]].name), i + 1);
    sqlite::Statement row(db_, fmt::format("SELECT {} FROM {} WHERE {}", wanted, qualify(schema_name_, table.name), where), false);
    key_.clear();
    for (size_t i = 0; i < key.size(); ++i) {
        row.bind(static_cast<int>(i) + 1, key[i].view());
        put_value(key_, key[i]);
    }
    if (!row.step()) return false;
    operation_.clear();
    begin_op(operation_, LogKind::keep, captured.id());
    put_bytes(operation_, key_);
    for (size_t i = 0; i < columns.size(); ++i) {
        put_varint(operation_, columns[i]);
        put_value(operation_, row.value(static_cast<int>(i) + 1));
    }
    log_.add(operation_);
    return true;
}

void CaptureFile::log_insert(const CapturedTable& captured, const std::vector<ValueView>& values) {
    const Table& table = captured.table();
    if (is_conflict_table(table)) refuse_conflict_write();
    const size_t bytes = checked_size(table, values);
    has_unseen_values_ = has_unseen_values_ || !captured.knows_new_values();
    operation_.clear();
    begin_op(operation_, LogKind::insert, captured.id());
    for (const uint32_t column : table.key) {
        if (values[column].is_null()) {
            throw Error(ErrorCode::null_key,
                        fmt::format("{}.{} is part of the primary key of a synced table and may not be NULL", table.name, table.columns[column].name),
                        "give every row a key, for instance with DEFAULT (tombolo_uuid())");
        }
        put_value(operation_, values[column]);
    }
    log_.add(operation_, bytes);
}

void CaptureFile::log_erase(const CapturedTable& table, const std::vector<ValueView>& values) {
    if (is_conflict_table(table.table())) refuse_conflict_write();
    operation_.clear();
    begin_op(operation_, LogKind::erase, table.id());
    for (const ValueView& value : values)
        put_value(operation_, value);
    log_.add(operation_);
}

// Nothing where nothing changed.
void CaptureFile::log_update(const CapturedTable& captured, const std::vector<ValueView>& before, const std::vector<ValueView>& after) {
    const Table& table = captured.table();
    operation_.clear();
    for (uint32_t column = 0; column < after.size(); ++column) {
        if (before[column] == after[column]) continue;
        if (is_conflict_table(table) && !may_dismiss(column, after[column])) refuse_conflict_write();
        if (operation_.empty()) {
            begin_op(operation_, LogKind::update, captured.id());
            key_.clear();
            for (const uint32_t part : table.key)
                put_value(key_, after[part]);
            put_bytes(operation_, key_);
        }
        put_varint(operation_, column);
        put_value(operation_, before[column]);
        put_value(operation_, after[column]);
    }
    if (operation_.empty()) return;
    checked_size(table, after);
    log_.add(operation_);
}

// --- the commit ---

bool CaptureFile::write(const std::function<LogContext()>& make_context) {
    if (number_ != 0) {  // written for a commit that found the file busy, and perhaps changed since
        take_back_.bind(1, number_ << position_index_bits).run();
        number_ = 0;
    }
    if (log_.empty()) return false;
    check_logged_tables();
    if (has_unseen_values_) check_unseen_values();
    LogContext context = make_context();
    id_ = context.id;
    if (!nobody_committed_since()) read_state();
    context.seen = state_of_file_.seen;
    context.seen_time = state_of_file_.seen_time;
    number_ = state_of_file_.newest_number + 1;
    write_chunks(context);
    return true;
}

void CaptureFile::read_state() {
    const sqlite::ResetGuard guard(state_);
    TOMBOLO_ASSERT(state_.step());
    state_of_file_.seen = {{state_.number(0)}, {state_.number(1)}};
    state_of_file_.seen_time = state_.integer(2);
    state_of_file_.newest_number = state_.is_null(4) ? state_.number(3) : state_.number(4) >> position_index_bits;
}

void CaptureFile::on_commit() {
    committed_version_.reset();
    if (number_ == 0) return;
    state_of_file_.newest_number = number_;
    committed_version_ = data_version();
}

// The log names a column by its place, and completes an insert from the table.
void CaptureFile::check_logged_tables() {
    const int64_t cookie = read_cookie();
    if (cookie == known_cookie_ && former_tables_.empty()) return;
    std::set<uint64_t> logged;
    LogOp operation;
    for (size_t i = 0; i < log_.chunk_count(); ++i) {
        for (Reader in(log_.chunk(i).body); !in.at_end(); logged.insert(operation.table_id))
            TOMBOLO_ASSERT(read_op(in, operation));
    }
    for (const auto* tables : {&former_tables_, &tables_}) {
        for (const auto& table : *tables) {
            if (logged.count(table->id()) == 0 || (tables == &tables_ ? still_fits(*table, cookie) : fits_now(*table, cookie))) continue;
            throw Error(ErrorCode::schema,
                        fmt::format("the transaction wrote {}, a synced table, and then renamed, changed or dropped it", table->table().name),
                        "tables are changed at the hub, with tombolo hub --schema");
        }
    }
}

// The sizes of the rows that the hook did not see whole, as the transaction leaves them.
void CaptureFile::check_unseen_values() {
    LogOp operation;
    for (size_t i = 0; i < log_.chunk_count(); ++i) {
        for (Reader in(log_.chunk(i).body); !in.at_end();) {
            TOMBOLO_ASSERT(read_op(in, operation));
            const auto table = std::find_if(tables_.begin(), tables_.end(), [&](const auto& known) { return known->id() == operation.table_id; });
            if (operation.kind != LogKind::insert || table == tables_.end() || (*table)->knows_new_values()) continue;
            Reader key(operation.key);
            if (const auto* values = (*table)->present_values(read_value(key).as_integer())) checked_size((*table)->table(), *values);
            (*table)->done();
        }
    }
}

void CaptureFile::write_chunks(const LogContext& context) {
    std::string first;
    put_context(first, context);
    first += log_.chunk(0).body;
    for (size_t i = 0; i < log_.chunk_count(); ++i) {
        const std::string& body = i == 0 ? first : log_.chunk(i).body;
        const sqlite::ResetGuard guard(insert_);
        insert_.bind(1, number_ << position_index_bits | i).bind(2, log_.chunk(i).operations).bind_static(3, ValueView::blob(body)).step();
    }
}

}  // namespace tombolo::device
