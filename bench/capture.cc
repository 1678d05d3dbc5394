// What capture costs a device: local writes with and without it. Run it where the disk is (TMPDIR).
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <random>

#include "bench/harness.h"
#include "device/capture.h"
#include "device/device_schema.h"
#include "device/functions.h"
#include "device/outbox.h"
#include "sqlite/inspect.h"

namespace {

using namespace tombolo;

constexpr int row_count = 100'000;
constexpr int small_transactions = 10'000;

struct BenchClock : world::Clock {
    WallTime wall() override { return static_cast<WallTime>(std::time(nullptr)) * 1'000'000; }
    BootTime boot() override { return 1; }
    BootId boot_id() override { return {}; }
};
struct BenchRandom : world::Random {
    std::mt19937_64 engine{42};
    void fill(void* bytes, size_t size) override {
        for (size_t i = 0; i < size; ++i)
            static_cast<unsigned char*>(bytes)[i] = static_cast<unsigned char>(engine());
    }
};

struct File {
    std::filesystem::path path;
    BenchClock clock;
    BenchRandom random;
    sqlite::Connection db;
    std::vector<std::string> ids;

    explicit File(bool captured) {
        path = std::filesystem::temp_directory_path() / ("tombolo-bench-" + std::to_string(::getpid()) + ".db");
        remove();
        db = sqlite::Connection::open(path.string());
        db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
        db.execute("CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER, priority INTEGER, note TEXT, updated_at INTEGER)");
        for (int i = 0; i < row_count; ++i)
            ids.push_back(device::make_uuid(random));
        if (!captured) return;
        device::register_capture(db.handle(), {&clock, &random, {}});
        db.execute(device::device_schema_sql);
        db.execute("INSERT INTO tombolo_table(name) VALUES ('tasks')");
        device::install_capture(db, sqlite::read_table(db, "main", "tasks"));
    }
    ~File() {
        db.close();
        remove();
    }
    void remove() const {
        for (const char* suffix : {"", "-wal", "-shm"})
            std::filesystem::remove(path.string() + suffix);
    }
    void insert() {
        sqlite::Statement statement = db.prepare("INSERT INTO tasks VALUES (?1, ?2, 0, ?3, ?4, ?5)");
        db.execute("BEGIN");
        for (int i = 0; i < row_count; ++i) {
            statement
                .with(ids[static_cast<size_t>(i)], "task number " + std::to_string(i), i % 5, "a note of some forty characters, or so, here",
                      1'700'000'000 + i)
                .run();
        }
        db.execute("COMMIT");
    }
    void update_all() { db.execute("UPDATE tasks SET done = 1"); }
    void update_one_by_one() {
        sqlite::Statement statement = db.prepare("UPDATE tasks SET priority = priority + 1 WHERE id = ?1");
        for (int i = 0; i < small_transactions; ++i)
            statement.with(ids[static_cast<size_t>(i * 7919 % row_count)]).run();
    }
    void freeze() {
        Schema schema;
        schema.tables.push_back(sqlite::read_table(db, "main", "tasks"));
        device::Outbox outbox(db, schema);
        sqlite::WriteTransaction transaction(db);
        outbox.freeze();
        transaction.commit();
    }
};

double run_insert(bool captured) {
    File file(captured);
    return bench::milliseconds([&] { file.insert(); });
}
double run_update(bool captured) {
    File file(captured);
    file.insert();
    file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    return bench::milliseconds([&] { file.update_all(); });
}
double run_small(bool captured) {
    File file(captured);
    file.insert();
    file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    return bench::milliseconds([&] { file.update_one_by_one(); });
}

}  // namespace

int main() {
    bench::compare(
        "insert 100,000 rows in one transaction", 1.5, [] { return run_insert(false); }, [] { return run_insert(true); });
    bench::compare(
        "update one column of 100,000 rows", 1.4, [] { return run_update(false); }, [] { return run_update(true); });
    bench::compare(
        "10,000 single-row update transactions", 1.35, [] { return run_small(false); }, [] { return run_small(true); });
    File file(true);
    file.insert();
    std::printf("%-48s %.1f ms\n", "freeze 100,000 inserts", bench::milliseconds([&] { file.freeze(); }));
    file.update_all();
    std::printf("%-48s %.1f ms\n", "freeze 100,000 updates", bench::milliseconds([&] { file.freeze(); }));
}
