// schema.sql, read and compared. What a space's tables are is decided by SQLite itself, on a scratch database in memory; only to
// migrate a table do we look inside its CREATE statement.
//
// Allowed are CREATE TABLE, INDEX, TRIGGER, VIEW and VIRTUAL TABLE. Tables are synced and indexes hold everywhere; triggers, views
// and virtual tables are made on devices only and travel as text: a hub must not run an application's triggers a second time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/schema.h"

namespace tombolo::store {

enum class ObjectKind { table, index, trigger, view, virtual_table };

struct SchemaObject {
    ObjectKind kind = ObjectKind::table;
    std::string name;
    std::string sql;  // as SQLite keeps it: without IF NOT EXISTS
};

struct DeclaredSchema {
    Schema schema;  // tables and statements in the order of the file
    std::vector<SchemaObject> objects;
    std::vector<std::string> warnings;  // one sentence each

    const SchemaObject* find(ObjectKind kind, std::string_view name) const;
};

// Throws Error(schema) naming the table or statement that a space cannot have.
DeclaredSchema read_schema_sql(std::string_view sql);

// What turns the old schema into the new one. Throws Error(schema) naming the first difference that is not an addition.
struct SchemaAddition {
    struct NewColumn {
        std::string table;
        std::string definition;  // as written in CREATE TABLE
    };
    std::vector<NewColumn> columns;
    std::vector<SchemaObject> tables;
    std::vector<SchemaObject> indexes;
};
SchemaAddition find_additions(const DeclaredSchema& old_schema, const DeclaredSchema& new_schema);

}  // namespace tombolo::store
