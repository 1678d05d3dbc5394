// One synced table in a hub file: its prepared statements. Knows rows and positions; knows nothing of transactions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/row.h"
#include "sqlite/connection.h"
#include "store/store.h"

namespace tombolo::store {

class SqliteTable {
public:
    // `table` outlives this. `id` is the table's number in the hub file.
    SqliteTable(sqlite::Connection& db, const Table& table, int64_t id);

    const Table& table() const { return table_; }
    int64_t id() const { return id_; }

    bool find(std::string_view key, RowState& state);

    // Writes a row as changed at `seq`. A violated constraint is a value, and nothing was written then.
    std::optional<Violation> insert(const RowState& row, Seq seq);
    std::optional<Violation> update(std::string_view key, const RowState& row, Seq seq);
    void erase(std::string_view key);

    // See Store::scan_rows.
    bool scan(Seq after, Seq up_to, std::string& position, RowVisitor& visitor);
    uint64_t count(Seq after, Seq up_to);

    // Completes an image or meta written before columns were added: with their defaults, as SQLite does for rows.
    void widen(std::vector<ValueView>& image) const;
    void widen(RowMeta& meta) const;

private:
    struct Position;

    int key_parameter() const;  // where the key's parameters begin in find, update and erase
    void bind_key(sqlite::Statement& statement, int first, std::string_view key);
    void bind_row(sqlite::Statement& statement, const RowState& row, Seq seq);
    std::optional<Violation> run_write(sqlite::Statement& statement);
    Seq read_row(sqlite::Statement& statement);
    std::string key_of_row() const;
    uint64_t schema_version();
    bool visit(sqlite::Statement& statement, Position& position, RowVisitor& visitor);
    sqlite::Statement& start(sqlite::Statement& statement, Seq after, Seq up_to);
    sqlite::Statement& start_behind(sqlite::Statement& statement, const Position& position, Seq up_to);

    sqlite::Connection& db_;
    const Table& table_;
    int64_t id_;
    bool by_rowid_;  // else WITHOUT ROWID: positions are keys
    sqlite::Statement find_;
    sqlite::Statement insert_;
    sqlite::Statement update_;
    sqlite::Statement erase_;
    sqlite::Statement schema_version_;
    sqlite::Statement all_from_start_;  // live rows in physical order: a first sync
    sqlite::Statement all_behind_;
    sqlite::Statement rest_of_seq_;  // by seq: everything else
    sqlite::Statement later_seqs_;
    sqlite::Statement count_;
    std::vector<ValueView> key_values_;  // scratch
    std::vector<ValueView> values_;      // scratch
    RowMeta meta_;                       // scratch
    std::vector<Candidate> candidates_;  // scratch
    std::string encoded_meta_;           // scratch
};

}  // namespace tombolo::store
