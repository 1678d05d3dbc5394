#include "sqlite/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tombolo::sqlite {

namespace {
// Pragmas that answer as tables; `schema_name` is quoted, for an attached file may have any name.
std::string pragma(std::string_view schema_name, std::string_view name, std::string_view argument) {
    return fmt::format("PRAGMA {}.{}({})", quote_identifier(schema_name), name, quote_identifier(argument));
}

// What rows that are already there show in a column that is added with this default: SQLite itself tells, with the column's
// affinity. NULL for a default that is no constant, with which no column can be added.
class DefaultReader {
public:
    Value read(std::string_view type, std::string_view expression) {
        if (!scratch_) scratch_ = Connection::open(":memory:");
        scratch_.execute("DROP TABLE IF EXISTS t; CREATE TABLE t(row); INSERT INTO t VALUES (1)");
        const std::string add = fmt::format("ALTER TABLE t ADD COLUMN added {} DEFAULT ({})", type.empty() ? "" : quote_identifier(type), expression);
        if (sqlite3_exec(scratch_.handle(), add.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return {};
        Statement read = scratch_.prepare("SELECT added FROM t");
        read.step();
        return Value(read.value(0));
    }

private:
    Connection scratch_;
};

}  // namespace

bool table_exists(Connection& db, std::string_view schema_name, std::string_view table_name) {
    Statement find =
        db.prepare(fmt::format("SELECT 1 FROM {}.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE", quote_identifier(schema_name)));
    return find.with(table_name).step();
}

std::vector<std::string> list_tables(Connection& db, std::string_view schema_name) {
    Statement list =
        db.prepare(fmt::format("SELECT name FROM {}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE "
                               "'tombolo\\_%' ESCAPE '\\' ORDER BY rowid",
                               quote_identifier(schema_name)));
    std::vector<std::string> names;
    while (list.step())
        names.emplace_back(list.text(0));
    return names;
}

Table read_table(Connection& db, std::string_view schema_name, std::string_view table_name, Defaults defaults) {
    Statement kind = db.prepare("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = ?1 COLLATE NOCASE AND name = ?2 COLLATE NOCASE");
    if (!kind.with(schema_name, table_name).step()) {
        throw Error(ErrorCode::schema, fmt::format("there is no table {}", table_name), "create it first, or correct the name");
    }
    if (kind.text(1) != "table") {
        throw Error(ErrorCode::schema, fmt::format("{} is a {}, and only ordinary tables can be synced", table_name, kind.text(1)));
    }
    Table table;
    table.name = std::string(kind.text(0));
    table.without_rowid = kind.integer(2) != 0;
    table.strict = kind.integer(3) != 0;
    std::map<int64_t, uint32_t> key_order;
    DefaultReader default_reader;
    Statement info = db.prepare(pragma(schema_name, "table_xinfo", table.name));
    while (info.step()) {
        const int64_t hidden = info.integer(6);
        if (hidden != 0) continue;  // generated, computed everywhere alike
        if (const int64_t position = info.integer(5); position > 0) key_order[position] = static_cast<uint32_t>(table.columns.size());
        Column& column = table.columns.emplace_back();
        column.name = std::string(info.text(1));
        column.type = std::string(info.text(2));
        column.required = info.integer(3) != 0;
        if (!info.is_null(4) && defaults == Defaults::read) column.default_value = default_reader.read(column.type, info.text(4));
    }
    for (const auto& [position, column] : key_order)
        table.key.push_back(column);
    if (table.key.empty()) {
        throw Error(ErrorCode::schema, fmt::format("table {} has no declared primary key, so its rows have no name to sync by", table.name),
                    "declare one, for instance: id TEXT PRIMARY KEY DEFAULT (tombolo_uuid())");
    }
    return table;
}

std::vector<ForeignKey> read_foreign_keys(Connection& db, std::string_view table_name) {
    std::map<int64_t, ForeignKey> keys;
    Statement list = db.prepare(pragma("main", "foreign_key_list", table_name));
    while (list.step()) {
        ForeignKey& key = keys[list.integer(0)];
        key.child_table = std::string(table_name);
        key.parent_table = std::string(list.text(2));
        key.child_columns.emplace_back(list.text(3));
        if (!list.is_null(4)) key.parent_columns.emplace_back(list.text(4));
    }
    std::vector<ForeignKey> result;
    for (auto& [id, key] : keys) {
        if (key.parent_columns.empty() && table_exists(db, "main", key.parent_table)) {
            const Table parent = read_table(db, "main", key.parent_table, Defaults::skip);
            for (const uint32_t column : parent.key)
                key.parent_columns.push_back(parent.columns[column].name);
        }
        if (key.parent_columns.size() == key.child_columns.size()) result.push_back(std::move(key));
    }
    return result;
}

}  // namespace tombolo::sqlite
