// Rejections: transactions that the hub refused. Each is kept whole, out of the tables, until the application queues it again or
// corrects it (Database::retry), or gives it up (Database::discard).
//
// All types here are values that own what they hold: copy, move and keep them on any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tombolo/conflict.h"
#include "tombolo/value.h"
#include "tombolo/verdict.h"

namespace tombolo {

enum class RowChange : uint8_t { insert, update, erase };

struct RejectedChange {
    std::string table;
    NamedRow key;
    RowChange kind = RowChange::update;
    NamedRow values;                 // what was to be written: insert all columns, update the changed ones, erase none
    NamedRow base;                   // what its author saw there: insert none, erase the whole row
    std::optional<NamedRow> theirs;  // the hub's row as it is known here; nothing: there is none
};

struct Rejection {
    uint64_t number = 0;  // of the transaction, as Receipt::number
    // The hub has not decided yet: the transaction had to leave the tables, for a row that arrived stands in its way. It is sent all
    // the same, and returns if the hub accepts it. `code` is none, and it can be neither retried nor discarded.
    bool expected = false;
    RejectCode code = RejectCode::none;
    std::string reason;                  // a sentence for a person
    std::optional<uint64_t> depends_on;  // RejectCode::depends: the transaction it needs
    std::vector<RejectedChange> changes;
};

// One value of a rejected transaction, put right. `column` names the cell: C where one change alone has that column, TABLE.C where one
// row of that table is changed, N.C for the N-th of Rejection::changes, counted from 1. The value is stored as an SQL statement
// would store it: text that looks like a number becomes one in a number column.
struct Correction {
    std::string column;
    Value value;
};

struct DiscardOptions {
    bool with_dependants = false;  // those that need it, too
    std::string by;                // who gives it up, for the record; may be empty
};

}  // namespace tombolo
