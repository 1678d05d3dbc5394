// Inbox: the conflicts as this device shows them, and how a person settles them.
//
// Takes: the synced table of conflicts (model/conflict_table.h), which is the hub's.   Gives: one Conflict for each cell or row.
// Durable: settling is a write like any other, captured in the caller's transaction.
//
// To settle is to write the cell having seen the conflict, also with the value it has: capture_kept makes a write of that. Until the
// hub's verdict the list still says "open"; tombolo_settling remembers that this device has decided.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "sqlite/connection.h"
#include "tombolo/conflict.h"

namespace tombolo::device {

// How many would be listed as open; 0 in a file that no hub has given the table yet.
int64_t count_conflicts(sqlite::Connection& db);
// Oldest first. Open ones, or (`resolved`) those that ended and are still remembered.
std::vector<Conflict> list_conflicts(sqlite::Connection& db, bool resolved);
// By the id of any of its candidates; one that is being settled, too.
std::optional<Conflict> find_conflict(sqlite::Connection& db, std::string_view id);

// --- settling; `db` captures, inside the caller's write transaction, which does nothing else ---

// Of a conflict that ended: writes that side's value again, as an ordinary write.
// Error(not_found) where the row is gone and `take` needs it; Error(constraint), (sql) from the write.
void resolve_conflict(sqlite::Connection& db, const Conflict& conflict, Take take, WallTime now);
// Columns of the row to values; of a cell's conflict that cell must be among them: Error(usage).
void resolve_conflict(sqlite::Connection& db, const Conflict& conflict, const NamedRow& values);
// Off the list; nothing is decided. For a conflict whose row is gone, there is nothing else to do.
void dismiss_conflict(sqlite::Connection& db, const Conflict& conflict, WallTime now);

}  // namespace tombolo::device
