// What SQLite says about tables: columns, keys, unique indexes, foreign keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/schema.h"
#include "sqlite/connection.h"

namespace tombolo::sqlite {

// Throws Error(schema) naming the table when it does not exist, is virtual or a view, or has no declared primary key.
// A default is read by letting SQLite add such a column to a table of its own, which takes longer than all the rest.
enum class Defaults : uint8_t { read, skip };
Table read_table(Connection& db, std::string_view schema_name, std::string_view table_name, Defaults defaults = Defaults::read);

std::vector<std::string> list_tables(Connection& db, std::string_view schema_name);  // without sqlite_* and tombolo_*
bool table_exists(Connection& db, std::string_view schema_name, std::string_view table_name);

struct ForeignKey {
    std::string child_table;
    std::vector<std::string> child_columns;
    std::string parent_table;
    std::vector<std::string> parent_columns;  // resolved: never empty
};
std::vector<ForeignKey> read_foreign_keys(Connection& db, std::string_view table_name);

}  // namespace tombolo::sqlite
