// The triggers that keep a connection without capture from writing.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "device/capture.h"
#include "device/captured_table.h"

namespace tombolo::device {

namespace {

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

// The function does not return what the trigger asks for: it raises the error itself, with the reason. RAISE is there because it
// makes SQLite prepare to undo the statement, which it does not do for a function.
void create_trigger(sqlite::Connection& db, std::string_view name, std::string_view event, const Table& table, std::string_view call) {
    db.execute(fmt::format("CREATE TRIGGER main.{} AFTER {} ON {} WHEN NOT {} BEGIN SELECT RAISE(ABORT, 'not captured'); END", name, event,
                           sqlite::quote_identifier(table.name), call));
}

std::string of_row(std::string_view row, const Table& table, uint32_t column) {
    return fmt::format("{}.{}", row, sqlite::quote_identifier(table.columns[column].name));
}

// One for each column, with the cell; and one for the key, with the row. A statement that sets no column fires none: only the rowid
// can be set otherwise, under any of its names.
void create_telling_triggers(sqlite::Connection& db, const Table& table, uint64_t id, int64_t stamp) {
    const std::string row = rowid_name(table);
    std::string key;
    for (const uint32_t column : table.key)
        key += ", " + of_row("new", table, column);
    for (auto column = static_cast<uint32_t>(table.columns.size()); column-- > 0;) {  // SQLite fires the newest first
        if (std::find(table.key.begin(), table.key.end(), column) != table.key.end()) continue;
        create_trigger(db, fmt::format("tombolo_update_{}_{}", id, column),
                       fmt::format("UPDATE OF {}", sqlite::quote_identifier(table.columns[column].name)), table,
                       fmt::format("tombolo_captured_cell({}, new.{}, {}, {}, {}{})", stamp, row, column, of_row("old", table, column),
                                   of_row("new", table, column), key));
    }
    std::string set = "rowid, _rowid_, oid";
    std::string before, after;
    for (const uint32_t column : table.key)
        set += ", " + sqlite::quote_identifier(table.columns[column].name);
    for (uint32_t column = 0; column < table.columns.size(); ++column) {
        before += ", " + of_row("old", table, column);
        after += ", " + of_row("new", table, column);
    }
    create_trigger(db, fmt::format("tombolo_update_{}", id), "UPDATE OF " + set, table,
                   fmt::format("tombolo_captured_key({}, new.{}{}{})", stamp, row, before, after));
}

}  // namespace

void forget_tables(sqlite3* db);  // capture.cc

void install_capture(sqlite::Connection& db, const Table& table) {
    require_utf8(db);
    const uint64_t id = id_of(db, table.name);
    const int64_t stamp = stamp_of(db.query_integer("SELECT capture_tag FROM main.tombolo_device"), id, table);
    const std::string guard = fmt::format("tombolo_captured({})", stamp);
    create_trigger(db, fmt::format("tombolo_insert_{}", id), "INSERT", table, guard);
    create_trigger(db, fmt::format("tombolo_delete_{}", id), "DELETE", table, guard);
    if (has_telling_triggers(table))
        create_telling_triggers(db, table, id, stamp);
    else
        create_trigger(db, fmt::format("tombolo_update_{}", id), "UPDATE", table, guard);
    forget_tables(db.handle());
}

void remove_capture(sqlite::Connection& db, std::string_view table_name) {
    const uint64_t id = id_of(db, table_name);
    std::vector<std::string> triggers;
    sqlite::Statement find = db.prepare("SELECT name FROM main.sqlite_schema WHERE " + is_own_trigger(id));
    while (find.step())
        triggers.emplace_back(find.text(0));
    find = {};
    for (const std::string& trigger : triggers)
        db.execute("DROP TRIGGER main." + sqlite::quote_identifier(trigger));
    forget_tables(db.handle());
}

}  // namespace tombolo::device
