// Completes the log into frozen transactions. Inside the caller's write transaction.
//
//   log ─▶ complete_inserts, newest to oldest: what inserted rows held before later transactions changed them
//       ─▶ freeze_one, oldest to newest: net changes, dependence, parts
//
// An insert's values are not in the log: they are the present row with the later transactions' changes undone. Rows that only one
// operation of a transaction touches (nearly all) stream through; the others are gathered in memory.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "device/dependence.h"
#include "device/log_reader.h"
#include "device/net_changes.h"
#include "device/outbox.h"
#include "wire/rows.h"

namespace tombolo::device {

class Freeze {
public:
    Freeze(sqlite::Connection& db, const Schema& schema, Outbox& outbox, ExistenceIndex& existence);
    size_t run();

private:
    // A row as it was at some moment: these cells, and for the others (unless `whole`) what the table holds now.
    struct Undone {
        bool whole = false;
        Cells cells;
    };
    // The transaction that is being written.
    struct Writing {
        uint64_t number = 0;
        uint32_t parts = 0;
        int64_t changes = 0;
        int64_t bytes = 0;
        std::vector<uint64_t> made_or_ended;  // rows, by hash
        std::vector<uint64_t> depends;
    };

    void complete_inserts();
    void freeze_one(uint64_t number);
    RowNets gather(LogReader& log, const std::vector<uint64_t>& hashes);
    std::vector<uint64_t> rows_changed_twice(LogReader& log);

    void write_net(const Table& table, uint64_t table_id, std::string_view key, const RowNet& net);
    void write_cells(const Table& table, uint64_t table_id, std::string_view key, const LogOp& op);
    void complete_whole_row(uint64_t table_id, const std::vector<ValueView>* row);  // change_
    void write_erase(const Table& table, uint64_t table_id, std::string_view key, const LogOp& op);
    void write_insert(const Table& table, uint64_t table_id, std::string_view key);
    void write(uint64_t table_id);  // change_
    void take_edits();
    void flush_part();
    void write_entry(const LogContext& context);

    const std::vector<ValueView>& present_row(const Table& table, std::string_view key);
    const std::vector<ValueView>& row_at_end(const Table& table, uint64_t table_id, std::string_view key);

    sqlite::Connection& db_;
    const Schema& schema_;
    Outbox& outbox_;
    Dependence dependence_;
    std::vector<uint64_t> numbers_;                           // in the log, oldest first
    std::unordered_map<std::string, std::string> completed_;  // number and row -> record: inserted rows that were changed later
    std::unordered_map<const Table*, sqlite::Statement> select_row_;
    std::vector<ValueView> row_;
    std::string key_buffer_;

    Writing writing_;
    wire::ChangeWriter writer_;
    ChangeView change_;
    std::deque<std::string> edits_;  // of change_
};

}  // namespace tombolo::device
