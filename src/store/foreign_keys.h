// Foreign keys at the hub. SQLite's own enforcement is off there: it would cascade to rows that the author of a delete never saw.
// Cascades were carried out by the device that wrote, and arrive as changes; the hub only judges the net result.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sqlite/connection.h"
#include "sqlite/inspect.h"
#include "store/sqlite_table.h"

namespace tombolo::store {

class ForeignKeys {
public:
    // Of all `tables`, which outlive this.
    ForeignKeys(sqlite::Connection& db, std::vector<SqliteTable>& tables);

    // A reference to something else than the primary key may lose its parent by an update: such tables ask to be told.
    bool watches_updates(int64_t table_id) const;
    void parent_updated(SqliteTable& table, const RowState& before);
    void forget_updates() { updated_parents_.clear(); }

    // Every row written at `seq` has its parents, and no row deleted or changed at `seq` has left a child behind.
    std::optional<Violation> check(Seq seq);

private:
    struct Key {
        sqlite::ForeignKey names;
        int64_t parent_id = 0;
        std::vector<uint32_t> parent_columns;
        bool to_primary_key = false;
        sqlite::Statement orphan;      // a row written at ?1 whose parent is not there
        sqlite::Statement left_child;  // a child of the values ?1 … that no parent has
    };
    struct UpdatedParent {
        size_t key;
        std::vector<Value> old_values;
    };

    void add(sqlite::Connection& db, sqlite::ForeignKey names, std::vector<SqliteTable>& tables);
    static bool has_left_child(Key& key, const std::vector<ValueView>& parent_values);
    std::optional<Violation> check_children(Seq seq);
    std::optional<Violation> check_deleted_parents(Seq seq);
    std::optional<Violation> check_updated_parents();

    std::vector<Key> keys_;
    std::vector<UpdatedParent> updated_parents_;
    std::vector<SqliteTable>& tables_;
    sqlite::Statement deleted_;  // images of the rows of one table that died at a seq
};

}  // namespace tombolo::store
