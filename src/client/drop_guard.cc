#include "client/drop_guard.h"

#include <fmt/format.h>

#include "sqlite/inspect.h"
#include "tombolo/error.h"

namespace tombolo::client {

namespace {

// May not use the connection: it only takes notes.
int take_note(void* dropped, int action, const char* table, const char*, const char* schema, const char*) {
    if (action != SQLITE_DROP_TABLE || table == nullptr || schema == nullptr) return SQLITE_OK;
    static_cast<std::vector<std::pair<std::string, std::string>>*>(dropped)->emplace_back(schema, table);
    return SQLITE_OK;
}

bool is_synced(sqlite::Connection& db, const std::string& schema, const std::string& table) {
    if (!sqlite::table_exists(db, schema, "tombolo_table")) return false;
    sqlite::Statement find = db.prepare(fmt::format("SELECT 1 FROM {}.tombolo_table WHERE name = ?1", sqlite::quote_identifier(schema)));
    return find.with(table).step();
}

}  // namespace

void DropGuard::watch(sqlite::Connection& db) { sqlite3_set_authorizer(db.handle(), &take_note, &dropped_); }

void DropGuard::check(sqlite::Connection& db) {
    for (const auto& [schema, table] : std::exchange(dropped_, {})) {
        if (!is_synced(db, schema, table)) continue;
        throw Error(ErrorCode::schema, fmt::format("table {} is synced, and a device cannot drop it", table),
                    "delete its rows instead: the tables of a space are the hub's");
    }
}

}  // namespace tombolo::client
