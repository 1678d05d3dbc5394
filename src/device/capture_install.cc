// The triggers that keep a connection without capture from writing.
#include <fmt/format.h>

#include "device/capture.h"
#include "device/captured_table.h"

namespace tombolo::device {

namespace {

constexpr const char* operations[] = {"insert", "update", "delete"};

std::string trigger_name(std::string_view operation, uint64_t table_id) { return fmt::format("tombolo_{}_{}", operation, table_id); }

uint64_t id_of(sqlite::Connection& db, std::string_view table_name) {
    sqlite::Statement find = db.prepare("SELECT id FROM tombolo_table WHERE name = ?1");
    if (!find.with(table_name).step()) throw Error(ErrorCode::internal, fmt::format("table {} is not in the list of synced tables", table_name));
    return find.number(0);
}

// Keys and images are compared and sent byte by byte, and the hook would hand out the file's own encoding.
void require_utf8(sqlite::Connection& db) {
    const std::string encoding = db.query_text("PRAGMA main.encoding");
    if (encoding == "UTF-8") return;
    throw Error(ErrorCode::unsupported, fmt::format("the database file stores its text as {}, and only UTF-8 can be synced", encoding),
                "copy the tables into a new file made with PRAGMA encoding = 'UTF-8'");
}

}  // namespace

void forget_tables(sqlite3* db);  // capture.cc

// The function does not return what the trigger asks for: it raises the error itself, with the reason. RAISE is there because it
// makes SQLite prepare to undo the statement, which it does not do for a function.
void install_capture(sqlite::Connection& db, const Table& table) {
    require_utf8(db);
    const uint64_t id = id_of(db, table.name);
    const int64_t stamp = stamp_of(db.query_integer("SELECT capture_tag FROM main.tombolo_device"), id, table);
    for (const char* operation : operations) {
        db.execute(fmt::format("CREATE TRIGGER main.{} AFTER {} ON {} WHEN NOT tombolo_captured({}) BEGIN SELECT RAISE(ABORT, 'not captured'); END",
                               trigger_name(operation, id), operation, sqlite::quote_identifier(table.name), stamp));
    }
    forget_tables(db.handle());
}

void remove_capture(sqlite::Connection& db, std::string_view table_name) {
    const uint64_t id = id_of(db, table_name);
    for (const char* operation : operations)
        db.execute("DROP TRIGGER IF EXISTS main." + trigger_name(operation, id));
    forget_tables(db.handle());
}

}  // namespace tombolo::device
