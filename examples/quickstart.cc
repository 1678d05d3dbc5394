// The shortest complete program: a device, its hub, one write, and the hub's verdict. See include/tombolo/tombolo.h.
//
//     tombolo hub --schema schema.sql &
//     ./quickstart ws://127.0.0.1:7171
#include <tombolo/tombolo.h>

#include <cstdio>

int main(int argc, char** argv) {
    auto db = tombolo::Database::open("tasks.db");
    auto session = db.connect({.hub = argc > 1 ? argv[1] : "ws://127.0.0.1:7171", .token = {}, .ca_file = {}});
    session.sync_once();  // makes the hub's tables here
    auto receipt =
        db.write([](tombolo::Transaction& tx) { tx.exec("INSERT INTO tasks(id, title) VALUES (tombolo_uuid(), ?1)", "water the plants"); });
    const auto decision = receipt.wait();  // the hub has it; until then it is safe here
    std::printf("transaction %lu: %s\n", static_cast<unsigned long>(receipt.number()), to_string(decision->verdict).data());
}
