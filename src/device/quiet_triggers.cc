#include "device/quiet_triggers.h"

#include <fmt/format.h>

#include "device/sqlite_value.h"
#include "model/record.h"

namespace tombolo::device {

struct QuietTriggers::State {
    const Schema* schema = nullptr;
    const Table* own_table = nullptr;  // of the announced delete
    std::string own_key;               // empty: all rows of own_table
};

namespace {

constexpr const char* own_delete_function = "tombolo_own_delete";

int authorize(void* context, int action, const char* first, const char*, const char* database, const char* trigger) {
    if (trigger == nullptr || (action != SQLITE_INSERT && action != SQLITE_UPDATE)) return SQLITE_OK;
    if (database == nullptr || std::string_view(database) != "main") return SQLITE_OK;
    const auto* state = static_cast<const QuietTriggers::State*>(context);
    return state->schema->find(first) != nullptr ? SQLITE_IGNORE : SQLITE_OK;
}

// tombolo_own_delete(index of the table, key columns …): was this very delete announced?
void own_delete(sqlite3_context* context, int count, sqlite3_value** arguments) {
    const auto* state = static_cast<const QuietTriggers::State*>(sqlite3_user_data(context));
    const auto index = static_cast<size_t>(sqlite3_value_int64(arguments[0]));
    bool own = state->own_table != nullptr && state->own_table == &state->schema->tables[index];
    if (own && !state->own_key.empty()) {
        std::string key;
        for (int i = 1; i < count; ++i)
            put_value(key, view_of(arguments[i]));
        own = key == state->own_key;
    }
    sqlite3_result_int(context, own ? 1 : 0);
}

bool application_has_triggers(sqlite::Connection& db) {
    return db.query_integer("SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND name NOT LIKE 'tombolo\\_%' ESCAPE '\\')") !=
           0;
}

std::string trigger_name(size_t index) { return fmt::format("temp.tombolo_quiet_{}", index); }

}  // namespace

QuietTriggers::QuietTriggers(sqlite::Connection& db, const Schema& schema) : db_(db), state_(std::make_unique<State>()) {
    state_->schema = &schema;
    schema_version_ = db_.query_integer("PRAGMA main.schema_version");
    running_ = application_has_triggers(db_);
    sqlite3_db_config(db_.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, running_ ? 1 : 0, nullptr);
    if (running_) install();
}

void QuietTriggers::install() {
    sqlite3_create_function_v2(db_.handle(), own_delete_function, -1, SQLITE_UTF8, state_.get(), &own_delete, nullptr, nullptr, nullptr);
    for (size_t i = 0; i < state_->schema->tables.size(); ++i) {
        const Table& table = state_->schema->tables[i];
        std::string keys;
        for (const uint32_t column : table.key)
            keys += ", OLD." + sqlite::quote_identifier(table.columns[column].name);
        db_.execute(fmt::format(
            "DROP TRIGGER IF EXISTS {0}; CREATE TRIGGER {0} BEFORE DELETE ON main.{1} WHEN NOT {2}({3}{4}) BEGIN SELECT RAISE(IGNORE); END",
            trigger_name(i), sqlite::quote_identifier(table.name), own_delete_function, i, keys));
    }
    sqlite3_set_authorizer(db_.handle(), &authorize, state_.get());
}

QuietTriggers::~QuietTriggers() {
    if (!db_) return;
    sqlite3_set_authorizer(db_.handle(), nullptr, nullptr);
    for (size_t i = 0; i < state_->schema->tables.size(); ++i) {
        sqlite3_exec(db_.handle(), fmt::format("DROP TRIGGER IF EXISTS {}", trigger_name(i)).c_str(), nullptr, nullptr, nullptr);
    }
    sqlite3_create_function_v2(db_.handle(), own_delete_function, -1, SQLITE_UTF8, nullptr, nullptr, nullptr, nullptr, nullptr);
}

bool QuietTriggers::up_to_date() {
    sqlite::Statement& version = db_.cached("PRAGMA main.schema_version");
    const sqlite::ResetGuard guard(version);
    return version.step() && version.integer(0) == schema_version_;
}

void QuietTriggers::announce_delete(const Table& table, std::string_view key) {
    state_->own_table = &table;
    state_->own_key = key;
}

void QuietTriggers::forget_announced() { state_->own_table = nullptr; }

}  // namespace tombolo::device
