// A synced table as capture knows it, and how to read the row that the preupdate hook is told about.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/schema.h"
#include "sqlite/connection.h"

namespace tombolo::device {

// What stands in a table's triggers: a fingerprint of the file (capture_tag), of the table's id in it, of columns, key and kind. Capture
// that knows the table otherwise must not write for it.
int64_t stamp_of(int64_t capture_tag, uint64_t table_id, const Table& table);

// Do the triggers of such a table tell the cells of an UPDATE? They name the row by its rowid, and a function has but so many arguments.
bool has_telling_triggers(const Table& table);
// By which name SQL reaches the rowid.
std::string rowid_name(const Table& table);
// SQL on a row of sqlite_schema: it is one of capture's triggers of the table with this id (capture_install.cc).
std::string is_own_trigger(uint64_t table_id);

class CapturedTable {
public:
    CapturedTable(sqlite3* db, const std::string& schema_name, uint64_t id, Table table, int64_t stamp);
    CapturedTable(const CapturedTable&) = delete;
    CapturedTable& operator=(const CapturedTable&) = delete;

    uint64_t id() const { return id_; }  // tombolo_table.id
    const Table& table() const { return table_; }
    int64_t stamp() const { return stamp_; }
    // Nothing comes between the hook of an UPDATE that keeps the rowid and the triggers, which tell what it did (told_update.h).
    bool triggers_tell() const { return triggers_tell_; }
    int64_t fitted_at = -1;  // the schema's version at which the stamp was last compared with the table

    // The values of a row that is there, by INTEGER PRIMARY KEY; nullptr: it is not. They live until the next call, or done().
    const std::vector<ValueView>* present_values(int64_t rowid);
    void done();

    // --- inside the hook only, while one of these lives ---

    class InHook {
    public:
        explicit InHook(CapturedTable& table) : table_(table) {}
        ~InHook() { table_.done(); }
        InHook(const InHook&) = delete;
        InHook& operator=(const InHook&) = delete;

    private:
        CapturedTable& table_;
    };
    bool fits() const;  // false: the table has got other columns since
    // The stored values, by column. Error(not_captured) if SQLite does not hand them out.
    const std::vector<ValueView>& old_values(int64_t rowid);
    // False: new_values is wrong for one column. The table has an INTEGER PRIMARY KEY then, which is right.
    bool knows_new_values() const { return knows_new_values_; }
    const std::vector<ValueView>& new_values(int operation, int64_t rowid);

private:
    // Where SQLite has the values of a column.
    struct Place {
        int declared = 0;  // among all columns of the table
        int stored = 0;    // among those that are stored
        bool is_real = false;
    };

    bool read_old(int64_t rowid);
    void select_old(int64_t rowid);
    void take_selected();

    sqlite3* db_;
    uint64_t id_;
    Table table_;
    int64_t stamp_;
    std::vector<Place> places_;  // by column
    int columns_in_all_ = 0;     // generated ones included
    int rowid_column_ = -1;      // INTEGER PRIMARY KEY, by column
    bool triggers_tell_ = false;
    bool knows_new_values_ = true;
    bool keys_may_round_ = false;  // sqlite3_preupdate_old may give a key as a REAL that cannot hold it
    bool old_is_exact_ = false;    // sqlite3_preupdate_old gives what is stored
    sqlite::Statement select_;     // by rowid, or by key
    bool selected_ = false;
    const sqlite3_value* missing_ = nullptr;
    std::vector<ValueView> old_, new_;
};

}  // namespace tombolo::device
