// Which tables a query reads, as SQLite itself says when it compiles it: through views, CTEs, subqueries and indexes too.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "sqlite/connection.h"

namespace tombolo::watch {

struct QueryTables {
    bool everything = false;  // it reads what no name tells, such as dbstat: any commit may change its result
    std::unordered_set<std::string> names;
};

struct PreparedQuery {
    sqlite::Statement statement;
    QueryTables tables;
};

// A virtual table of the file stands for the tables in which it keeps its rows, and for all those that its definition names (an FTS5
// table with external content). tombolo_state() stands for Tombolo's own tables. Error(usage): it writes, or has no rows.
PreparedQuery prepare_query(sqlite::Connection& db, std::string_view sql);

}  // namespace tombolo::watch
