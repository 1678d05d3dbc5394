// Capture: every change of a synced table is queued in the application's own transaction.
//
// Takes: the SQL of any connection of the application.   Gives: rows of tombolo_log (see device_schema.h).
// Durable: with the application's commit, or not at all.
//
// How. Each synced table has AFTER triggers that call functions of ours. A connection on which they are not registered cannot
// write the table ("no such function"): never a silent loss. The functions append to tombolo_log with cached statements, so
// savepoints and failed statements take their log rows with them. REPLACE displaces rows without firing a DELETE trigger; the
// preupdate hook sees those, and the trigger of the row that displaced them writes them down. The log is an undo log: an insert
// stores its key only, an update key and both values of the changed cells, a delete the image. Outbox::freeze completes it.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/schema.h"
#include "sqlite/connection.h"
#include "world/clock.h"
#include "world/random.h"

namespace tombolo::device {

// What capture needs of the world, shared by all connections of a process. Outlives every connection it is registered on.
struct CaptureWorld {
    world::Clock* clock = nullptr;
    world::Random* random = nullptr;  // must be safe to call from any thread that writes
    std::function<void()> on_write;   // called inside a writing transaction, on its thread: a commit may follow. May be empty.
};

// Registers functions (capture, tombolo_uuid(), …) and the preupdate hook on `db`. Needed once per connection that writes synced
// tables, whichever schemas it has attached now or later. Throws Error(unsupported) where SQLite was built without the preupdate hook.
void register_capture(sqlite3* db, const CaptureWorld& world);

// Whose token writes on this connection go out under; nullopt: nobody is logged in. Holds from the next transaction on.
void set_subject(sqlite3* db, std::optional<std::string> subject);

// The session's own connection: triggers of ours do nothing while it applies what the hub said.
void set_applying(sqlite3* db, bool applying);

// Creates the triggers for `table` of the file `db` has as main. Inside the caller's write transaction.
void install_capture(sqlite::Connection& db, const Table& table);
void remove_capture(sqlite::Connection& db, std::string_view table_name);

// Logs every row the table holds as one transaction's inserts, as if it had been written now: a table with rows becomes synced.
// Inside the caller's write transaction, after install_capture; works on a connection that is applying.
void capture_existing_rows(sqlite::Connection& db, const Table& table);

}  // namespace tombolo::device
