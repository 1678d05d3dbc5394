// Refuses statements that drop a synced table: no hook and no trigger tells of the rows that go with it, so what is pending in them
// could not be sent any more.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sqlite/connection.h"

namespace tombolo::client {

// Watches one connection through its authorizer, which nobody else may set; outlives it.
class DropGuard {
public:
    DropGuard() = default;
    DropGuard(const DropGuard&) = delete;
    DropGuard& operator=(const DropGuard&) = delete;

    void watch(sqlite::Connection& db);
    // Around the preparation of each statement. `check` throws Error(schema).
    void forget() { dropped_.clear(); }
    void check(sqlite::Connection& db);

private:
    std::vector<std::pair<std::string, std::string>> dropped_;  // schema and table, by statements prepared since `forget`
};

}  // namespace tombolo::client
