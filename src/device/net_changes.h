// What a transaction did to one row in the end, from the operations that capture logged on it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "device/log_record.h"
#include "model/schema.h"
#include "tombolo/value.h"

namespace tombolo::device {

// Cells by column; every column, or only those that are known or differ.
using Cells = std::map<uint32_t, Value>;

struct RowNet {
    bool existed = false;   // before the transaction
    bool exists = false;    // after it
    bool inserted = false;  // at least once: what it holds in the end is not in the log
    bool kept = false;      // the row was decided to stay
    bool taken = false;     // for the one who walks the transaction: seen already
    Cells base;             // values before, of the columns touched; of all if it was ever erased
    Cells last;             // newest values written, since it was last inserted
    std::set<uint32_t> kept_cells;

    void add(const Table& table, const LogOp& op);  // in the order in which they happened. Error(corrupt)
};

// tombolo_table.id, for a table of `schema`: their places, counted from 1.
inline uint64_t table_id_of(const Schema& schema, const Table& table) { return static_cast<uint64_t>(&table - schema.tables.data()) + 1; }

// A row's name as one string: table id and key.
inline std::string name_row(uint64_t table_id, std::string_view key) {
    std::string name;
    put_varint(name, table_id);
    name.append(key);
    return name;
}
uint64_t hash_row(uint64_t table_id, std::string_view key);

// The operation's row. An erase holds its key inside its image: `buffer` takes it then.
std::string_view key_of_op(const Table& table, const LogOp& op, std::string& buffer);
const Table& table_of_op(const Schema& schema, const LogOp& op);

using RowNets = std::unordered_map<std::string, RowNet>;

}  // namespace tombolo::device
