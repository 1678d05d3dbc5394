// The application's triggers while a checkpoint is applied: they run, for they keep local tables (an FTS5 index, a cache) right,
// but what they would write to synced tables is left out, since it arrives as rows of its own.
//
// How. Statements inside a trigger are compiled with the trigger's name in the authorizer's hands: it answers IGNORE to INSERT and
// UPDATE of a synced table there, and SQLite leaves them out. For DELETE, IGNORE means something else (it goes on), so temporary
// BEFORE DELETE triggers drop every delete that was not announced. Where the application has no triggers at all, triggers are
// switched off on this connection, capture's too: a bulk apply then costs what a bulk insert costs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/schema.h"
#include "sqlite/connection.h"

namespace tombolo::device {

class QuietTriggers {
public:
    // Looks at the triggers of `db` as they are now and prepares the connection for life. Make it before statements that write.
    // `schema` must outlive it.
    QuietTriggers(sqlite::Connection& db, const Schema& schema);
    ~QuietTriggers();
    QuietTriggers(const QuietTriggers&) = delete;
    QuietTriggers& operator=(const QuietTriggers&) = delete;

    // False once somebody changed the file's schema: make a new one.
    bool up_to_date();
    // Does the application have triggers? Else none fire on this connection.
    bool running() const { return running_; }
    // The session's own delete comes next; every other one inside a trigger is dropped. An empty key: all rows of the table.
    void announce_delete(const Table& table, std::string_view key);
    void forget_announced();

    struct State;  // shared with SQLite's callbacks

private:
    void install();

    sqlite::Connection& db_;
    std::unique_ptr<State> state_;
    int64_t schema_version_ = 0;
    bool running_ = false;
};

}  // namespace tombolo::device
