// Conflict: two writes of one cell, or of a row and its deletion, of which a person decides, or which a policy decided already.
//
// Conflicts come from Database::conflicts, Database::conflict and Session::on_conflict, and are settled with Database::resolve and
// Database::dismiss (database.h). They are rows of a synced table: every device has them, offline too, and after a restart.
//
// All types here are values that own what they hold: copy, move and keep them on any thread. They do not change when the conflict
// does; ask again by id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tombolo/value.h"

namespace tombolo {

struct NamedValue {
    std::string name;  // of a column
    Value value;
    bool operator==(const NamedValue&) const = default;
};
using NamedRow = std::vector<NamedValue>;

// One side. Of a cell: `value`. Of a whole row, where Conflict::column is absent: `row`; absent, too, on the side that deleted it.
struct ConflictSide {
    Value value;
    std::optional<NamedRow> row;
    bool operator==(const ConflictSide&) const = default;
};

// A write that is not stored.
struct ConflictCandidate {
    ConflictSide value;
    std::string site;  // whose: 32 hex digits; empty: not known
    int64_t at = 0;    // when it was written; the hub's time, microseconds since 1970
    bool operator==(const ConflictCandidate&) const = default;
};

// All that waits for one decision: a cell, or (column absent) a row that one side deleted and the other changed.
struct Conflict {
    std::string id;  // opaque, the same on every device
    std::string table;
    NamedRow key;  // of the row
    std::optional<std::string> column;
    ConflictSide base;    // what the author of `mine` saw when he wrote
    ConflictSide mine;    // what is not stored: the newest candidate
    ConflictSide theirs;  // what is stored at the hub
    std::string mine_site;
    std::string theirs_site;
    int64_t opened_at = 0;                      // the hub's time, microseconds since 1970
    std::vector<ConflictCandidate> candidates;  // oldest first; more than one where several wrote without knowing of the conflict
    // A write of this device that decides it is on its way to the hub. Conflicts of this kind are not listed as open.
    bool settling = false;

    // Settled ones only.
    // "mine", "theirs", "base", "other" (another value was written), "dismissed", "row-gone" (a new row took the key), or "overwritten":
    // nobody was asked, the column's policy put the value aside.
    std::optional<std::string> resolution;
    std::string resolved_by;  // a site
    int64_t resolved_at = 0;

    bool open() const { return !resolution && !settling; }
    bool operator==(const Conflict&) const = default;
};

enum class Take {
    mine,    // the value that is not stored (of several candidates the newest); of a deletion: the row is deleted
    theirs,  // what is stored stays, or comes back where this device has written something else meanwhile
    base,    // what the author of `mine` saw
};

}  // namespace tombolo
