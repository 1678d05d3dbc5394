// Database: an SQLite file of the application, whose chosen tables Tombolo keeps in sync.
//
// All of SQL works on it, online and offline alike; what is written to a synced table is queued in the same transaction and
// travels when there is a session (session.h). Synced are the hub's tables and those named by sync_tables; every other table
// stays local.
//
// Threads: a Database may be used from any thread. Writes take turns; reads run on a connection of their own, beside a write,
// and see what is committed. Other connections and processes may use the file at the same time; those that write synced tables
// need attach(), or their statement fails with "no such function".
//
// Errors: Error (error.h), with SQLite's own message for SQL: Error(constraint) when a constraint refuses, Error(busy) when a
// lock is not to be had within the busy timeout, Error(sql) otherwise. After a throw nothing of the failed transaction is there.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tombolo/conflict.h"
#include "tombolo/error.h"
#include "tombolo/options.h"
#include "tombolo/rejection.h"
#include "tombolo/session.h"
#include "tombolo/status.h"
#include "tombolo/value.h"
#include "tombolo/verdict.h"
#include "tombolo/watch.h"

struct sqlite3;

namespace tombolo {

namespace client {
class Core;
}

// Turns capture on for a connection of the application's own: what it writes to the synced tables of any device file it has open
// or attached, now or later, is queued. Call it once, from the thread that uses the handle, before the first write. The handle
// stays the application's; it must be closed before the process ends its static data. Throws Error(unsupported) where the SQLite
// library was built without the preupdate hook (Debian's has it).
void attach(sqlite3* handle);

// One value of an SQL statement's parameters, from whatever the caller has.
template <typename T>
Value to_value(const T& value) {
    if constexpr (std::integral<T>) {
        return Value(static_cast<int64_t>(value));
    } else {
        return Value(value);
    }
}

// The write transaction that Database::write has opened. Lives during that call, on its thread.
class Transaction {
public:
    // Runs one statement with its parameters bound from ?1 on; returns the number of rows it changed.
    template <typename... Args>
    int64_t exec(std::string_view sql, const Args&... args) {
        return run(sql, std::vector<Value>{to_value(args)...});
    }
    // Runs one statement and returns its rows; sees what this transaction has written.
    template <typename... Args>
    Rows query(std::string_view sql, const Args&... args) {
        return fetch(sql, std::vector<Value>{to_value(args)...});
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

private:
    friend class client::Core;
    explicit Transaction(client::Core& core) : core_(core) {}
    int64_t run(std::string_view sql, const std::vector<Value>& arguments);
    Rows fetch(std::string_view sql, const std::vector<Value>& arguments);

    client::Core& core_;
};

// A claim on the hub's verdict for one transaction. A value: keep it, copy it, or keep only number() or id() and get it again
// with Database::receipt, after a restart too. Any thread. Keeps the database's memory alive, not its file open.
class Receipt {
public:
    // 0 when the transaction wrote nothing that is synced: nothing is to be decided, and wait() returns at once.
    uint64_t number() const { return number_; }
    const std::string& id() const { return id_; }  // 32 hex digits; empty with number 0

    // The verdict if it is known here; nothing while the transaction is pending.
    std::optional<Decision> verdict() const;
    // Waits until the hub's durable verdict is known; nothing: timed out. Needs a session, of this or another process, to come to
    // anything. Error(closed) when the database is closed meanwhile.
    // A rejection counts once it is listed (Database::rejections).
    std::optional<Decision> wait(std::chrono::milliseconds timeout = std::chrono::hours(24 * 365)) const;
    // Calls once with the verdict: if it is known, on this thread before the call returns; else on the Tombolo thread of this Database's
    // session (see session.h for what a callback may do), whichever process the session of the file belongs to. Not remembered beyond
    // Database::close(). Several callbacks may wait for one verdict.
    void on_verdict(std::function<void(const Decision&)> callback) const;

private:
    friend class Database;
    friend class client::Core;
    Receipt(std::shared_ptr<client::Core> core, uint64_t number, std::string id) : core_(std::move(core)), number_(number), id_(std::move(id)) {}

    std::shared_ptr<client::Core> core_;
    uint64_t number_ = 0;
    std::string id_;
};

class Database {
public:
    // Opens the device file at `path`, or makes one; an existing SQLite file becomes a device with all its tables still local.
    // Works without any network. Throws Error(not_found), (not_a_device), (corrupt), (too_new), (read_only), (io) …
    static Database open(const std::string& path, const DatabaseOptions& options = {});
    static Result<Database> try_open(const std::string& path, const DatabaseOptions& options = {});

    Database() = default;  // closed
    Database(Database&&) noexcept = default;
    Database& operator=(Database&& other) noexcept;
    ~Database();  // close()

    // Runs `work` in one transaction (BEGIN IMMEDIATE … COMMIT), on the calling thread. If it throws, everything is rolled back
    // and the exception goes on to the caller. Writes do not nest: Error(usage).
    Receipt write(const std::function<void(Transaction&)>& work);
    Result<Receipt> try_write(const std::function<void(Transaction&)>& work);

    // One statement as a transaction of its own; returns the number of rows it changed. BEGIN and COMMIT belong to write().
    template <typename... Args>
    int64_t exec(std::string_view sql, const Args&... args) {
        return run(sql, std::vector<Value>{to_value(args)...});
    }
    // The rows of one statement, as committed. A statement that writes (INSERT … RETURNING) runs as exec does.
    template <typename... Args>
    Rows query(std::string_view sql, const Args&... args) const {
        return fetch(sql, std::vector<Value>{to_value(args)...});
    }

    // --- live queries (watch.h) ---

    // Calls back with the rows of the query, soon, and again whenever a commit has changed them. Any SQL that reads. Error(sql) where it
    // does not compile, Error(usage) where it writes or the parameters do not fit.
    Watch watch(std::string_view sql, std::vector<Value> parameters, std::function<void(const Rows&)> callback, WatchOptions options = {});
    Watch watch(std::string_view sql, std::function<void(const Rows&)> callback, WatchOptions options = {}) {
        return watch(sql, {}, std::move(callback), std::move(options));
    }
    // The same; told is what changed. `key` are the columns of the result by which a row is known again: Error(usage) if there is one
    // that the result does not have.
    Watch watch_changes(std::string_view sql, std::vector<Value> parameters, std::vector<std::string> key,
                        std::function<void(const RowsChange&)> callback, WatchOptions options = {});

    // These tables of the file are synced from now on; what they hold becomes one pending transaction. Each needs a declared
    // primary key. Before the device first reaches its hub; afterwards the hub's schema decides: Error(schema).
    void sync_tables(const std::vector<std::string>& names);

    // Starts keeping the database in sync, and returns at once; an unreachable hub is not an error but a status. One session per
    // Database: Error(usage) for a second one. Throws Error(wrong_hub), and Error(usage) for an address that is none.
    Session connect(const SessionOptions& options = {});

    // A transaction of this device by number or by id (Receipt::id): Error(not_found) if it never was, or is past remembering.
    Receipt receipt(uint64_t number) const;
    Receipt receipt(std::string_view id) const;

    // --- conflicts (conflict.h); all of it works offline ---

    // Oldest first: the open ones, or those that ended and are still remembered, with the values that a policy put aside.
    std::vector<Conflict> conflicts(bool resolved = false) const;
    Conflict conflict(std::string_view id) const;  // open or not; Error(not_found)

    // Decides: writes the chosen value, as a transaction of its own, also where it is stored already. From then on this device does not
    // list the conflict as open. The hub decides as of any write: whoever did not know of this one opens a conflict anew, and the same
    // value twice is no conflict. Take::theirs of a row that is gone dismisses. Error(not_found): no such conflict, or its row is gone;
    // Error(constraint) where the value is not allowed. Of a conflict that ended: writes that value again.
    Receipt resolve(std::string_view id, Take take);
    // The same with values of one's own; the conflict's column must be among them.
    Receipt resolve(std::string_view id, const NamedRow& values);
    // Takes it off everybody's list without deciding anything. Nothing happens where it ended.
    Receipt dismiss(std::string_view id);

    // --- rejections (rejection.h); all of it works offline ---

    // What the hub refused, and what it is expected to refuse; oldest first. Holds the changes of all of them in memory.
    std::vector<Rejection> rejections() const;
    // Queues a rejected transaction again, under a new number: the same changes, judged against all that was written since, with the time
    // at which it was written, so that it overwrites nothing newer. Error(not_found): no such rejection; Error(usage) while a transaction
    // that it needs is rejected itself. The old receipt tells the new number (Decision::retried_as).
    Receipt retry(uint64_t number);
    // Puts values right and writes the result over the rows as they are now: a new edit. Error(constraint) where it cannot stand;
    // Error(usage) where a correction names no cell, or several. Then nothing has changed.
    Receipt retry(uint64_t number, const std::vector<Correction>& corrections);
    // Gives it up. Error(not_found); Error(usage) while others need it, unless they go with it and all have their verdict.
    void discard(uint64_t number, const DiscardOptions& options = {});

    // How things are, from the file and from whoever holds the session; never connects.
    Status status() const;

    // Stops the session and closes the file. Waits for other threads' calls that are under way; their next ones throw
    // Error(closed). No callback runs after it has returned. Twice is fine.
    void close();

private:
    explicit Database(std::shared_ptr<client::Core> core) : core_(std::move(core)) {}
    int64_t run(std::string_view sql, const std::vector<Value>& arguments);
    Rows fetch(std::string_view sql, const std::vector<Value>& arguments) const;
    client::Core& core() const;

    std::shared_ptr<client::Core> core_;
};

}  // namespace tombolo
