#include "device/participant.h"

#include <new>

#include "sqlite/connection.h"

namespace tombolo::device {

namespace {

struct VirtualTable : sqlite3_vtab {
    Participant* participant = nullptr;
};
Participant& participant_of(sqlite3_vtab* table) { return *static_cast<VirtualTable*>(table)->participant; }

// --- an empty table ---

int connect(sqlite3* db, void* participant, int /*argc*/, const char* const* /*argv*/, sqlite3_vtab** table, char** /*error*/) {
    const int rc = sqlite3_declare_vtab(db, "CREATE TABLE participant(empty)");
    if (rc != SQLITE_OK) return rc;
    auto* made = new VirtualTable{};
    made->participant = static_cast<Participant*>(participant);
    *table = made;
    return SQLITE_OK;
}
int disconnect(sqlite3_vtab* table) {
    delete static_cast<VirtualTable*>(table);
    return SQLITE_OK;
}
int disconnect_at_close(sqlite3_vtab* table) {
    participant_of(table).on_close();
    return disconnect(table);
}
// At most one row: then SQLite needs no savepoint for the statement that joins. That must be so, because it runs inside the hook: were
// it compiled anew after a change of the schema, the savepoint would be rolled back first, which moves the cursor on the very table
// that the application's statement has found its place in.
int best_index(sqlite3_vtab* /*table*/, sqlite3_index_info* info) {
    info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    info->estimatedRows = 1;
    return SQLITE_OK;
}
int open_cursor(sqlite3_vtab* /*table*/, sqlite3_vtab_cursor** cursor) {
    *cursor = new sqlite3_vtab_cursor{};
    return SQLITE_OK;
}
int close_cursor(sqlite3_vtab_cursor* cursor) {
    delete cursor;
    return SQLITE_OK;
}
int filter(sqlite3_vtab_cursor* /*cursor*/, int /*number*/, const char* /*text*/, int /*argc*/, sqlite3_value** /*argv*/) { return SQLITE_OK; }
int next(sqlite3_vtab_cursor* /*cursor*/) { return SQLITE_OK; }
int eof(sqlite3_vtab_cursor* /*cursor*/) { return 1; }
int column(sqlite3_vtab_cursor* /*cursor*/, sqlite3_context* /*context*/, int /*index*/) { return SQLITE_OK; }
int rowid(sqlite3_vtab_cursor* /*cursor*/, sqlite3_int64* /*id*/) { return SQLITE_OK; }
int update(sqlite3_vtab* /*table*/, int /*argc*/, sqlite3_value** /*argv*/, sqlite3_int64* /*id*/) { return SQLITE_READONLY; }

// --- in a transaction ---

int begin(sqlite3_vtab* /*table*/) { return SQLITE_OK; }
int sync(sqlite3_vtab* table) {
    std::string message;
    const int rc = participant_of(table).on_sync(message);
    if (rc != SQLITE_OK) table->zErrMsg = sqlite3_mprintf("%s", message.c_str());
    return rc;
}
int commit(sqlite3_vtab* table) {
    participant_of(table).on_commit();
    return SQLITE_OK;
}
int rollback(sqlite3_vtab* table) {
    participant_of(table).on_rollback();
    return SQLITE_OK;
}
int savepoint(sqlite3_vtab* table, int depth) {
    try {
        participant_of(table).on_savepoint(depth);
        return SQLITE_OK;
    } catch (const std::bad_alloc&) {
        return SQLITE_NOMEM;
    }
}
int release(sqlite3_vtab* table, int depth) {
    participant_of(table).on_release(depth);
    return SQLITE_OK;
}
int rollback_to(sqlite3_vtab* table, int depth) {
    participant_of(table).on_rollback_to(depth);
    return SQLITE_OK;
}

// Without xCreate the tables are eponymous only: they exist in every connection and in no file. There are two, because the statement
// that joins is kept, and SQLite disconnects no table that a statement writes to.
sqlite3_module make_close_module() {
    sqlite3_module module{};
    module.iVersion = 2;  // has savepoints
    module.xConnect = connect;
    module.xBestIndex = best_index;
    module.xDisconnect = disconnect_at_close;
    module.xOpen = open_cursor;
    module.xClose = close_cursor;
    module.xFilter = filter;
    module.xNext = next;
    module.xEof = eof;
    module.xColumn = column;
    module.xRowid = rowid;
    return module;
}
const sqlite3_module close_module = make_close_module();

sqlite3_module make_participant_module() {
    sqlite3_module module = make_close_module();
    module.xDisconnect = disconnect;
    module.xUpdate = update;
    module.xBegin = begin;
    module.xSync = sync;
    module.xCommit = commit;
    module.xRollback = rollback;
    module.xSavepoint = savepoint;
    module.xRelease = release;
    module.xRollbackTo = rollback_to;
    return module;
}
const sqlite3_module participant_module = make_participant_module();

}  // namespace

void register_participant(sqlite3* db, Participant& participant) {
    int rc = sqlite3_create_module_v2(db, "tombolo_participant", &participant_module, &participant, nullptr);
    if (rc == SQLITE_OK) rc = sqlite3_create_module_v2(db, "tombolo_close", &close_module, &participant, nullptr);
    if (rc != SQLITE_OK) sqlite::throw_error(db, rc, "register with the transactions of the connection");
}

void watch_for_close(sqlite3* db) { sqlite::Statement(db, "SELECT empty FROM tombolo_close", false).run(); }

}  // namespace tombolo::device
