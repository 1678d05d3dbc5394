#include "device/row_states.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/coding.h"
#include "device/log_reader.h"
#include "device/net_changes.h"
#include "model/conflict_table.h"
#include "model/record.h"
#include "sqlite/affinity.h"
#include "sqlite/inspect.h"
#include "tombolo/error.h"

namespace tombolo::device {

const char* to_string(RowSyncState state) {
    switch (state) {
        case RowSyncState::synced: return "synced";
        case RowSyncState::pending: return "pending";
        case RowSyncState::conflict: return "conflict";
        case RowSyncState::rejected: return "rejected";
    }
    return "synced";
}

const Table* RowStates::find_table(std::string_view name) {
    // A statement that reads no table sees no commits; one that is being read keeps the whole look at one of them.
    sqlite::Statement reading;
    if (sqlite3_txn_state(handle_, "main") == SQLITE_TXN_NONE) {
        reading = sqlite::Statement(handle_, "SELECT 1 FROM main.sqlite_schema", false);
        reading.step();
    }
    if (!is_current()) refresh();
    return schema_.find(name);
}

RowSyncState RowStates::state(const Table& table, std::string_view key) {
    const std::string row = row_name(schema_, table, key);
    bool pending = logged_.count(row) != 0;
    for (const TransactionNumber writer : queued_.writers(row)) {
        if (entries_.at(writer) == EntryState::rejected) return RowSyncState::rejected;
        pending = true;
    }
    if (conflicts_.count(row) != 0) return RowSyncState::conflict;
    return pending ? RowSyncState::pending : RowSyncState::synced;
}

// SQLite's own counter of commits, this connection's and others'.
bool RowStates::is_current() {
    unsigned int version = 0;
    sqlite3_file_control(handle_, "main", SQLITE_FCNTL_DATA_VERSION, &version);
    const bool current = data_version_ == version;
    data_version_ = version;
    return current;
}

void RowStates::refresh() {
    try {
        sqlite::Connection db = sqlite::Connection::borrow(handle_);
        read_schema(db);
        if (schema_.tables.empty()) return;
        Outbox outbox(db, schema_);
        std::vector<Entry> entries;
        entries_.clear();
        outbox.for_each([&](const Entry& entry) {
            entries.push_back(entry);
            entries_.emplace(entry.header.number, entry.state);
        });
        queued_.follow(entries, schema_, outbox);
        read_log(db);
        read_conflicts(db);
    } catch (...) {
        data_version_.reset();
        throw;
    }
}

void RowStates::read_schema(sqlite::Connection& db) {
    const int64_t version = db.query_integer("PRAGMA main.schema_version");
    const bool is_device = sqlite::table_exists(db, "main", "tombolo_table");
    const int64_t tables = is_device ? db.query_integer("SELECT count(*) FROM main.tombolo_table") : 0;
    if (version == schema_version_ && tables == tables_) return;
    schema_ = {};
    queued_.clear();
    logged_.clear();
    logged_from_ = logged_to_ = 0;
    if (is_device) {
        sqlite::Statement list = db.prepare("SELECT name FROM main.tombolo_table ORDER BY id");
        while (list.step())
            schema_.tables.push_back(sqlite::read_table(db, "main", list.text(0), sqlite::Defaults::skip));
    }
    schema_version_ = version;
    tables_ = tables;
}

// Transactions that nobody has frozen yet. They leave the log all together.
void RowStates::read_log(sqlite::Connection& db) {
    const auto oldest = static_cast<uint64_t>(db.query_integer("SELECT min(position) FROM main.tombolo_log")) >> position_index_bits;
    if (oldest != logged_from_) {
        logged_.clear();
        logged_from_ = oldest;
        logged_to_ = oldest == 0 ? 0 : oldest - 1;
    }
    const uint64_t newest = newest_logged(db, UINT64_MAX);
    std::string buffer;
    for (uint64_t number = newest; number > logged_to_ && number != 0; number = newest_logged(db, number)) {
        LogReader log(db, number);
        while (const LogOp* op = log.next())
            logged_.insert(name_row(op->table_id, key_of_op(table_of_op(schema_, *op), *op, buffer)));
    }
    logged_to_ = std::max(logged_to_, newest);
}

void RowStates::read_conflicts(sqlite::Connection& db) {
    conflicts_.clear();
    if (!sqlite::table_exists(db, "main", conflict_table_name)) return;
    sqlite::Statement open =
        db.prepare(fmt::format("SELECT table_name, row_key FROM main.{} WHERE resolved_at IS NULL", sqlite::quote_identifier(conflict_table_name)));
    while (open.step()) {
        if (const Table* table = schema_.find(open.text(0))) conflicts_.insert(row_name(schema_, *table, open.blob(1)));
    }
}

// --- the function ---

namespace {

// A key value as its column stores it, without asking a table.
Value stored_key(sqlite::Affinity affinity, sqlite3_value* value) {
    const bool numeric = affinity == sqlite::Affinity::integer || affinity == sqlite::Affinity::numeric || affinity == sqlite::Affinity::real;
    int type = numeric ? sqlite3_value_numeric_type(value) : sqlite3_value_type(value);
    if (affinity == sqlite::Affinity::text && (type == SQLITE_INTEGER || type == SQLITE_FLOAT)) type = SQLITE_TEXT;
    switch (type) {
        case SQLITE_INTEGER:
            if (affinity == sqlite::Affinity::real) return {sqlite3_value_double(value)};
            return Value(static_cast<int64_t>(sqlite3_value_int64(value)));
        case SQLITE_FLOAT: {
            const double number = sqlite3_value_double(value);
            const bool whole = numeric && affinity != sqlite::Affinity::real && std::abs(number) < 9e18 && number == std::floor(number);
            return whole ? Value(static_cast<int64_t>(number)) : Value(number);
        }
        case SQLITE_TEXT: {
            const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
            return Value(std::string(text, static_cast<size_t>(sqlite3_value_bytes(value))));
        }
        case SQLITE_BLOB: {
            const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
            return Value::blob(std::string(bytes, static_cast<size_t>(sqlite3_value_bytes(value))));
        }
        default: return {};
    }
}

void tell_state(RowStates& states, sqlite3_context* context, int count, sqlite3_value** arguments) {
    if (count == 0) throw Error(ErrorCode::usage, "tombolo_state needs a table and a key");
    const auto* name = reinterpret_cast<const char*>(sqlite3_value_text(arguments[0]));
    const Table* table = name != nullptr ? states.find_table(name) : nullptr;
    if (table == nullptr) return sqlite3_result_null(context);
    if (static_cast<size_t>(count) != 1 + table->key.size())
        throw Error(ErrorCode::usage,
                    fmt::format("the key of {} has {} columns, and {} values were given", table->name, table->key.size(), count - 1));
    std::string key;
    for (size_t i = 0; i < table->key.size(); ++i)
        put_value(key, stored_key(sqlite::affinity_of(table->columns[table->key[i]].type), arguments[i + 1]).view());
    sqlite3_result_text(context, to_string(states.state(*table, key)), -1, SQLITE_STATIC);
}

void state_function(sqlite3_context* context, int count, sqlite3_value** arguments) {
    try {
        tell_state(*static_cast<RowStates*>(sqlite3_user_data(context)), context, count, arguments);
    } catch (const std::exception& error) {
        sqlite3_result_error(context, error.what(), -1);
    }
}

}  // namespace

void register_state_function(sqlite3* db) {
    auto states = std::make_unique<RowStates>(db);
    const int rc = sqlite3_create_function_v2(db, "tombolo_state", -1, SQLITE_UTF8, states.release(), state_function, nullptr, nullptr,
                                              [](void* owned) { delete static_cast<RowStates*>(owned); });
    if (rc != SQLITE_OK) sqlite::throw_error(db, rc, "register tombolo_state");
}

}  // namespace tombolo::device
