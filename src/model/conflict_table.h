// The synced table in which the hub lists conflicts, open and settled. Devices get it with the schema; the hub alone writes it, in
// the commit that opens or settles a conflict, except that a device may dismiss one (design: section 4).
//
// One row per value that is not stored and waits for a person (an open candidate), or that a later write replaced unseen. All
// candidates of one cell together are one conflict to a person.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/schema.h"
#include "tombolo/conflict.h"
#include "tombolo/value.h"

namespace tombolo {

inline constexpr std::string_view conflict_table_name = "tombolo_conflict";

// `row_key`: record of the row's key. base, mine, theirs: the cell's values with their storage class; of a conflict about the row
// itself (column_name NULL: somebody deleted it) whole rows in the form of put_named_row, NULL for none. *mine* is the value that
// is not stored, *theirs* the stored one. Times are hub time, microseconds. Sites are 32 hex digits.
inline constexpr std::string_view conflict_table_sql =
    "CREATE TABLE tombolo_conflict(id TEXT PRIMARY KEY, table_name TEXT NOT NULL, row_key BLOB NOT NULL, column_name TEXT, "
    "base, mine, theirs, mine_site TEXT, mine_at INTEGER NOT NULL, theirs_site TEXT, opened_at INTEGER NOT NULL, "
    "resolution TEXT, resolved_by TEXT, resolved_at INTEGER) WITHOUT ROWID;\n"
    "CREATE INDEX tombolo_conflict_by_row ON tombolo_conflict(table_name, row_key);\n"
    "CREATE INDEX tombolo_conflict_by_end ON tombolo_conflict(resolved_at);\n";

namespace conflict_column {
inline constexpr uint32_t id = 0, table_name = 1, row_key = 2, column_name = 3, base = 4, mine = 5, theirs = 6, mine_site = 7, mine_at = 8,
                          theirs_site = 9, opened_at = 10, resolution = 11, resolved_by = 12, resolved_at = 13, count = 14;
}

// How a conflict ended. Stored in `resolution`.
namespace resolution {
inline constexpr std::string_view mine = "mine", theirs = "theirs", base = "base",
                                  other = "other",  // another value was written
    overwritten = "overwritten",                    // nobody was asked: a choosing policy put the value aside
    row_gone = "row-gone",                          // a new row took the key of the deleted one
    dismissed = "dismissed";
}

// A device may change nothing but these: how a conflict ended. Written together, `resolution` being "dismissed".
inline bool may_dismiss(uint32_t column, const ValueView& value) {
    if (column == conflict_column::resolution) return value == ValueView::text(resolution::dismissed);
    return column == conflict_column::resolved_by || column == conflict_column::resolved_at;
}

// A row with its columns' names, whose order differs between replicas: {name value}* as one record.
std::string put_named_row(const Table& table, const std::vector<Value>& values);
std::string put_named_key(const Table& table, std::string_view key);  // the key's columns only; `key`: a record of them
bool read_named_row(std::string_view bytes, NamedRow& row);

}  // namespace tombolo
