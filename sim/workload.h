// What the applications do: random transactions of random statements on the tables below.
#pragma once

#include <functional>
#include <string>

#include "sim/device_node.h"
#include "sim/history.h"

namespace tombolo::sim {

// item is shared and free for all; account.total is a counter; email clashes on a unique value; child hangs on parent; the two
// rows of pair are only ever written together, with one token.
inline constexpr const char* schema_sql = R"sql(
CREATE TABLE item(id TEXT PRIMARY KEY, title TEXT, body, n INTEGER, tags TEXT, details TEXT, notes TEXT);
CREATE TABLE account(id TEXT PRIMARY KEY, total INTEGER NOT NULL DEFAULT 0, label TEXT);
CREATE TABLE email(id TEXT PRIMARY KEY, address TEXT UNIQUE);
CREATE TABLE parent(id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE child(id TEXT PRIMARY KEY, parent TEXT NOT NULL REFERENCES parent(id) ON DELETE CASCADE, name TEXT CHECK (length(name) < 20));
CREATE TABLE pair(id TEXT PRIMARY KEY, token TEXT) WITHOUT ROWID;
CREATE INDEX item_by_n ON item(n);
)sql";

class Workload {
public:
    // `say`, if any, is told every statement and what became of it.
    Workload(SeededRandom& random, History& history, std::function<void(const std::string&)> say)
        : random_(random), history_(history), say_(std::move(say)) {}

    void first_rows(DeviceNode& device);   // the accounts and the pair; by one device, once
    void transaction(DeviceNode& device);  // one random transaction; may throw when the disk dies in it
    // Somebody looks at what was rejected: queues one again, as it was or with another value, or gives it up. False: nothing came of it.
    bool settle_rejection(DeviceNode& device);
    // After a crash: was the transaction that was under way committed?
    void settle_unknown(DeviceNode& device);

private:
    void statement(sqlite::Connection& db, Written& written);
    void shared_item(sqlite::Connection& db);
    void document(sqlite::Connection& db);
    void account(sqlite::Connection& db, Written& written);
    void email(sqlite::Connection& db);
    void family(sqlite::Connection& db);
    void pair(sqlite::Connection& db);
    void private_item(DeviceNode& device);
    std::vector<Correction> any_correction(device::Replica& replica, TransactionNumber number);
    template <typename Body>
    void commit(DeviceNode& device, const Body& body);
    std::string pick(const char* prefix, uint64_t count) { return prefix + std::to_string(random_.below(count)); }
    Value any_value();
    void attempt(sqlite::Connection& db, std::string_view sql, const std::vector<Value>& values);

    SeededRandom& random_;
    History& history_;
    std::function<void(const std::string&)> say_;
    uint64_t counter_ = 0;
    struct Unknown {
        Written written;
        std::map<std::string, std::string> private_rows;
    };
    std::map<size_t, Unknown> unknown_;  // by device: under way when it crashed
};

}  // namespace tombolo::sim
