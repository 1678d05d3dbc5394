// What encryption costs, as ratios to plain SQLite in the same run, both with the cache that encrypted device files get.
#include <fmt/format.h>

#include "bench/harness.h"
#include "bench/scratch.h"

namespace {

using namespace tombolo;

constexpr int rows = 100'000;
constexpr int small_transactions = 10'000;
constexpr int point_reads = 50'000;

const Key key = Key::raw(std::string(32, 'k'));

sqlite::Connection open(const std::string& path, const Key& with) {
    sqlite::OpenOptions options;
    options.key = with;
    sqlite::Connection db = sqlite::Connection::open(path, options);
    db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY");
    return db;
}

struct Work {
    const bench::Scratch& scratch;
    Key with;
    std::string path() const { return scratch.file(with.empty() ? "plain-encryption.db" : "encrypted.db"); }

    void forget() const {
        for (const char* suffix : {"", "-wal", "-shm"})
            std::filesystem::remove(path() + suffix);
    }

    double bulk_insert() const {
        forget();
        sqlite::Connection db = open(path(), with);
        db.execute("CREATE TABLE task(id TEXT PRIMARY KEY, title TEXT, done INTEGER, note TEXT)");
        return bench::milliseconds([&] {
            sqlite::WriteTransaction transaction(db);
            sqlite::Statement& insert = db.cached("INSERT INTO task VALUES (printf('%016x', ?1 * 2654435761 % 4294967296), 'title ' || ?1, 0, ?2)");
            for (int i = 0; i < rows; ++i)
                insert.with(i, std::string_view("a note of some eighty characters, so that rows have the size of ordinary ones")).run();
            transaction.commit();
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        });
    }
    double small() const {
        sqlite::Connection db = open(path(), with);
        return bench::milliseconds([&] {
            sqlite::Statement& update = db.cached("UPDATE task SET done = done + 1 WHERE rowid = ?1");
            for (int i = 0; i < small_transactions; ++i)
                update.with(i * 7919 % rows + 1).run();
        });
    }
    static void read_points(sqlite::Connection& db) {
        sqlite::Statement& read = db.cached("SELECT title FROM task WHERE rowid = ?1");
        for (int i = 0; i < point_reads; ++i) {
            read.with(i * 7919 % rows + 1).step();
            read.reset();
        }
    }
    double warm() const {
        sqlite::Connection db = open(path(), with);
        read_points(db);
        return bench::milliseconds([&] { read_points(db); });
    }
    double cold() const {
        sqlite::Connection db = open(path(), with);
        db.execute("PRAGMA cache_size = 10");
        return bench::milliseconds([&] { read_points(db); });
    }
    double scan() const {
        sqlite::Connection db = open(path(), with);
        return bench::milliseconds([&] { db.query_integer("SELECT sum(length(note)) FROM task"); });
    }
    double opening() const {
        return bench::milliseconds([&] { open(path(), with).query_integer("SELECT count(*) FROM sqlite_schema"); });
    }
};

}  // namespace

int main() {
    const bench::Scratch scratch;
    const Work plain{scratch, Key()};
    const Work encrypted{scratch, key};
    using Measure = double (Work::*)() const;
    const auto compare = [&](const std::string& what, double target, Measure work) {
        bench::compare(
            what, target, [&] { return (plain.*work)(); }, [&] { return (encrypted.*work)(); });
    };
    // Without a target of their own.
    const auto show = [&](const char* what, Measure work) {
        std::vector<double> a;
        std::vector<double> b;
        for (int i = 0; i < bench::rounds; ++i) {
            a.push_back((plain.*work)());
            b.push_back((encrypted.*work)());
        }
        std::printf("%-50s plain %9.1f ms    ours %9.1f ms    %6.3fx\n", what, bench::median(a), bench::median(b),
                    bench::median(b) / bench::median(a));
    };
    compare("bulk insert, 100,000 rows and checkpoint", 2.0, &Work::bulk_insert);
    show("10,000 small transactions", &Work::small);
    compare("50,000 point reads, warm", 1.05, &Work::warm);
    show("50,000 point reads, cold", &Work::cold);
    show("full scan, cold", &Work::scan);
    std::vector<double> openings;
    for (int i = 0; i < 21; ++i)
        openings.push_back(encrypted.opening());
    const double opened = bench::median(openings);
    std::printf("%-50s %.2f ms, target 5 ms  %s\n", "opening with a raw key", opened, bench::met(opened, 5));
}
