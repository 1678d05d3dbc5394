// Tombolo: an application's own SQLite tables, in sync with everybody else's, online or not.
//
// The shortest complete program (examples/quickstart.cc is this one, compiled and run by the tests):
//
//     #include <tombolo/tombolo.h>
//
//     int main() {
//         auto db = tombolo::Database::open("tasks.db");
//         auto session = db.connect({.hub = "ws://127.0.0.1:7171"});
//         session.sync_once();                                              // makes the hub's tables here
//         auto receipt = db.write([](tombolo::Transaction& tx) {
//             tx.exec("INSERT INTO tasks(id, title) VALUES (tombolo_uuid(), ?1)", "water the plants");
//         });
//         receipt.wait();                                                   // the hub has it; until then it is safe here
//     }
//
// database.h and session.h say the rest: threads, errors, what happens without a network.
#pragma once

#include "tombolo/conflict.h"
#include "tombolo/database.h"
#include "tombolo/error.h"
#include "tombolo/network.h"
#include "tombolo/open_encrypted.h"
#include "tombolo/options.h"
#include "tombolo/rejection.h"
#include "tombolo/session.h"
#include "tombolo/status.h"
#include "tombolo/value.h"
#include "tombolo/verdict.h"
#include "tombolo/watch.h"
