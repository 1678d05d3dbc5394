// The application keeps its own sqlite3* and its own SQL wrapper: attach() turns capture on there, a Database beside it syncs.
//
//     ./own_handle ws://127.0.0.1:7171           (a hub whose schema has the table `tasks(id, title)`)
#include <sqlite3.h>
#include <tombolo/tombolo.h>

#include <cstdio>

int main(int argc, char** argv) {
    auto db = tombolo::Database::open("own.db");
    auto session = db.connect({.hub = argc > 1 ? argv[1] : "ws://127.0.0.1:7171", .token = {}, .ca_file = {}});
    session.sync_once();

    sqlite3* handle = nullptr;
    if (sqlite3_open("own.db", &handle) != SQLITE_OK) return 1;
    sqlite3_busy_timeout(handle, 10000);
    tombolo::attach(handle);
    char* message = nullptr;
    const int result = sqlite3_exec(handle, "INSERT INTO tasks(id, title) VALUES (tombolo_uuid(), 'by hand')", nullptr, nullptr, &message);
    if (result != SQLITE_OK) std::printf("%s\n", message);
    sqlite3_close(handle);

    session.sync_once();  // the session saw that commit by itself; this only waits for it
    std::printf("pending: %ld\n", static_cast<long>(session.status().pending_transactions));
    return result;
}
