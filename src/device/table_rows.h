// The application's synced tables by row key, as the session reads and writes them while it applies a checkpoint.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "device/quiet_triggers.h"
#include "model/schema.h"
#include "sqlite/connection.h"
#include "tombolo/value.h"

namespace tombolo::device {

// The record of `values`' key columns.
template <typename Values>
std::string key_of(const Table& table, const Values& values);

class TableRows {
public:
    // `triggers` may be nullptr for one who only reads.
    TableRows(sqlite::Connection& db, QuietTriggers* triggers) : db_(db), triggers_(triggers) {}

    // False if there is no such row. The key is compared by its bytes, whatever the column's collation.
    bool read(const Table& table, std::string_view key, std::vector<Value>& values);
    // Inserts the row or replaces the one with its key. A row that clashes with another one (a unique index, a check, a key equal
    // by its collation alone) is taken out of the table and deferred: its rival may be about to change. See settle.
    template <typename Values>
    void put(const Table& table, const Values& values) {
        if (!deferred_.empty()) deferred_.erase({&table, key_of(table, views(values))});
        if (!try_put(table, views(values))) defer(table, views(values));
    }
    void erase(const Table& table, std::string_view key);
    void erase_all(const Table& table);
    // From now on rows of `table` that are put are new: the table is empty. Saves the search for an old version. One that comes
    // twice all the same is deferred.
    void assume_new(const Table& table) { statements(table).rows_are_new = true; }

    struct Clash {
        const Table* table = nullptr;
        std::string key;                  // of the row that found no place
        std::vector<std::string> rivals;  // keys of rows of the same table it clashes with; empty where unknown
    };
    // Puts the deferred rows, all of them having left the table before. Returns the clashes that remain; those rows stay out.
    std::vector<Clash> settle();

    using Deferred = std::map<std::pair<const Table*, std::string>, std::vector<Value>>;  // by table and key
    Deferred deferred() const { return deferred_; }
    void set_deferred(Deferred rows) { deferred_ = std::move(rows); }

private:
    struct Statements {
        sqlite::Statement read;
        sqlite::Statement insert;
        sqlite::Statement update;
        sqlite::Statement erase;
        bool rows_are_new = false;
    };
    Statements& statements(const Table& table);
    template <typename Values>
    const std::vector<ValueView>& views(const Values& values) {
        views_.assign(values.begin(), values.end());
        return views_;
    }
    bool try_put(const Table& table, const std::vector<ValueView>& values);
    void defer(const Table& table, const std::vector<ValueView>& values);
    std::vector<std::string> find_rivals(const Table& table, const std::vector<ValueView>& values, std::string_view message);

    sqlite::Connection& db_;
    QuietTriggers* triggers_;
    std::unordered_map<const Table*, std::unique_ptr<Statements>> statements_;
    Deferred deferred_;
    std::vector<ValueView> views_;
    std::vector<ValueView> key_views_;
    std::string last_message_;
};

}  // namespace tombolo::device
