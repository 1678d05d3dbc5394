// Walks every history of a scope, depth first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/enumeration/model.h"

namespace tombolo::enumeration {

struct Scope {
    Settings settings;
    int writes = 2;  // per device
    int syncs = 2;   // per device
    // false: a sync is one event: everything is pushed, then one checkpoint pulled.
    // true: push (one transaction) and pull are events of their own, `syncs` of each, and each device's connection may be cut once.
    bool fine = false;
    bool drain_everywhere = false;  // drain after every event, not only at the end of a history
    bool pairs = false;             // transactions that change both rows, too
    bool refusals = false;          // updates that the hub refuses until it is allowed; then one retry per device
};

struct Counts {
    uint64_t histories = 0;  // complete ones
    uint64_t states = 0;
    uint64_t drains = 0;
};

struct Finding {
    std::string history;  // "A.a(p) A.push …", as short as there is one
    std::string what;
};

struct Result {
    Counts counts;
    std::optional<Finding> finding;  // the walk stops at the first, then looks for the shortest
};

Result walk(const Scope& scope);

}  // namespace tombolo::enumeration
