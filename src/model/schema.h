// Tables, columns and keys, as hub and devices both know them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/policy.h"
#include "tombolo/value.h"

namespace tombolo {

struct Column {
    std::string name;
    std::string type;  // as declared; decides affinity
    ColumnPolicy policy = ColumnPolicy::lww;
    std::string expression{};  // ColumnPolicy::sql only
    // What a row holds here that was made without the column (by a replica of an older schema). NULL where the default is no constant.
    Value default_value{};
    bool required = false;  // NOT NULL. Read where the table is, never sent
    bool operator==(const Column&) const = default;
};

// A synced table. `columns` are the stored ones in declaration order: generated columns are computed on every replica and
// never travel. A cell is named by its index in `columns`; migrations only append, so an index never changes its meaning.
struct Table {
    std::string name;
    std::vector<Column> columns;
    std::vector<uint32_t> key;  // indexes of the primary key's columns, in key order; never empty
    bool without_rowid = false;
    DeleteMode delete_mode = DeleteMode::update_wins;
    InsertMode insert_mode = InsertMode::reject;
    bool whole_rows = false;  // granularity = "row": the non-key columns that are lww are decided as if they were one cell
    bool strict = false;      // STRICT: columns hold values of their type only. Read where the table is, never sent

    bool is_key(uint32_t column) const;
    bool is_of_whole(uint32_t column) const;                                  // one of the columns that whole_rows speaks of
    std::optional<uint32_t> find_column(std::string_view column_name) const;  // SQLite's rule: ASCII case does not matter
    bool operator==(const Table&) const = default;
};

// Gives a row made under an older schema, whose columns are fewer, what it holds in the others.
void add_defaults(const Table& table, std::vector<Value>& values);

// All synced tables of a space, and the SQL that makes them (tables, indexes, triggers, in order; one statement each).
struct Schema {
    std::vector<Table> tables;
    std::vector<std::string> statements;

    const Table* find(std::string_view table_name) const;
    bool operator==(const Schema&) const = default;
};

// The first difference that keeps `device` from syncing with `hub` (names, columns, types, keys), as a sentence; empty if none.
std::string describe_difference(const Table& device, const Table& hub);

bool equal_names(std::string_view a, std::string_view b);  // ASCII case-insensitive

}  // namespace tombolo
