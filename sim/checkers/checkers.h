// The checkers carry the names of the promises. Each throws Failure. Those that need permissions or copies come with them.
#pragma once

#include "sim/cluster.h"

namespace tombolo::sim {

// After every event, on one device that is up.
void check_atomic(DeviceNode& device);                              // the pair never differs
void check_read_your_writes(DeviceNode& device, History& history);  // a private row never blinks
void check_status(DeviceNode& device);                              // `live` is told only when it is so

// After a rejection was settled: where nothing is pending, the tables hold the hub's rows.
void check_hub_plus_pending(Cluster& cluster, DeviceNode& device);

// When everything is in sync.
void check_durable(Cluster& cluster);       // every committed transaction has a verdict
void check_exactly_once(Cluster& cluster);  // counters add up
void check_convergent(Cluster& cluster);    // every device holds the hub's rows, bit for bit
void check_nothing_lost(Cluster& cluster);  // every rejected transaction is listed, or somebody ended it
void check_bounded(Cluster& cluster);       // bookkeeping is empty

// All rows of all tables of a database file, as text that is equal exactly when they are.
std::string dump_tables(sqlite::Connection& db);

}  // namespace tombolo::sim
