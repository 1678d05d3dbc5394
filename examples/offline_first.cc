// Works without any network: the file is written first, and a hub comes later. A receipt survives the program's end.
//
//     ./offline_first ws://127.0.0.1:7171        (a hub whose schema has the table `notes`, see below)
#include <tombolo/tombolo.h>

#include <cstdio>

int main(int argc, char** argv) {
    const std::string hub = argc > 1 ? argv[1] : "ws://127.0.0.1:7171";
    uint64_t number = 0;
    {
        auto db = tombolo::Database::open("notes.db");
        db.exec("CREATE TABLE IF NOT EXISTS notes(id TEXT PRIMARY KEY, body TEXT)");
        db.sync_tables({"notes"});
        auto receipt = db.write([](tombolo::Transaction& tx) { tx.exec("INSERT INTO notes VALUES (tombolo_uuid(), ?1)", "written on a train"); });
        number = receipt.number();
        std::printf("offline: %ld transaction waits\n", static_cast<long>(db.status().pending_transactions));
    }  // closed: as if the program had ended here

    auto db = tombolo::Database::open("notes.db");
    auto session = db.connect({.hub = hub, .token = {}, .ca_file = {}});
    if (const auto synced = session.try_sync_once(std::chrono::seconds(10)); !synced) {
        std::printf("still offline (%s), nothing is lost\n", synced.error().what());
        return 1;
    }
    std::printf("online: transaction %lu is %s\n", static_cast<unsigned long>(number), to_string(db.receipt(number).verdict()->verdict).data());
}
