#include "device/capture_file.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/limits.h"
#include "model/record.h"
#include "sqlite/inspect.h"

namespace tombolo::device {

namespace {
std::string qualify(std::string_view schema_name, std::string_view table_name) {
    return sqlite::quote_identifier(schema_name) + "." + sqlite::quote_identifier(table_name);
}
}  // namespace

bool CaptureFile::is_device(sqlite3* db, const std::string& schema_name) {
    sqlite::Statement find(
        db, fmt::format("SELECT 1 FROM {} WHERE type = 'table' AND name = 'tombolo_device'", qualify(schema_name, "sqlite_schema")), false);
    return find.step();
}

CaptureFile::CaptureFile(sqlite3* db, std::string schema_name) : db_(db), schema_name_(std::move(schema_name)) {
    const std::string log = qualify(schema_name_, "tombolo_log");
    const std::string device = qualify(schema_name_, "tombolo_device");
    sqlite::Statement tag(db, "SELECT capture_tag FROM " + device, false);
    if (!tag.step()) throw Error(ErrorCode::corrupt, "the device file has lost its identity row", "restore the file from a backup");
    tag_ = tag.integer(0);
    insert_ = sqlite::Statement(db, fmt::format("INSERT INTO {}(position, body) VALUES (?1, ?2)", log));
    take_back_ = sqlite::Statement(db, fmt::format("DELETE FROM {} WHERE position = ?1", log));
    state_ = sqlite::Statement(db, fmt::format("SELECT epoch, seq, hub_time, last_number, (SELECT max(position) FROM {}) FROM {}", log, device));
}

std::string CaptureFile::path() const {
    const char* name = sqlite3_db_filename(db_, schema_name_.c_str());
    return name != nullptr ? name : "";
}

uint32_t CaptureFile::data_version() const {
    uint32_t version = 0;
    sqlite3_file_control(db_, schema_name_.c_str(), SQLITE_FCNTL_DATA_VERSION, &version);
    return version;
}

// --- tables ---

std::unique_ptr<CaptureFile::KnownTable> CaptureFile::load(uint64_t id, std::string_view name) {
    auto connection = sqlite::Connection::borrow(db_);
    auto known = std::make_unique<KnownTable>();
    known->id = id;
    known->table = sqlite::read_table(connection, schema_name_, name);
    known->shape = shape_of(known->table);
    known->old_image = std::make_unique<OldImage>(db_, schema_name_, known->table);
    std::string columns;
    std::string where;
    for (size_t i = 0; i < known->table.key.size(); ++i) {
        const std::string column = sqlite::quote_identifier(known->table.columns[known->table.key[i]].name);
        columns += fmt::format("{}{}", i == 0 ? "" : ", ", column);
        where += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", column, i + 1);
    }
    known->find_key = sqlite::Statement(db_, fmt::format("SELECT {} FROM {} WHERE {}", columns, qualify(schema_name_, known->table.name), where));
    return known;
}

CaptureFile::KnownTable* CaptureFile::find(uint64_t table_id, int64_t shape) {
    for (const auto& known : tables_) {
        if (known->id == table_id) return known->shape == shape ? known.get() : nullptr;
    }
    sqlite::Statement name(db_, fmt::format("SELECT name FROM {} WHERE id = ?1", qualify(schema_name_, "tombolo_table")), false);
    if (!name.with(table_id).step()) return nullptr;
    tables_.push_back(load(table_id, name.text(0)));
    return tables_.back()->shape == shape ? tables_.back().get() : nullptr;
}

CaptureFile::KnownTable* CaptureFile::find(std::string_view table_name) {
    for (const auto& known : tables_) {
        if (equal_names(known->table.name, table_name)) return known.get();
    }
    sqlite::Statement id(db_, fmt::format("SELECT id, name FROM {} WHERE name = ?1", qualify(schema_name_, "tombolo_table")), false);
    if (!id.with(table_name).step()) return nullptr;
    tables_.push_back(load(id.number(0), id.text(1)));
    return tables_.back().get();
}

bool CaptureFile::row_exists(KnownTable& table, int64_t rowid, std::string_view key) {
    if (!table.table.without_rowid) return table.old_image->has_rowid(rowid);
    std::vector<ValueView> values;
    TOMBOLO_ASSERT(decode_record(key, values));
    const sqlite::ResetGuard guard(table.find_key);
    for (size_t i = 0; i < values.size(); ++i)
        table.find_key.bind(static_cast<int>(i) + 1, values[i]);
    while (table.find_key.step()) {
        std::string found;
        for (size_t i = 0; i < values.size(); ++i)
            put_value(found, table.find_key.value(static_cast<int>(i)));
        if (found == key) return true;
    }
    return false;
}

// --- the log ---

void CaptureFile::count_bytes(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ <= limits::transaction_bytes_max) return;
    throw Error(ErrorCode::too_large,
                fmt::format("the transaction is over {} MiB, the most that can be synced at once", limits::transaction_bytes_max >> 20),
                "commit in smaller steps");
}

CaptureFile::State CaptureFile::read_state() {
    const sqlite::ResetGuard guard(state_);
    TOMBOLO_ASSERT(state_.step());
    const uint64_t newest = state_.is_null(4) ? state_.number(3) : state_.number(4) >> position_index_bits;
    next_number_ = newest + 1;
    return {{{state_.number(0)}, {state_.number(1)}}, state_.integer(2)};
}

// Lets SQLite choose the position: one above the newest. Rollbacks cut the log at its end only, so a position that carries our
// number proves that the transaction's first row is still there. Otherwise a savepoint was rolled back to before it (or all of
// the transaction was): false, and nothing appended.
bool CaptureFile::append_to_transaction() {
    const sqlite::ResetGuard guard(insert_);
    insert_.bind_null(1).bind_static(2, ValueView::blob(body_));
    insert_.step();
    const auto position = static_cast<uint64_t>(sqlite3_last_insert_rowid(db_));
    if (position >> position_index_bits == number_) return true;
    take_back_.bind(1, position).run();
    return false;
}

void CaptureFile::begin_transaction(const LogContext& context) {
    version_ = data_version();
    number_ = next_number_;
    bytes_ = 0;
    std::string first;
    put_context(first, context);
    first += body_;
    const sqlite::ResetGuard guard(insert_);
    insert_.bind(1, number_ << position_index_bits).bind_static(2, ValueView::blob(first));
    insert_.step();
}

}  // namespace tombolo::device
