// Expressions of `sql` columns: one SQL expression over base, mine, theirs, and mine_X and theirs_X for every column X of the row.
//
// Each is the value of a generated column in a scratch database that holds nothing else. So SQLite itself refuses what could give two
// answers, or reach beyond: subqueries, aggregates, parameters, random(), the time of now. The names have the affinity of their columns
// and the result becomes what the column would store; NULL for NOT NULL, or a type that STRICT refuses, is no value.
// The database is in memory, attaches nothing and loads no extension; lengths and steps are bounded (base/limits.h).
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "model/expression.h"
#include "sqlite/connection.h"

namespace tombolo::sqlite {

class ScratchExpressions final : public Expressions {
public:
    // What is wrong with the column's expression, as a sentence; empty if nothing is.
    static std::string find_mistake(const Table& table, uint32_t column);

    std::optional<Value> evaluate(const Clash& clash) override;

private:
    struct Prepared {
        std::string expression;
        size_t columns = 0;  // of the table, as many as it had
        Connection db;
        Statement insert, clear;  // no handle: the expression cannot be used
    };

    static Prepared prepare(const Table& table, uint32_t column);
    Prepared& prepared(const Table& table, uint32_t column);

    std::unordered_map<std::string, Prepared> prepared_;  // table and column
};

}  // namespace tombolo::sqlite
