// Tells when an application closes its connection, early enough to finalise statements of ours on it: sqlite3_close refuses to
// close while there are any. SQLite disconnects virtual tables before it looks, so an empty one carries the message.
#pragma once

#include <sqlite3.h>

namespace tombolo::device {

class CloseListener {
public:
    virtual ~CloseListener() = default;
    virtual void on_close() = 0;  // may come more than once, when a close fails
};

// What SQLite tells a participant of a transaction. Savepoints are numbered by depth; a statement that can be undone is one, too.
// One that was open before the participant joined is not announced, but its end is.
class TransactionListener {
public:
    virtual ~TransactionListener() = default;
    virtual const char* refuse_commit() = 0;  // nullptr: no objection. Otherwise why the transaction is rolled back
    virtual void on_end() = 0;                // committed or rolled back
    virtual void on_savepoint(int depth) = 0;
    virtual void on_release(int depth) = 0;
    virtual void on_rollback_to(int depth) = 0;
};

// Once per connection; `listener` outlives it.
void register_close_notice(sqlite3* db, CloseListener* listener);
// Arms the notice; needed again after each notice.
void arm_close_notice(sqlite3* db);

// Once per connection; `listener` outlives it. Running this joins the write transaction on main, even from inside a hook.
void register_participant(sqlite3* db, TransactionListener* listener);
inline constexpr const char* join_transaction_sql = "DELETE FROM tombolo_participant";

}  // namespace tombolo::device
