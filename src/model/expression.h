// What the expression of an `sql` column is asked, and who answers. Merge asks; device and hub bring SQLite (sqlite/expression.h).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/schema.h"
#include "tombolo/value.h"

namespace tombolo {

// Two writes to one cell, neither of which had seen the other. A row has one value per column of the table.
struct Clash {
    const Table& table;
    uint32_t column = 0;
    ValueView base;                        // what the author of the arriving write saw
    const std::vector<ValueView>& mine;    // the row that arrives; what the transaction did not write is as stored
    const std::vector<ValueView>& theirs;  // the row that is stored
};

class Expressions {
public:
    virtual ~Expressions() = default;
    // nullopt: the expression failed, or gave what the column cannot hold. Never throws; the same answer for the same clash.
    virtual std::optional<Value> evaluate(const Clash& clash) = 0;
};

}  // namespace tombolo
