#include "store/schema_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "model/conflict_table.h"
#include "sqlite/connection.h"
#include "sqlite/inspect.h"
#include "store/table_definition.h"
#include "tombolo/error.h"

namespace tombolo::store {

namespace {

std::string_view kind_name(ObjectKind kind) {
    switch (kind) {
        case ObjectKind::table: return "table";
        case ObjectKind::index: return "index";
        case ObjectKind::trigger: return "trigger";
        case ObjectKind::view: return "view";
        case ObjectKind::virtual_table: return "virtual table";
    }
    return "object";
}

std::optional<ObjectKind> kind_of(std::string_view statement) {
    const std::string words = normalize_sql(statement.substr(0, 4096)) + " ";
    if (words.starts_with("create table ")) return ObjectKind::table;
    if (words.starts_with("create index ") || words.starts_with("create unique index ")) return ObjectKind::index;
    if (words.starts_with("create trigger ")) return ObjectKind::trigger;
    if (words.starts_with("create view ")) return ObjectKind::view;
    if (words.starts_with("create virtual table ")) return ObjectKind::virtual_table;
    return std::nullopt;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n\f;";
    const size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

void refuse_reserved(std::string_view what, std::string_view name) {
    if (name.starts_with(conflict_table_name)) return;  // the hub adds it, and its indexes, itself; SQLite refuses a second one
    if (name.size() >= 8 && equal_names(name.substr(0, 8), "tombolo_")) {
        throw Error(ErrorCode::schema, fmt::format("{} {} has a name that begins with tombolo_, and those are Tombolo's own", what, name),
                    "choose another name");
    }
}

// Runs the statements one by one on a scratch database and notes what each one made.
class SchemaScript {
public:
    DeclaredSchema read(std::string_view sql) {
        while (!trim(sql).empty())
            sql.remove_prefix(run_first(sql));
        read_tables();
        return std::move(result_);
    }

private:
    // Returns how many bytes the first statement takes.
    size_t run_first(std::string_view sql) {
        sqlite3_stmt* raw = nullptr;
        const char* tail = nullptr;
        const int rc = sqlite3_prepare_v2(db_.handle(), sql.data(), static_cast<int>(sql.size()), &raw, &tail);
        const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, &sqlite3_finalize);
        const std::string_view text = trim(sql.substr(0, rc == SQLITE_OK ? static_cast<size_t>(tail - sql.data()) : sql.size()));
        if (rc != SQLITE_OK) fail(text);
        if (raw == nullptr) return static_cast<size_t>(tail - sql.data());  // only a comment
        const std::optional<ObjectKind> kind = kind_of(text);
        if (!kind) {
            throw Error(ErrorCode::schema,
                        fmt::format("the schema may hold CREATE TABLE, INDEX, TRIGGER, VIEW and VIRTUAL TABLE only, not \"{}\"", text.substr(0, 80)),
                        "load data through a device; it syncs");
        }
        const int64_t newest = db_.query_integer("SELECT max(rowid) FROM sqlite_schema");
        const int step = sqlite3_step(raw);
        if (step != SQLITE_DONE && step != SQLITE_ROW) fail(text);
        note(*kind, text, newest);
        return static_cast<size_t>(tail - sql.data());
    }

    [[noreturn]] void fail(std::string_view statement) {
        throw Error(ErrorCode::schema,
                    fmt::format("SQLite does not take \"{}\": {}", trim(statement.substr(0, std::min<size_t>(statement.find(';'), 120))),
                                sqlite3_errmsg(db_.handle())),
                    "correct the schema");
    }

    void note(ObjectKind kind, std::string_view statement, int64_t older_than) {
        const bool is_virtual = kind == ObjectKind::virtual_table;
        sqlite::Statement made = db_.prepare(
            "SELECT name, sql FROM sqlite_schema WHERE rowid > ?1 AND sql IS NOT NULL AND type = ?2 AND (sql LIKE 'create virtual%') = ?3 ORDER BY "
            "rowid LIMIT 1");
        made.with(older_than, is_virtual ? std::string_view("table") : kind_name(kind), is_virtual ? 1 : 0);
        if (!made.step()) return;  // IF NOT EXISTS, and it does
        SchemaObject object{kind, std::string(made.text(0)), std::string(made.text(1))};
        refuse_reserved(kind_name(kind), object.name);
        result_.objects.push_back(std::move(object));
        result_.schema.statements.emplace_back(statement);
    }

    void read_tables() {
        for (const SchemaObject& object : result_.objects) {
            if (object.kind != ObjectKind::table) continue;
            Table table = sqlite::read_table(db_, "main", object.name);
            for (const Column& column : table.columns)
                refuse_reserved("column", column.name);
            require_parents(table.name);
            if (table.key.size() == 1 && equal_names(table.columns[table.key[0]].type, "INTEGER")) {
                result_.warnings.push_back(fmt::format(
                    "table {} has an INTEGER PRIMARY KEY: two devices will choose the same number for different rows, and the second is rejected; "
                    "consider {} TEXT PRIMARY KEY DEFAULT (tombolo_uuid())",
                    table.name, table.columns[table.key[0]].name));
            }
            result_.schema.tables.push_back(std::move(table));
        }
    }

    void require_parents(const std::string& table) {
        sqlite::Statement parents = db_.prepare("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1)");
        parents.with(table);
        while (parents.step()) {
            if (result_.find(ObjectKind::table, parents.text(0)) != nullptr) continue;
            throw Error(ErrorCode::schema, fmt::format("table {} references table {}, which the schema does not make", table, parents.text(0)),
                        "add the table, or drop the foreign key");
        }
    }

    sqlite::Connection db_ = sqlite::Connection::open(":memory:");
    DeclaredSchema result_;
};

[[noreturn]] void refuse_change(std::string difference) {
    throw Error(
        ErrorCode::schema, std::move(difference),
        "a space takes additions only: tables, indexes, triggers, and columns at the end of a table that are nullable or have a constant default");
}

void compare_tables(const SchemaObject& old_table, const SchemaObject& new_table, SchemaAddition& addition) {
    const TableDefinition before = parse_table_definition(old_table.sql);
    const TableDefinition after = parse_table_definition(new_table.sql);
    for (size_t i = 0; i < before.columns.size(); ++i) {
        if (i >= after.columns.size()) refuse_change(fmt::format("table {} has lost its column \"{}\"", old_table.name, before.columns[i].text));
        if (before.columns[i].normalized != after.columns[i].normalized) {
            refuse_change(
                fmt::format("table {} has \"{}\" where the space has \"{}\"", old_table.name, after.columns[i].text, before.columns[i].text));
        }
    }
    const auto same = [](const Definition& a, const Definition& b) { return a.normalized == b.normalized; };
    if (!std::equal(before.constraints.begin(), before.constraints.end(), after.constraints.begin(), after.constraints.end(), same) ||
        before.options != after.options) {
        refuse_change(fmt::format("table {} has other constraints or options than in the space", old_table.name));
    }
    for (size_t i = before.columns.size(); i < after.columns.size(); ++i) {
        if (!can_be_added(after.columns[i])) {
            refuse_change(fmt::format("the new column \"{}\" of table {} is neither nullable nor has it a constant default", after.columns[i].text,
                                      old_table.name));
        }
        addition.columns.push_back({old_table.name, after.columns[i].text});
    }
}

void compare_objects(const SchemaObject& before, const SchemaObject& after, SchemaAddition& addition) {
    if (before.kind == ObjectKind::table) return compare_tables(before, after, addition);
    if (before.kind == ObjectKind::trigger || before.kind == ObjectKind::view) return;  // devices replace them
    if (normalize_sql(before.sql) != normalize_sql(after.sql))
        refuse_change(fmt::format("{} {} is another one than in the space", kind_name(before.kind), before.name));
}

}  // namespace

const SchemaObject* DeclaredSchema::find(ObjectKind kind, std::string_view name) const {
    for (const SchemaObject& object : objects) {
        if (object.kind == kind && equal_names(object.name, name)) return &object;
    }
    return nullptr;
}

DeclaredSchema read_schema_sql(std::string_view sql) { return SchemaScript().read(sql); }

SchemaAddition find_additions(const DeclaredSchema& old_schema, const DeclaredSchema& new_schema) {
    SchemaAddition addition;
    for (const SchemaObject& before : old_schema.objects) {
        const SchemaObject* after = new_schema.find(before.kind, before.name);
        if (after == nullptr) refuse_change(fmt::format("the space has a {} {} that the schema does not have", kind_name(before.kind), before.name));
        compare_objects(before, *after, addition);
    }
    for (const SchemaObject& after : new_schema.objects) {
        if (old_schema.find(after.kind, after.name) != nullptr) continue;
        if (after.kind == ObjectKind::table) addition.tables.push_back(after);
        if (after.kind == ObjectKind::index) addition.indexes.push_back(after);
    }
    return addition;
}

}  // namespace tombolo::store
