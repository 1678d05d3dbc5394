// A synced table as the capture triggers know it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/schema.h"
#include "sqlite/connection.h"

namespace tombolo::device {

// SQLite's SQLITE_MAX_FUNCTION_ARG of Debian's build is 127, and the default; a trigger call has four arguments before the values.
inline constexpr size_t trigger_values_max = 127 - 4;

struct CapturedTable {
    uint64_t id = 0;  // tombolo_table.id
    Table table;
    int64_t shape = 0;  // shape_of(table); stands in the triggers

    // Wide rows do not fit one call: several triggers carry a slice each, led by the key columns.
    bool is_wide() const { return 2 * table.columns.size() > trigger_values_max; }
};

// A fingerprint of columns, key and kind: triggers made for one shape must not write for another.
int64_t shape_of(const Table& table);

// The image of the row that the preupdate hook is told about, before it goes.
class OldImage {
public:
    OldImage(sqlite3* db, const std::string& schema_name, const Table& table);
    // Appends the row's stored values to `record`, its key to `key`. Only inside the hook. False: the row could not be read.
    bool read(sqlite3* db, int64_t rowid, std::string& record, std::string& key);
    bool fits(sqlite3* db) const;  // false: the table has got other columns since

    bool has_rowid(int64_t rowid);  // a row of it is in the table's own tree; tables with rowids only

private:
    bool read_directly(sqlite3* db, int64_t rowid);
    bool select(sqlite3* db, int64_t rowid);

    const Table& table_;
    int columns_in_all_ = 0;    // generated ones included
    int rowid_column_ = -1;     // INTEGER PRIMARY KEY, as an index of table_.columns
    bool direct_ = false;       // sqlite3_preupdate_old is exact for this table
    sqlite::Statement select_;  // by rowid, or by key
    const sqlite3_value* missing_ = nullptr;
    std::vector<ValueView> values_;
};

}  // namespace tombolo::device
