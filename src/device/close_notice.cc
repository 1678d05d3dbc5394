#include "device/close_notice.h"

#include "sqlite/connection.h"

namespace tombolo::device {

namespace {

struct Notice : sqlite3_vtab {
    CloseListener* listener = nullptr;
};

int connect(sqlite3* db, void* listener, int /*argc*/, const char* const* /*argv*/, sqlite3_vtab** table, char** /*error*/) {
    const int rc = sqlite3_declare_vtab(db, "CREATE TABLE notice(empty)");
    if (rc != SQLITE_OK) return rc;
    auto* notice = new Notice{};
    notice->listener = static_cast<CloseListener*>(listener);
    *table = notice;
    return SQLITE_OK;
}
int disconnect(sqlite3_vtab* table) {
    auto* notice = static_cast<Notice*>(table);
    notice->listener->on_close();
    delete notice;
    return SQLITE_OK;
}
int best_index(sqlite3_vtab* /*table*/, sqlite3_index_info* /*info*/) { return SQLITE_OK; }
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

struct Participant : sqlite3_vtab {
    TransactionListener* listener = nullptr;
};
TransactionListener& listener_of(sqlite3_vtab* table) { return *static_cast<Participant*>(table)->listener; }

int connect_participant(sqlite3* db, void* listener, int /*argc*/, const char* const* /*argv*/, sqlite3_vtab** table, char** /*error*/) {
    const int rc = sqlite3_declare_vtab(db, "CREATE TABLE participant(empty)");
    if (rc != SQLITE_OK) return rc;
    auto* participant = new Participant{};
    participant->listener = static_cast<TransactionListener*>(listener);
    *table = participant;
    return SQLITE_OK;
}
int disconnect_participant(sqlite3_vtab* table) {
    delete static_cast<Participant*>(table);
    return SQLITE_OK;
}
int update(sqlite3_vtab* /*table*/, int /*argc*/, sqlite3_value** /*argv*/, sqlite3_int64* /*id*/) { return SQLITE_READONLY; }
int begin(sqlite3_vtab* /*table*/) { return SQLITE_OK; }
int sync(sqlite3_vtab* table) {
    const char* reason = listener_of(table).refuse_commit();
    if (reason == nullptr) return SQLITE_OK;
    table->zErrMsg = sqlite3_mprintf("%s", reason);
    return SQLITE_ERROR;
}
int end(sqlite3_vtab* table) {
    listener_of(table).on_end();
    return SQLITE_OK;
}
int savepoint(sqlite3_vtab* table, int depth) {
    listener_of(table).on_savepoint(depth);
    return SQLITE_OK;
}
int release(sqlite3_vtab* table, int depth) {
    listener_of(table).on_release(depth);
    return SQLITE_OK;
}
int rollback_to(sqlite3_vtab* table, int depth) {
    listener_of(table).on_rollback_to(depth);
    return SQLITE_OK;
}

// Without xCreate the table is eponymous only: it exists in every connection and in no file.
sqlite3_module make_module() {
    sqlite3_module module{};
    module.xConnect = connect;
    module.xBestIndex = best_index;
    module.xDisconnect = disconnect;
    module.xOpen = open_cursor;
    module.xClose = close_cursor;
    module.xFilter = filter;
    module.xNext = next;
    module.xEof = eof;
    module.xColumn = column;
    module.xRowid = rowid;
    return module;
}
const sqlite3_module notice_module = make_module();

sqlite3_module make_participant_module() {
    sqlite3_module module = make_module();
    module.iVersion = 2;  // has savepoints
    module.xConnect = connect_participant;
    module.xDisconnect = disconnect_participant;
    module.xUpdate = update;
    module.xBegin = begin;
    module.xSync = sync;
    module.xCommit = end;
    module.xRollback = end;
    module.xSavepoint = savepoint;
    module.xRelease = release;
    module.xRollbackTo = rollback_to;
    return module;
}
const sqlite3_module participant_module = make_participant_module();

}  // namespace

void register_close_notice(sqlite3* db, CloseListener* listener) {
    const int rc = sqlite3_create_module_v2(db, "tombolo_close_notice", &notice_module, listener, nullptr);
    if (rc != SQLITE_OK) sqlite::throw_error(db, rc, "register with the connection");
}

void register_participant(sqlite3* db, TransactionListener* listener) {
    const int rc = sqlite3_create_module_v2(db, "tombolo_participant", &participant_module, listener, nullptr);
    if (rc != SQLITE_OK) sqlite::throw_error(db, rc, "register with the transactions of the connection");
}

void arm_close_notice(sqlite3* db) { sqlite::Statement(db, "SELECT empty FROM tombolo_close_notice", false).run(); }

}  // namespace tombolo::device
