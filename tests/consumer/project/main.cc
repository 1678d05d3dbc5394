#include <tombolo/tombolo.h>

#include <cstdio>

int main(int argc, char** argv) {
    auto db = tombolo::Database::open(argc > 1 ? argv[1] : "consumer.db");
    db.exec("CREATE TABLE IF NOT EXISTS tasks(id TEXT PRIMARY KEY, title TEXT)");
    db.sync_tables({"tasks"});
    const auto receipt = db.write([](tombolo::Transaction& tx) { tx.exec("INSERT INTO tasks VALUES (tombolo_uuid(), ?1)", "from a consumer"); });
    std::printf("%ld pending, newest is %lu\n", static_cast<long>(db.status().pending_transactions), static_cast<unsigned long>(receipt.number()));
    return db.status().pending_transactions == 1 ? 0 : 1;
}
