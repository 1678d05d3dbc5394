// Capture: every change of a synced table is queued in the application's own transaction.
//
// Takes: the SQL of any connection of the application.   Gives: rows of tombolo_log (see device_schema.h).
// Durable: with the application's commit, or not at all.
//
// How. SQLite's preupdate hook tells every change of a row, in the order in which they happen: what REPLACE displaces, what a trigger
// or a foreign key does, what sqlite3_blob_write does. Operations are kept in memory until the commit. A virtual table takes part in
// the transaction (participant.h): it tells what a savepoint or a failed statement undoes, and writes the operations to tombolo_log
// before the commit. The log is an undo log: an insert stores its key only, an update key and both values of the changed cells, a
// delete the image. Outbox::freeze completes it.
//
// A connection without the hook would write past all this. So each synced table has AFTER triggers that call functions of ours:
// without Tombolo, no write of the table compiles ("no such function"), sqlite3_blob_write alone excepted. With it, the function
// fails the statement where the hook met something that cannot be captured, or was taken by somebody else. The triggers also tell
// what an UPDATE did, which they know at less cost than the hook (told_update.h). What an application must know:
//   - The connection's preupdate hook is ours; the session extension needs a connection of its own.
//   - A write to a device file attached under another name than main takes main's write lock, too: that is where a virtual table
//     takes part. Where main cannot be written, neither can the synced tables of the other.
//   - A column of a synced table cannot be dropped: triggers name it.
//   - After an explicit COMMIT, sqlite3_changes and sqlite3_total_changes have counted the rows of the log.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/log_record.h"
#include "device/touched_tables.h"
#include "model/schema.h"
#include "sqlite/connection.h"
#include "world/clock.h"
#include "world/random.h"

namespace tombolo::device {

// What capture needs of the world, shared by all connections of a process. Outlives every connection it is registered on.
struct CaptureWorld {
    world::Clock* clock = nullptr;
    world::Random* random = nullptr;  // must be safe to call from any thread that writes
    std::function<void()> on_write;   // called after the commit of a captured transaction, on its thread, inside SQLite. May be empty.
};

// Registers functions (capture, tombolo_uuid(), …) and the preupdate hook on `db`. Needed once per connection that writes synced
// tables, whichever schemas it has attached now or later. Throws Error(unsupported) where SQLite was built without the preupdate hook.
void register_capture(sqlite3* db, const CaptureWorld& world);

// Whose token writes on this connection go out under; nullopt: nobody is logged in. Holds from the next transaction on.
void set_subject(sqlite3* db, std::optional<std::string> subject);

// The newest transaction on main that this connection committed.
CapturedTransaction newest_captured(sqlite3* db);

// The session's own connection captures nothing while it applies what the hub said.
void set_applying(sqlite3* db, bool applying);

// Every table of main that a row is written to is noted there, synced or not, also while applying, also if it is rolled back. nullptr:
// no more.
void note_touched_tables(sqlite3* db, TouchedTables* touched);

// Creates the triggers for `table` of the file `db` has as main. Inside the caller's write transaction.
void install_capture(sqlite::Connection& db, const Table& table);
void remove_capture(sqlite::Connection& db, std::string_view table_name);

// Captures every row the table holds as an insert, as if it had been written now: a table with rows becomes synced. Inside the
// caller's write transaction, after install_capture; works on a connection that is applying.
void capture_existing_rows(sqlite::Connection& db, const Table& table);

// Somebody decided that these cells of a row hold what they hold now (no columns: that the row stays): a write that changes nothing, but
// travels, and wins over what its author knew of. Inside the caller's write transaction on main, after what else it writes to the row.
// False: there is no such row.
bool capture_kept(sqlite::Connection& db, std::string_view table_name, const std::vector<Value>& key, const std::vector<std::string>& columns);

}  // namespace tombolo::device
