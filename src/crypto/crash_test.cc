// Crashes and power losses at every instant, on the simulated disk: what was committed is there, and what was not is gone as a whole,
// whichever sectors of the encrypted pages reached the disk.
#include <fmt/format.h>

#include "crypto/scene_test.h"
#include "sim/world/disk.h"
#include "sim/world/time.h"

namespace tombolo::crypto {
namespace {

constexpr const char* path = "device.db";

struct Scenario {
    std::string mode;
    bool power_loss;
};

class Machine {
public:
    Machine(uint64_t seed, Scenario scenario)
        : scenario_(std::move(scenario)), random_(seed), disk_(fmt::format("crash-{}-{}", scenario_.mode, seed)) {}

    // One life: transactions until the disk dies in the middle of a call, then the restart and the check.
    void live_and_die() {
        {
            sqlite::Connection db = open();
            disk_.die_after(1 + random_.below(120));
            try {
                while (true)
                    transact(db);
            } catch (const Error& error) {
                ASSERT_TRUE(disk_.dead()) << error.what();
            }
        }
        disk_.restart(random_, scenario_.power_loss);
        sqlite::Connection db = open();
        ASSERT_EQ(db.query_text("PRAGMA integrity_check"), "ok");
        const int64_t found = newest(db);
        ASSERT_TRUE(found == committed_ || found == committed_ + 1) << found << " of " << committed_;
        committed_ = found;
        // Each transaction rewrites every row, so half a transaction would show.
        ASSERT_EQ(db.query_integer("SELECT count(*) FROM t WHERE number <> (SELECT max(number) FROM t)"), 0);
    }

private:
    sqlite::Connection open() {
        sqlite::Connection db = open_encrypted(path, test_key(), disk_.vfs());
        db.execute(fmt::format("PRAGMA journal_mode = {}; PRAGMA synchronous = FULL; PRAGMA cache_size = 4; PRAGMA wal_autocheckpoint = 12",
                               scenario_.mode));
        db.execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, number INTEGER, body BLOB)");
        return db;
    }
    static int64_t newest(sqlite::Connection& db) { return db.query_integer("SELECT coalesce(max(number), 0) FROM t"); }

    void transact(sqlite::Connection& db) {
        db.execute("BEGIN IMMEDIATE");
        db.execute(fmt::format("INSERT OR REPLACE INTO t VALUES ({}, 0, randomblob({}))", random_.below(12), random_.below(9000)));
        db.execute(fmt::format("UPDATE t SET number = {}", committed_ + 1));
        if (random_.below(4) == 0) db.execute(fmt::format("DELETE FROM t WHERE id = {} AND (SELECT count(*) FROM t) > 1", random_.below(12)));
        db.execute("COMMIT");
        ++committed_;
    }

    Scenario scenario_;
    sim::SeededRandom random_;
    sim::Disk disk_;
    int64_t committed_ = 0;
};

class CrashTest : public testing::TestWithParam<std::string> {};

TEST_P(CrashTest, committed_is_there_and_the_rest_is_gone) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
        Machine machine(seed, {GetParam(), seed % 2 == 0});
        for (int life = 0; life < 8; ++life) {
            machine.live_and_die();
            ASSERT_FALSE(HasFatalFailure()) << "seed " << seed << ", life " << life;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(JournalModes, CrashTest, testing::Values("delete", "truncate", "persist", "wal"),
                         [](const auto& mode) { return mode.param; });

// The making of a file is cut off at every instant: the next start finds an empty file or the first transaction, never a file it cannot open.
TEST(CrashWhileMakingTest, the_next_start_opens_the_file) {
    for (const bool power_loss : {false, true}) {
        for (uint64_t instant = 1; instant < 40; ++instant) {
            sim::SeededRandom random(instant);
            sim::Disk disk(fmt::format("crash-making-{}-{}", power_loss, instant));
            disk.die_after(instant);
            EXPECT_NE(
                error_of([&] {
                    sqlite::Connection db = open_encrypted(path, test_key(), disk.vfs());
                    db.execute("CREATE TABLE t(x); INSERT INTO t VALUES (zeroblob(20000)); PRAGMA journal_mode = WAL; INSERT INTO t VALUES (1)");
                    while (true)
                        db.execute("INSERT INTO t VALUES (2)");
                }).code(),
                ErrorCode::ok);
            disk.restart(random, power_loss);
            sqlite::Connection db = open_encrypted(path, test_key(), disk.vfs());
            EXPECT_EQ(db.query_text("PRAGMA integrity_check"), "ok") << instant;
            db.execute("CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES (3)");
        }
    }
}

}  // namespace
}  // namespace tombolo::crypto
