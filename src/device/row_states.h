// What became of a row's writes, as SQL asks it: tombolo_state('tasks', id).
//
// A call is a look-up in memory. What the file says is read again after a commit, by any connection: of the queue only what is new.
// Costs memory in proportion to what is pending. Keeps no statement, so that the connection can be closed at any time. Never writes.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>

#include "device/pending_rows.h"
#include "model/schema.h"
#include "sqlite/connection.h"

namespace tombolo::device {

enum class RowSyncState { synced, pending, conflict, rejected };  // the last that holds is told
const char* to_string(RowSyncState state);

class RowStates {
public:
    explicit RowStates(sqlite3* db) : handle_(db) {}

    // As of the newest commit that the connection sees. nullptr: that table of main is not synced.
    const Table* find_table(std::string_view name);
    RowSyncState state(const Table& table, std::string_view key);  // `key`: record of the key as it is stored

private:
    bool is_current();
    void refresh();
    void read_schema(sqlite::Connection& db);
    void read_log(sqlite::Connection& db);
    void read_conflicts(sqlite::Connection& db);

    sqlite3* handle_;
    std::optional<unsigned int> data_version_;
    int64_t schema_version_ = -1;
    int64_t tables_ = -1;
    Schema schema_;
    PendingIndex queued_;
    std::map<TransactionNumber, EntryState> entries_;
    uint64_t logged_from_ = 0, logged_to_ = 0;  // transactions of the log that are in logged_
    std::unordered_set<std::string> logged_, conflicts_;
};

// tombolo_state(TABLE, KEY …) on `db`.
void register_state_function(sqlite3* db);

}  // namespace tombolo::device
