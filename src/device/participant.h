// Tells what becomes of a connection's transactions, and of the connection, through virtual tables without rows. SQLite lets a
// virtual table take part in a transaction; the hooks it has for the purpose belong to the application, and none of them knows
// savepoints.
#pragma once

#include <sqlite3.h>

#include <string>

namespace tombolo::device {

// What a participant is told, once it has joined a transaction. Savepoints are numbered by depth; a statement that can be undone is
// one, too. One that was open before the participant joined is not announced (but the innermost is), and its end is.
class Participant {
public:
    virtual ~Participant() = default;
    virtual void on_savepoint(int depth) = 0;
    virtual void on_release(int depth) = 0;
    virtual void on_rollback_to(int depth) = 0;
    // Before the commit; may write. A code other than SQLITE_OK refuses it, for the reason in `message`. May come again: a commit
    // that finds the file busy leaves the transaction open.
    virtual int on_sync(std::string& message) = 0;
    virtual void on_commit() = 0;
    virtual void on_rollback() = 0;  // also after on_close
    // The connection is about to be closed: statements on it must be finalised, for sqlite3_close refuses while there are any. May
    // come more than once, when a close fails.
    virtual void on_close() = 0;
};

// Once per connection; `participant` outlives it.
void register_participant(sqlite3* db, Participant& participant);

// on_close is told only after this; needed again after each on_close.
void watch_for_close(sqlite3* db);

// Running this joins the write transaction on main, opening one if need be. Works inside a hook: it opens no savepoint.
inline constexpr const char* join_transaction_sql = "DELETE FROM tombolo_participant";

}  // namespace tombolo::device
