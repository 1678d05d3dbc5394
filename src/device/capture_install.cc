// The triggers that call capture. Their form is known to capture.cc: four arguments (tag, table, shape, slice), then values.
#include <fmt/format.h>

#include <algorithm>

#include "device/capture.h"
#include "device/captured_table.h"

namespace tombolo::device {

namespace {

std::string list_columns(const Table& table, std::string_view image, const std::vector<uint32_t>& columns) {
    std::string list;
    for (const uint32_t column : columns)
        list += fmt::format(", {}.{}", image, sqlite::quote_identifier(table.columns[column].name));
    return list;
}

struct Slice {
    uint32_t from = 0;
    bool last = false;  // fires last
    std::vector<uint32_t> columns;
};

std::vector<Slice> slices_of(const CapturedTable& captured) {
    const Table& table = captured.table;
    size_t width = table.columns.size();
    if (captured.is_wide()) {
        if (2 * table.key.size() + 2 > trigger_values_max)
            throw Error(ErrorCode::schema, fmt::format("the primary key of table {} has too many columns", table.name));
        width = trigger_values_max / 2 - table.key.size();
    }
    std::vector<Slice> slices;
    for (uint32_t from = 0; from < table.columns.size(); from += static_cast<uint32_t>(width)) {
        Slice slice;
        slice.from = from;
        for (uint32_t i = from; i < std::min(from + width, table.columns.size()); ++i)
            slice.columns.push_back(i);
        slice.last = slice.columns.back() + 1 == table.columns.size();
        slices.push_back(std::move(slice));
    }
    return slices;
}

std::string trigger_name(std::string_view operation, uint64_t table_id, const Slice& slice) {
    return slice.from == 0 ? fmt::format("tombolo_{}_{}", operation, table_id) : fmt::format("tombolo_{}_{}_{}", operation, table_id, slice.from);
}

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

void install_capture(sqlite::Connection& db, const Table& table) {
    require_utf8(db);
    CapturedTable captured;
    captured.id = id_of(db, table.name);
    captured.table = table;
    captured.shape = shape_of(table);
    const int64_t tag = db.query_integer("SELECT capture_tag FROM main.tombolo_device");
    std::vector<Slice> slices = slices_of(captured);
    // SQLite fires the newest trigger first, so the slices are made from the last to fire to the first.
    std::reverse(slices.begin(), slices.end());
    for (const Slice& slice : slices) {
        const std::vector<uint32_t> keys = captured.is_wide() ? table.key : std::vector<uint32_t>{};
        const std::string fixed = fmt::format("{}, {}, {}, {}", tag, captured.id, captured.shape, 2 * slice.from + (slice.last ? 1 : 0));
        const std::string old_keys = list_columns(table, "OLD", keys);
        const std::string new_keys = list_columns(table, "NEW", keys);
        const std::string old_values = list_columns(table, "OLD", slice.columns);
        const std::string new_values = list_columns(table, "NEW", slice.columns);
        const auto create = [&](std::string_view operation, std::string_view arguments) {
            db.execute(fmt::format("CREATE TRIGGER main.{} AFTER {} ON {} BEGIN SELECT tombolo_capture_{}({}{}); END",
                                   trigger_name(operation, captured.id, slice), operation, sqlite::quote_identifier(table.name), operation, fixed,
                                   arguments));
        };
        create("insert", new_keys + new_values);
        create("update", old_keys + new_keys + old_values + new_values);
        create("delete", old_keys + old_values);
    }
    forget_tables(db.handle());
}

void remove_capture(sqlite::Connection& db, std::string_view table_name) {
    const uint64_t id = id_of(db, table_name);
    std::vector<std::string> names;
    sqlite::Statement find = db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE");
    find.with(table_name);
    while (find.step()) {
        for (const char* operation : {"insert", "update", "delete"}) {
            const std::string own = fmt::format("tombolo_{}_{}", operation, id);
            const std::string_view name = find.text(0);
            if (name == own || name.substr(0, own.size() + 1) == own + "_") names.emplace_back(name);
        }
    }
    find.reset();
    for (const std::string& name : names)
        db.execute("DROP TRIGGER main." + sqlite::quote_identifier(name));
    forget_tables(db.handle());
}

}  // namespace tombolo::device
