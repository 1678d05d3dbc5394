#define SQLITE_ENABLE_PREUPDATE_HOOK  // for its declaration

#include "device/capture.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>

#include "base/limits.h"
#include "device/capture_harness.h"

namespace tombolo::device {
namespace {

using testing::Device;
using testing::Recorder;
using testing::TempFolder;
using testing::World;

constexpr const char* tasks_sql = "CREATE TABLE tasks(id TEXT PRIMARY KEY, title, done INTEGER, slug TEXT UNIQUE, rank INTEGER UNIQUE);";

struct CaptureTest : testing::CaptureScene {};

TEST_F(CaptureTest, InsertUpdateDelete) {
    make(tasks_sql, {"tasks"});
    ok("INSERT INTO tasks VALUES ('a', 'one', 0, 's', 1)");
    ok("UPDATE tasks SET title = 'two', done = 1");
    ok("DELETE FROM tasks");
    check();
    EXPECT_EQ(device.lines(1), Lines{"insert tasks 'a': id='a' title='one' done=0 slug='s' rank=1"});
    EXPECT_EQ(device.lines(2), Lines{"update tasks 'a': title='one'->'two' done=0->1"});
    EXPECT_EQ(device.lines(3), Lines{"erase tasks 'a': id='a' title='two' done=1 slug='s' rank=1"});
    EXPECT_EQ(world.writes, 3);
}

TEST_F(CaptureTest, UpsertAndKeyChangeAndSwap) {
    make(tasks_sql, {"tasks"});
    ok("INSERT INTO tasks VALUES ('a', 'one', 0, 's', 1), ('b', 'two', 0, 't', 2)");
    ok("INSERT INTO tasks VALUES ('a', 'new', 0, 'x', 3) ON CONFLICT(id) DO UPDATE SET title = excluded.title");
    ok("UPDATE tasks SET id = 'c' WHERE id = 'a'");
    ok("BEGIN; UPDATE tasks SET rank = NULL WHERE id = 'b'; UPDATE tasks SET rank = 2 WHERE id = 'c'; UPDATE tasks SET rank = 1 WHERE id = 'b'; "
       "COMMIT");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update tasks 'a': title='one'->'new'"});
    EXPECT_EQ(device.lines(3),
              (Lines{"erase tasks 'a': id='a' title='new' done=0 slug='s' rank=1", "insert tasks 'c': id='c' title='new' done=0 slug='s' rank=1"}));
    EXPECT_EQ(device.lines(4), (Lines{"update tasks 'b': rank=2->1", "update tasks 'c': rank=1->2"}));
}

TEST_F(CaptureTest, ReplaceDisplacesRows) {
    for (const char* recursive : {"OFF", "ON"}) {
        World own_world;
        Device own(own_world, ":memory:");
        own.make(tasks_sql, {"tasks"});
        own.db.execute(std::string("PRAGMA recursive_triggers = ") + recursive);
        Recorder rec(own);
        rec.ok("INSERT INTO tasks VALUES ('a', 'one', 0, 's', 1), ('b', 'two', 0, 't', 2), ('c', 'three', 0, 'u', 3)");
        rec.ok("INSERT OR REPLACE INTO tasks VALUES ('d', 'all', 0, 't', 1)");
        rec.ok("INSERT OR REPLACE INTO tasks VALUES ('c', 'again', 0, 'u', 9)");
        rec.ok("UPDATE OR REPLACE tasks SET slug = 't' WHERE id = 'c'");
        rec.ok("REPLACE INTO tasks VALUES ('c', 'again', 0, 't', 9)");
        rec.ok("INSERT INTO tasks VALUES ('e', 'x', 0, 'e', 5), ('f', 'x', 0, 'f', 6)");
        rec.ok("UPDATE OR REPLACE tasks SET id = 'f' WHERE id = 'e'");
        rec.check();
        EXPECT_EQ(own.lines(2).size(), 3U) << recursive;
        EXPECT_EQ(own.lines(3), std::vector<std::string>{"update tasks 'c': title='three'->'again' rank=3->9"}) << recursive;
        EXPECT_EQ(own.lines(5).size(), 0U) << "replaced by itself";
    }
}

TEST_F(CaptureTest, ReplaceByTableDefinition) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, u TEXT UNIQUE ON CONFLICT REPLACE, v NOT NULL ON CONFLICT REPLACE DEFAULT 7);",
         {"t"});
    ok("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)");
    ok("INSERT INTO t VALUES (1, 'b', NULL)");
    ok("UPDATE t SET id = 3, u = 'q' WHERE id = 1");
    check();
}

TEST_F(CaptureTest, ReplaceThatFailsLeavesNothingBehind) {
    make(
        "CREATE TABLE parent(id INTEGER PRIMARY KEY, u UNIQUE);"
        "CREATE TABLE child(id INTEGER PRIMARY KEY, parent REFERENCES parent ON DELETE RESTRICT);",
        {"parent", "child"});
    device.db.execute("PRAGMA foreign_keys = ON");
    ok("INSERT INTO parent VALUES (1, 'a'), (2, 'b')");
    ok("INSERT INTO child VALUES (1, 1)");
    EXPECT_NE(run("INSERT OR REPLACE INTO parent VALUES (3, 'a')"), SQLITE_OK);
    ok("INSERT INTO parent VALUES (4, 'd')");
    ok("BEGIN");
    EXPECT_NE(run("INSERT OR REPLACE INTO parent VALUES (3, 'a')"), SQLITE_OK);
    ok("INSERT INTO parent VALUES (5, 'e')");
    ok("DELETE FROM child");
    ok("INSERT OR REPLACE INTO parent VALUES (3, 'a')");
    ok("COMMIT");
    check();
}

TEST_F(CaptureTest, ForeignKeyActions) {
    make(
        "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
        "CREATE TABLE a(id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);"
        "CREATE TABLE b(id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE SET NULL ON UPDATE SET NULL);"
        "CREATE TABLE c(id INTEGER PRIMARY KEY, p DEFAULT 1 REFERENCES parent ON DELETE SET DEFAULT);",
        {"parent", "a", "b", "c"});
    device.db.execute("PRAGMA foreign_keys = ON");
    ok("INSERT INTO parent VALUES (1), (2), (3)");
    ok("INSERT INTO a VALUES (1, 2), (2, 2); INSERT INTO b VALUES (1, 2), (2, 3); INSERT INTO c VALUES (1, 2), (2, 1)");
    ok("DELETE FROM parent WHERE id = 2");
    ok("UPDATE parent SET id = 4 WHERE id = 3");
    ok("INSERT INTO a VALUES (7, 4)");
    ok("REPLACE INTO parent VALUES (4)");
    check();
}

TEST_F(CaptureTest, TriggersOfTheApplication) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v, n DEFAULT 0); CREATE TABLE audit(id INTEGER PRIMARY KEY, what); CREATE TABLE local(x);",
         {"t", "audit"});
    device.db.execute("CREATE TRIGGER one AFTER INSERT ON t BEGIN INSERT INTO audit(what) VALUES ('i' || NEW.id); INSERT INTO local VALUES (1); END");
    device.db.execute("CREATE TRIGGER two AFTER UPDATE OF v ON t BEGIN UPDATE t SET n = n + 1, v = v || '!' WHERE id = NEW.id; END");
    device.db.execute("CREATE TRIGGER three BEFORE DELETE ON t BEGIN UPDATE t SET v = 'dying' WHERE id = OLD.id; END");
    device.db.execute("CREATE TRIGGER four AFTER DELETE ON t BEGIN INSERT INTO t VALUES (OLD.id + 100, OLD.v, 0); END");
    device.db.execute("CREATE TEMP TRIGGER five AFTER UPDATE OF v ON t BEGIN UPDATE t SET v = v || '?' WHERE id = NEW.id; END");
    ok("INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 0)");
    ok("UPDATE t SET v = 'c'");
    ok("INSERT OR REPLACE INTO t VALUES (1, 'again', 5)");
    ok("DELETE FROM t WHERE id = 2");
    ok("BEGIN; UPDATE t SET v = 'x'; UPDATE t SET v = 'y'; DELETE FROM t; COMMIT");
    check();
}

TEST_F(CaptureTest, TriggerThatPutsTheRowBack) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v); CREATE TABLE other(id INTEGER PRIMARY KEY);", {"t", "other"});
    device.db.execute("CREATE TRIGGER back AFTER DELETE ON t BEGIN INSERT INTO t VALUES (OLD.id, OLD.u, 'back'); END");
    device.db.execute(
        "CREATE TRIGGER touch AFTER INSERT ON t WHEN NEW.v = 'touch' BEGIN INSERT INTO other VALUES (NULL); UPDATE t SET v = 'touched' WHERE id = "
        "NEW.id; "
        "INSERT OR IGNORE INTO t VALUES (1, 'lost', 'from trigger'); END");
    ok("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
    ok("DELETE FROM t WHERE id = 1");
    ok("INSERT OR REPLACE INTO t VALUES (2, 'b', 'touch')");
    ok("INSERT OR REPLACE INTO t VALUES (9, 'a', 'touch')");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update t 1: v=1->'back'"});
}

TEST_F(CaptureTest, SavepointsAndFailedStatements) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v CHECK (v <> 'bad'), u UNIQUE);", {"t"});
    ok("BEGIN; INSERT INTO t VALUES (1, 'a', 1); SAVEPOINT s; INSERT INTO t VALUES (2, 'b', 2); ROLLBACK TO s; INSERT INTO t VALUES (3, 'c', 3); "
       "RELEASE s; COMMIT");
    ok("SAVEPOINT s; INSERT INTO t VALUES (4, 'd', 4); ROLLBACK TO s; INSERT INTO t VALUES (5, 'e', 5); RELEASE s");
    ok("SAVEPOINT s; INSERT INTO t VALUES (6, 'd', 6); ROLLBACK TO s; RELEASE s");
    ok("BEGIN; INSERT INTO t VALUES (6, 'd', 6); ROLLBACK");
    EXPECT_NE(run("INSERT INTO t VALUES (10, 'x', 10), (11, 'bad', 11)"), SQLITE_OK);
    ok("BEGIN");
    ok("INSERT INTO t VALUES (12, 'x', 12)");
    EXPECT_NE(run("INSERT INTO t VALUES (13, 'x', 13), (14, 'bad', 14)"), SQLITE_OK);
    EXPECT_NE(run("INSERT OR FAIL INTO t VALUES (15, 'x', 15), (16, 'bad', 16)"), SQLITE_OK);
    ok("INSERT OR IGNORE INTO t VALUES (17, 'x', 17), (18, 'x', 15)");
    ok("COMMIT");
    ok("BEGIN; DELETE FROM t WHERE id < 5; INSERT INTO t VALUES (20, 'x', 20)");
    EXPECT_NE(run("INSERT OR ROLLBACK INTO t VALUES (21, 'bad', 21)"), SQLITE_OK);
    ok("INSERT INTO t VALUES (30, 'x', 30)");
    check();
}

TEST_F(CaptureTest, TransactionsAreNeitherSplitNorJoined) {
    for (const char* mode : {"WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF"}) {
        for (const char* locking : {"NORMAL", "EXCLUSIVE"}) {
            TempFolder folder;
            World own_world;
            Device own(own_world, folder.file("d.db"));
            own.db.execute(std::string("PRAGMA journal_mode = ") + mode);
            own.db.execute(std::string("PRAGMA locking_mode = ") + locking);
            own.db.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = 5");
            own.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
            Recorder rec(own);
            rec.ok("INSERT INTO t VALUES (1, 'a')");
            rec.ok("INSERT INTO t VALUES (2, 'a')");
            rec.ok("BEGIN; INSERT INTO t VALUES (3, 'a'); INSERT INTO t VALUES (4, 'a'); COMMIT");
            // Far more than the cache holds.
            rec.ok(
                "BEGIN; WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, randomblob(50) FROM n;"
                "UPDATE t SET v = randomblob(60) WHERE id % 2 = 0; DELETE FROM t WHERE id % 7 = 0; COMMIT");
            rec.ok("UPDATE t SET v = 'b' WHERE id < 10");
            if (std::string(mode) != "OFF") {
                rec.ok("BEGIN; UPDATE t SET v = 'c' WHERE id < 10; ROLLBACK");
                rec.ok(
                    "BEGIN; UPDATE t SET v = 'd' WHERE id < 10; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; UPDATE t SET v = 'e' WHERE id = 5; "
                    "COMMIT");
            }
            EXPECT_EQ(rec.last(), std::string(mode) != "OFF" ? 6U : 5U) << mode;
            rec.check();
            rec.ok("INSERT INTO t VALUES (10000, 'after freezing')");
            rec.check();
        }
    }
}

TEST_F(CaptureTest, BulkDelete) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE w(a TEXT, b INTEGER, v, PRIMARY KEY (b, a)) WITHOUT ROWID;", {"t", "w"});
    ok("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL); INSERT INTO w VALUES ('x', 1, 2.5), ('y', 1, NULL)");
    ok("DELETE FROM t");
    ok("DELETE FROM w");
    check();
    EXPECT_EQ(device.lines(3).size(), 3U);
    EXPECT_EQ(device.lines(4).size(), 2U);
}

TEST_F(CaptureTest, KeysOfAllKinds) {
    make(
        "CREATE TABLE i(id INTEGER PRIMARY KEY, v UNIQUE); CREATE TABLE d(id INTEGER PRIMARY KEY DESC, v UNIQUE); CREATE TABLE b(id BLOB PRIMARY "
        "KEY, v UNIQUE);"
        "CREATE TABLE c(x INTEGER, y TEXT COLLATE NOCASE, v UNIQUE, PRIMARY KEY (y, x)); CREATE TABLE any(id PRIMARY KEY, v UNIQUE);"
        "CREATE TABLE wr(r REAL, id INTEGER, v UNIQUE, PRIMARY KEY (id)) WITHOUT ROWID; CREATE TABLE wn(v, k TEXT COLLATE NOCASE PRIMARY KEY) "
        "WITHOUT ROWID;"
        "CREATE TABLE shadow(rowid TEXT PRIMARY KEY, oid, v UNIQUE);",
        {"i", "d", "b", "c", "any", "wr", "wn", "shadow"});
    ok("INSERT INTO i VALUES (-5, 'a'), (9223372036854775807, 'b'), (-9223372036854775808, 'c')");
    ok("REPLACE INTO i VALUES (3, 'a')");
    ok("INSERT INTO d VALUES (7, 'a'), (8, 'b'); REPLACE INTO d VALUES (9, 'a')");
    ok("INSERT INTO b VALUES (x'', 'a'), (x'00ff', 'b'), (randomblob(300), 'c'); REPLACE INTO b VALUES (x'01', 'b')");
    ok("INSERT INTO c VALUES (1, 'abc', 1), (2, 'abc', 2); UPDATE c SET y = 'ABC' WHERE x = 1");
    ok("UPDATE c SET y = 'Abc' WHERE x = 1; UPDATE c SET y = 'aBc' WHERE x = 1");
    ok("REPLACE INTO c VALUES (2, 'ABC', 5)");
    ok("INSERT INTO any VALUES (1, 'a'), ('1', 'b'), (x'31', 'c'), (1.5, 'd'); UPDATE any SET id = 1.0 WHERE id = 1");
    ok("REPLACE INTO any VALUES (2, 'c')");
    ok("INSERT INTO wr VALUES (5, 9007199254740993, 'a'), (6.5, 2, 'b'), (NULL, 3, 'c'); REPLACE INTO wr VALUES (1, 4, 'b')");
    ok("INSERT INTO wn VALUES (1, 'k'), (2, 'l'); REPLACE INTO wn VALUES (1, 'K')");
    ok("INSERT INTO shadow VALUES ('r', 1, 'a'); REPLACE INTO shadow VALUES ('s', 2, 'a')");
    check();
}

TEST_F(CaptureTest, DisplacedRowWithAKeyTheHookCannotRead) {
    // SQLite 3.40 hands a hook on a WITHOUT ROWID table the key as a real number here, which cannot hold it.
    make("CREATE TABLE wr(r REAL, id INTEGER, v UNIQUE, PRIMARY KEY (id)) WITHOUT ROWID;", {"wr"});
    ok("INSERT INTO wr VALUES (5, 9007199254740993, 'a')");
    const int rc = run("REPLACE INTO wr VALUES (1, 4, 'a')");
    EXPECT_TRUE(rc == SQLITE_OK || recorder->error.find("could not be read") != std::string::npos) << recorder->error;
    check();
}

TEST_F(CaptureTest, AKeyThatTheHookRoundsIsNotTakenForAnother) {
    make("CREATE TABLE wr(r REAL, id INTEGER, v UNIQUE, PRIMARY KEY (id)) WITHOUT ROWID;", {"wr"});
    ok("INSERT INTO wr VALUES (5, 9007199254740993, 'a'), (6, 9007199254740992, 'b'), (7, 3, 'c')");
    EXPECT_NE(run("DELETE FROM wr WHERE v = 'a'"), SQLITE_OK);
    EXPECT_NE(recorder->error.find("could not be read"), std::string::npos) << recorder->error;
    ok("DELETE FROM wr WHERE v = 'c'");
    check();
}

TEST_F(CaptureTest, RealColumnsInEveryPlaceOfATableWithoutRowids) {
    make(
        "CREATE TABLE a(id INTEGER, x REAL, y, z DOUBLE, PRIMARY KEY (id)) WITHOUT ROWID; CREATE TABLE b(x, r FLOAT, k REAL, i INTEGER, s AS (i) "
        "STORED, PRIMARY KEY (k, i)) WITHOUT ROWID; CREATE TABLE c(r REAL PRIMARY KEY, p POINT, t TEXTREAL, n BLOBREAL);",
        {"a", "b", "c"});
    ok("INSERT INTO a VALUES (9007199254740993, 1, 2, 3), (2, 2, 2, 2); UPDATE a SET y = 9007199254740993, x = x; UPDATE a SET z = 4");
    ok("REPLACE INTO a VALUES (2, 5, 5, 5); DELETE FROM a");
    ok("INSERT INTO b(x, r, k, i) VALUES (1, 1, 1, 1), (2, 2.5, 2, 2); UPDATE b SET x = 7, r = r; UPDATE b SET k = 3 WHERE k = 2");
    ok("REPLACE INTO b(x, r, k, i) VALUES (1, 1, 3, 2); DELETE FROM b");
    ok("INSERT INTO c VALUES (1, 1, 1, 1), (9007199254740993, 2.0, 2.0, 2.0); UPDATE c SET p = 3, r = r; UPDATE c SET r = r + 1; DELETE FROM c");
    check();
}

TEST_F(CaptureTest, AColumnHiddenByTheIntegerPrimaryKey) {
    // SQLite 3.40 shows a hook the key in place of `hidden`, which is stored where `id` is declared.
    make("CREATE TABLE h(twice AS (hidden * 2), a, id INTEGER PRIMARY KEY, hidden, z REAL);", {"h"});
    ok("INSERT INTO h(id, a, hidden, z) VALUES (1, 'a', 10, 1), (2, 'b', 20, 2)");
    ok("UPDATE h SET hidden = 11 WHERE id = 1; UPDATE h SET a = 'x', z = 3; UPDATE h SET id = 7 WHERE id = 2; DELETE FROM h WHERE id = 1");
    check();
    EXPECT_EQ(run("INSERT INTO h(id, hidden) VALUES (9, zeroblob(" + std::to_string(limits::value_bytes_max + 1) + "))"), SQLITE_TOOBIG);
    EXPECT_EQ(device.db.query_integer("SELECT count(*) FROM h"), 1);
    EXPECT_EQ(device.lines(2), Lines{"update h 1: hidden=10->11"});
    EXPECT_EQ(device.lines(3), (Lines{"update h 1: a='a'->'x' z=1.000000r->3.000000r", "update h 2: a='b'->'x' z=2.000000r->3.000000r"}));
}

TEST_F(CaptureTest, GeneratedAndAddedColumns) {
    make("CREATE TABLE g(a INTEGER, twice GENERATED ALWAYS AS (a * 2) VIRTUAL, r REAL, id INTEGER PRIMARY KEY, sum AS (a + r) STORED, u UNIQUE);",
         {"g"});
    ok("INSERT INTO g(a, r, id, u) VALUES (9007199254740993, 5, 1, 'x'), (2, 2.5, 2, 'y')");
    ok("UPDATE g SET a = 7 WHERE id = 2");
    ok("INSERT OR REPLACE INTO g(a, r, id, u) VALUES (1, 1, 3, 'x')");
    ok("DELETE FROM g WHERE id = 2");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update g 2: a=2->7"});

    World other_world;
    Device other(other_world, ":memory:");
    other.make(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'); ALTER TABLE t ADD COLUMN added TEXT "
        "DEFAULT 'late';"
        "UPDATE t SET added = NULL WHERE id = 2",
        {"t"});
    Recorder rec(other);
    rec.ok("REPLACE INTO t VALUES (5, 'a', 'x'); REPLACE INTO t VALUES (6, 'b', 'x'); DELETE FROM t WHERE id = 3");
    rec.check();
}

TEST_F(CaptureTest, AWideTable) {
    std::string columns;
    std::string values;
    for (int i = 0; i < 300; ++i) {
        columns += ", c" + std::to_string(i);
        values += ", " + std::to_string(i);
    }
    make("CREATE TABLE wide(k1 TEXT, k2 INTEGER" + columns + ", PRIMARY KEY (k2, k1))", {"wide"});
    ok("INSERT INTO wide VALUES ('a', 1" + values + "), ('b', 2" + values + ")");
    ok("UPDATE wide SET c0 = 'x', c150 = 'y', c299 = 'z' WHERE k1 = 'a'");
    ok("UPDATE wide SET k1 = 'c', c7 = 8 WHERE k1 = 'a'");
    ok("REPLACE INTO wide VALUES ('c', 1" + values + ")");
    ok("DELETE FROM wide");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update wide 1 'a': c0=0->'x' c150=150->'y' c299=299->'z'"});
}

TEST_F(CaptureTest, NoChangeIsNoWrite) {
    make("CREATE TABLE t(id TEXT COLLATE NOCASE PRIMARY KEY, v, n TEXT COLLATE NOCASE);", {"t"});
    ok("INSERT INTO t VALUES ('a', 1, 'abc')");
    ok("UPDATE t SET v = v, n = n");
    EXPECT_EQ(recorder->last(), 1U);
    ok("UPDATE t SET n = 'ABC'");
    EXPECT_EQ(recorder->last(), 2U);
    ok("UPDATE t SET v = 1.0");
    EXPECT_EQ(recorder->last(), 3U);
    ok("UPDATE t SET v = 0.0");
    ok("UPDATE t SET v = -0.0");
    EXPECT_EQ(recorder->last(), 5U);
    ok("UPDATE t SET v = ''");
    ok("UPDATE t SET v = x''");
    ok("UPDATE t SET v = NULL");
    EXPECT_EQ(recorder->last(), 8U);
    check();
}

TEST_F(CaptureTest, ValuesKeepTheirBits) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v, r REAL, i INTEGER, n NUMERIC, s TEXT);", {"t"});
    using namespace std::string_literals;
    const std::vector<Value> values = {Value(),
                                       Value(std::numeric_limits<int64_t>::max()),
                                       Value(std::numeric_limits<int64_t>::min()),
                                       Value(std::numeric_limits<double>::infinity()),
                                       Value(-std::numeric_limits<double>::infinity()),
                                       Value(-0.0),
                                       Value(std::numeric_limits<double>::denorm_min()),
                                       Value(1e300),
                                       Value(5.0),
                                       Value(""s),
                                       Value("a\0b"s),
                                       Value("\xff\xfe\x80"s),
                                       Value::blob(""),
                                       Value::blob("\0\1"s)};
    const auto with_each = [&](const char* sql) {
        for (size_t i = 0; i < values.size(); ++i) {
            sqlite::Statement statement = device.db.prepare(sql);
            statement.bind(1, static_cast<int64_t>(i)).bind(2, values[i].view());
            statement.run();
            recorder->note_commit(sql);
        }
    };
    with_each("INSERT INTO t VALUES (?1, ?2, ?2, ?2, ?2, ?2)");
    with_each("UPDATE t SET v = 'other', r = 0.5, i = 17, n = 18, s = 'z' WHERE id = ?1 AND ?2 IS ?2");
    with_each("UPDATE t SET v = ?2, r = ?2, i = ?2, n = ?2, s = ?2 WHERE id = ?1");
    ok("DELETE FROM t");
    check();
}

TEST_F(CaptureTest, LargeValues) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v, w);", {"t"});
    ok("INSERT INTO t VALUES (1, randomblob(" + std::to_string(limits::value_bytes_max) + "), 1)");
    ok("UPDATE t SET w = 2");
    check();
    const std::string over = std::to_string(limits::value_bytes_max + 1);
    EXPECT_EQ(run("INSERT INTO t VALUES (2, zeroblob(" + over + "), 1)"), SQLITE_TOOBIG);
    EXPECT_NE(recorder->error.find("over 64 MiB"), std::string::npos) << recorder->error;
    EXPECT_EQ(run("UPDATE t SET v = zeroblob(" + over + ")"), SQLITE_TOOBIG);
    check();
}

TEST_F(CaptureTest, NullInAKeyIsRefused) {
    make(tasks_sql, {"tasks"});
    ok("INSERT INTO tasks VALUES ('a', 1, 1, 1, 1)");
    ok("BEGIN");
    EXPECT_EQ(run("INSERT INTO tasks VALUES (NULL, 1, 1, 2, 2)"), SQLITE_CONSTRAINT);
    EXPECT_NE(recorder->error.find("tasks.id"), std::string::npos);
    EXPECT_EQ(run("UPDATE tasks SET id = NULL"), SQLITE_CONSTRAINT);
    ok("COMMIT");
    EXPECT_EQ(device.db.query_integer("SELECT count(*) FROM tasks WHERE id = 'a'"), 1);
    EXPECT_EQ(device.db.query_integer("SELECT count(*) FROM tasks"), 1);
    check();
}

TEST_F(CaptureTest, AttachedFilesAreCapturedIntoTheirOwnLog) {
    TempFolder folder;
    World w;
    {
        Device two(w, folder.file("two.db"));
        two.make("CREATE TABLE other(id INTEGER PRIMARY KEY, u UNIQUE);", {"other"});
    }
    Device one(w, folder.file("one.db"));
    one.make("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE);", {"t"});
    one.db.execute("ATTACH '" + folder.file("two.db") + "' AS \"the other\"");
    Recorder rec(one);
    rec.ok(
        "BEGIN; INSERT INTO t VALUES (1, 'a'); INSERT INTO other VALUES (1, 'b'), (2, 'c'); REPLACE INTO other VALUES (3, 'c'); REPLACE INTO t "
        "VALUES (2, 'a'); COMMIT");
    rec.check();
    EXPECT_EQ(one.lines(1), std::vector<std::string>{"insert t 2: id=2 u='a'"});
    one.db.execute("DETACH \"the other\"");
    Device two(w, folder.file("two.db"), false);
    two.freeze();
    EXPECT_EQ(two.lines(1), (std::vector<std::string>{"insert other 1: id=1 u='b'", "insert other 3: id=3 u='c'"}));
}

TEST_F(CaptureTest, ACopyAttachedBesideItsOriginalHasItsOwnLog) {
    TempFolder folder;
    World w;
    {
        Device made(w, folder.file("a.db"));
        made.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    }
    std::filesystem::copy_file(folder.file("a.db"), folder.file("copy.db"));
    Device one(w, folder.file("a.db"), false);
    one.db.execute("INSERT INTO t VALUES (1, 1)");
    one.db.execute("ATTACH '" + folder.file("copy.db") + "' AS copy");
    one.db.execute("INSERT INTO copy.t VALUES (7, 'copy'); INSERT INTO main.t VALUES (2, 2); INSERT INTO copy.t VALUES (8, 'copy')");
    one.db.execute("DETACH copy");
    one.freeze();
    EXPECT_EQ(one.lines(2), Lines{"insert t 2: id=2 v=2"});
    Device copy(w, folder.file("copy.db"), false);
    copy.freeze();
    EXPECT_EQ(copy.lines(1), Lines{"insert t 7: id=7 v='copy'"});
    EXPECT_EQ(copy.lines(2), Lines{"insert t 8: id=8 v='copy'"});
}

TEST_F(CaptureTest, AWriteToAnAttachedFileTakesTheLockOfMain) {
    TempFolder folder;
    World w;
    Device made(w, folder.file("a.db"));
    made.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    auto db = sqlite::Connection::open(folder.file("local.db"), {.busy_timeout_ms = 0, .key = {}});
    register_capture(db.handle(), w.capture());
    db.execute("CREATE TABLE local(x); ATTACH '" + folder.file("a.db") + "' AS a");
    auto other = sqlite::Connection::open(folder.file("local.db"));
    other.execute("BEGIN IMMEDIATE");
    for (int i = 0; i < 2; ++i) {
        try {
            db.execute("INSERT INTO a.t VALUES (1, 1)");
            ADD_FAILURE() << "was not refused";
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find("write lock of main"), std::string::npos) << error.what();
        }
    }
    other.execute("ROLLBACK");
    db.execute("INSERT INTO a.t VALUES (2, 2)");
    made.freeze();
    EXPECT_EQ(made.lines(1), Lines{"insert t 2: id=2 v=2"});
}

TEST_F(CaptureTest, SeveralConnectionsAndProcesses) {
    TempFolder folder;
    World w;
    Device one(w, folder.file("d.db"));
    one.db.execute("PRAGMA journal_mode = WAL");
    one.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    Device two(w, folder.file("d.db"), false);
    one.db.execute("INSERT INTO t VALUES (1, 'one')");
    two.db.execute("INSERT INTO t VALUES (2, 'two')");
    one.db.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (3, 'one')");
    one.db.execute("ROLLBACK");
    two.db.execute("BEGIN; INSERT INTO t VALUES (3, 'two'); INSERT INTO t VALUES (4, 'two'); COMMIT");
    one.db.execute("INSERT INTO t VALUES (5, 'one')");
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            World other_world;
            Device other(other_world, folder.file("d.db"), false);
            for (int i = 100; i < 150; ++i)
                other.db.execute("INSERT INTO t VALUES (" + std::to_string(i) + ", 'child')");
        } catch (...) {
            ::_exit(1);
        }
        ::_exit(0);
    }
    for (int i = 200; i < 250; ++i)
        one.db.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (" + std::to_string(i) + ", 'one'); COMMIT");
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(two.freeze(), 104U);
    size_t rows = 0;
    for (uint64_t number = 1; number <= 104; ++number)
        rows += one.lines(number).size();
    EXPECT_EQ(rows, 105U);
    EXPECT_EQ(one.lines(3).size(), 2U);
    EXPECT_EQ(one.outbox->last().first.value, 104U);
}

TEST_F(CaptureTest, AConnectionWithoutCaptureCannotWrite) {
    TempFolder folder;
    World w;
    Device one(w, folder.file("d.db"));
    one.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 1);", {"t"});
    sqlite::Connection plain = sqlite::Connection::open(folder.file("d.db"));
    for (const char* sql : {"INSERT INTO t VALUES (2, 2)", "UPDATE t SET v = 2", "DELETE FROM t", "REPLACE INTO t VALUES (1, 3)",
                            "UPDATE t SET id = 5", "UPDATE t SET rowid = 5", "UPDATE t SET _rowid_ = 5 WHERE v = 1"}) {
        try {
            plain.execute(sql);
            ADD_FAILURE() << "was not refused: " << sql;
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find("no such function: tombolo_captured"), std::string::npos) << error.what();
        }
    }
    EXPECT_EQ(plain.query_integer("SELECT count(*) FROM t"), 1);
}

TEST_F(CaptureTest, ALostHookIsNoticed) {
    make(tasks_sql, {"tasks"});
    ok("INSERT INTO tasks VALUES ('a', 'one', 0, 's', 1)");
    sqlite3_preupdate_hook(
        device.db.handle(), [](void*, sqlite3*, int, const char*, const char*, sqlite3_int64, sqlite3_int64) {}, nullptr);
    EXPECT_NE(run("INSERT OR REPLACE INTO tasks VALUES ('b', 'two', 0, 's', 1)"), SQLITE_OK);
    EXPECT_NE(recorder->error.find("preupdate hook"), std::string::npos) << recorder->error;
    EXPECT_NE(run("UPDATE tasks SET title = 'x'"), SQLITE_OK);
    check();
}

TEST_F(CaptureTest, WorksWithUntrustedSchemaAndLeavesCountersAlone) {
    make(tasks_sql, {"tasks"});
    device.db.execute("PRAGMA trusted_schema = OFF");
    ok("INSERT INTO tasks VALUES ('a', 1, 1, 1, 1), ('b', 1, 1, 2, 2)");
    EXPECT_EQ(sqlite3_changes(device.db.handle()), 2);
    EXPECT_EQ(sqlite3_last_insert_rowid(device.db.handle()), 2);
    ok("BEGIN; UPDATE tasks SET done = 5");
    EXPECT_EQ(sqlite3_changes(device.db.handle()), 2);
    ok("COMMIT");
    EXPECT_EQ(sqlite3_last_insert_rowid(device.db.handle()), 2);
    check();
}

TEST_F(CaptureTest, RegisteringTwiceAndClosing) {
    TempFolder folder;
    World w;
    sqlite3* raw = nullptr;
    {
        Device made(w, folder.file("d.db"));
        made.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v DEFAULT (tombolo_uuid()));", {"t"});
    }
    ASSERT_EQ(sqlite3_open(folder.file("d.db").c_str(), &raw), SQLITE_OK);
    register_capture(raw, w.capture());
    register_capture(raw, w.capture());
    ASSERT_EQ(sqlite3_exec(raw, "INSERT INTO t DEFAULT VALUES", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_stmt* open = nullptr;
    sqlite3_prepare_v2(raw, "SELECT 1", -1, &open, nullptr);
    EXPECT_EQ(sqlite3_close(raw), SQLITE_BUSY) << "the application's own statement";
    ASSERT_EQ(sqlite3_exec(raw, "INSERT INTO t VALUES (2, '')", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_finalize(open);
    EXPECT_EQ(sqlite3_close(raw), SQLITE_OK) << "statements of capture must not keep the connection open";
    Device again(w, folder.file("d.db"), false);
    EXPECT_EQ(again.outbox->last().first.value, 2U);
    const std::string uuid = again.db.query_text("SELECT v FROM t WHERE id = 1");
    EXPECT_EQ(uuid.size(), 36U);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_EQ(uuid.find_first_not_of("0123456789abcdef-"), std::string::npos);
}

TEST_F(CaptureTest, ApplyingCapturesNothing) {
    make(tasks_sql, {"tasks"});
    set_applying(device.db.handle(), true);
    device.db.execute("INSERT INTO tasks VALUES ('a', 1, 1, 1, 1); REPLACE INTO tasks VALUES ('b', 1, 1, 1, 1)");
    set_applying(device.db.handle(), false);
    EXPECT_TRUE(device.outbox->log_is_empty());
    EXPECT_THROW(device.db.execute("SELECT tombolo_captured(1)"), Error);
    device.db.execute("INSERT INTO tasks VALUES ('c', 1, 1, 2, 2)");
    EXPECT_FALSE(device.outbox->log_is_empty()) << "a call by hand does no harm";
}

TEST_F(CaptureTest, AFileInUtf16IsRefused) {
    for (const char* encoding : {"UTF-16le", "UTF-16be"}) {
        auto db = sqlite::Connection::open(":memory:");
        db.execute(std::string("PRAGMA encoding = '") + encoding + "'");
        register_capture(db.handle(), world.capture());
        db.execute(device_schema_sql);
        db.execute("CREATE TABLE t(id TEXT PRIMARY KEY); INSERT INTO tombolo_table(name) VALUES ('t')");
        const Table table = sqlite::read_table(db, "main", "t");
        try {
            install_capture(db, table);
            ADD_FAILURE() << encoding << " was accepted";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::unsupported) << error.what();
        }
        EXPECT_EQ(db.query_integer("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), 0);
    }
}

// Updates are read from triggers where the connection knows of none that could hide them.
TEST_F(CaptureTest, ATriggerMadeInTheTransactionIsKnownToItsNextStatement) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v, w); CREATE TABLE other(id INTEGER PRIMARY KEY);", {"t", "other"});
    ok("INSERT INTO t VALUES (1, 'a', 0); INSERT INTO other VALUES (1); UPDATE t SET v = 'b'");
    ok("BEGIN; UPDATE t SET v = 'c'");
    device.db.execute("CREATE TEMP TRIGGER hide AFTER UPDATE ON t WHEN NEW.v = 'hide' BEGIN SELECT RAISE(IGNORE); END");
    device.db.execute("CREATE TRIGGER clean AFTER UPDATE OF v ON t WHEN NEW.v = 'clean' BEGIN DELETE FROM other; UPDATE t SET w = w + 1; END");
    ok("UPDATE t SET v = 'hide'; UPDATE t SET v = 'clean'; COMMIT");
    check();
    EXPECT_EQ(device.lines(4), (Lines{"update t 1: v='b'->'clean' w=0->1", "erase other 1: id=1"}));
}

TEST_F(CaptureTest, ATableThatChangesBetweenTwoUpdatesOfATransactionIsRefused) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v, w);", {"t"});
    ok("INSERT INTO t VALUES (1, 'a', 0)");
    ok("BEGIN; UPDATE t SET v = 'b'; ALTER TABLE t RENAME COLUMN v TO x; ALTER TABLE t RENAME COLUMN w TO v");
    EXPECT_NE(run("UPDATE t SET v = 'c'; COMMIT"), SQLITE_OK);
    if (device.db.in_transaction()) ok("ROLLBACK");
    EXPECT_EQ(device.db.query_text("SELECT v FROM t"), "a");
    check();
}

TEST_F(CaptureTest, ATemporaryTriggerMadeLaterIsKnownToTheNextTransaction) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v, w);", {"t"});
    ok("INSERT INTO t VALUES (1, 'a', 0); UPDATE t SET v = 'b'");
    device.db.execute("CREATE TEMP TRIGGER hide AFTER UPDATE ON t WHEN NEW.v = 'hide' BEGIN SELECT RAISE(IGNORE); END");
    device.db.execute("CREATE TEMP TRIGGER again AFTER UPDATE OF v ON t WHEN NEW.v = 'again' BEGIN UPDATE t SET v = 'new', w = w + 1; END");
    ok("UPDATE t SET v = 'hide'");
    ok("UPDATE t SET v = 'again'");
    check();
    EXPECT_EQ(device.lines(3), Lines{"update t 1: v='b'->'hide'"});
    EXPECT_EQ(device.lines(4), (Lines{"update t 1: v='hide'->'new' w=0->1"}));
}

// Only a name that is exactly one of ours is ours.
TEST_F(CaptureTest, AnApplicationsTriggerWithANameLikeOursIsKnown) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v, w);", {"t"});
    device.db.execute("CREATE TRIGGER tombolo_mine AFTER UPDATE OF v ON t BEGIN UPDATE t SET w = NEW.v WHERE id = NEW.id; END");
    device.db.execute("CREATE TRIGGER tombolo_update_1_mine AFTER UPDATE OF w ON t WHEN NEW.w = 1 BEGIN UPDATE t SET w = 2; END");
    ok("INSERT INTO t VALUES (1, 0, 0)");
    ok("UPDATE t SET v = 1");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update t 1: v=0->1 w=0->2"});
}

TEST_F(CaptureTest, WhereOneOfOurTriggersIsMissingTheHookReads) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v, w);", {"t"});
    device.db.execute("DROP TRIGGER tombolo_update_1_2");
    ok("INSERT INTO t VALUES (1, 0, 0)");
    ok("UPDATE t SET v = 1, w = 1; UPDATE t SET w = 2");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update t 1: v=0->1 w=0->1"});
    EXPECT_EQ(device.lines(3), Lines{"update t 1: w=1->2"});
}

TEST_F(CaptureTest, WithTriggersSwitchedOffUpdatesAreCaptured) {
    make("CREATE TABLE t(id TEXT PRIMARY KEY, v);", {"t"});
    ok("INSERT INTO t VALUES ('a', 1), ('b', 1)");
    sqlite3_db_config(device.db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    ok("UPDATE t SET v = 2 WHERE id = 'a'");
    sqlite3_db_config(device.db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
    ok("UPDATE t SET v = 3 WHERE id = 'b'");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update t 'a': v=1->2"});
    EXPECT_EQ(device.lines(3), Lines{"update t 'b': v=1->3"});
}

TEST_F(CaptureTest, AKeyThatChangesAmongOtherColumns) {
    make("CREATE TABLE t(a TEXT COLLATE NOCASE, v, b TEXT, w REAL, PRIMARY KEY (b, a));", {"t"});
    ok("INSERT INTO t VALUES ('x', 1, 'y', 2)");
    ok("UPDATE t SET a = a, b = b, v = 2, w = 3");
    ok("UPDATE t SET w = 4, a = 'X', v = 3");
    EXPECT_NE(run("UPDATE t SET a = NULL"), SQLITE_OK);
    check();
    EXPECT_EQ(device.lines(2), Lines{"update t 'y' 'x': v=1->2 w=2.000000r->3.000000r"});
    EXPECT_EQ(device.lines(3).size(), 2U);
}

// OR FAIL and RAISE(FAIL) keep the rows of a statement that fails, RAISE(IGNORE) ends a row's triggers: ours may never fire.
TEST_F(CaptureTest, ATriggerThatEndsBeforeOursCannotHideAChange) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE taken(x UNIQUE); INSERT INTO taken VALUES (1);", {"t"});
    ok("INSERT INTO t VALUES (1, 'keep'), (2, 'keep')");
    device.db.execute("CREATE TRIGGER clash AFTER INSERT ON t WHEN NEW.v = 'clash' BEGIN INSERT INTO taken VALUES (1); END");
    device.db.execute("CREATE TRIGGER fail AFTER UPDATE ON t WHEN NEW.v = 'fail' BEGIN SELECT RAISE(FAIL, 'no'); END");
    device.db.execute("CREATE TEMP TRIGGER ignore AFTER DELETE ON t WHEN OLD.id = 2 BEGIN SELECT RAISE(IGNORE); END");
    EXPECT_NE(run("INSERT OR FAIL INTO t VALUES (3, 'clash')"), SQLITE_OK);
    EXPECT_EQ(device.db.query_integer("SELECT count(*) FROM t WHERE id = 3"), 1);
    EXPECT_EQ(recorder->last(), 2U);
    ok("BEGIN");
    EXPECT_NE(run("UPDATE t SET v = 'fail' WHERE id = 1"), SQLITE_OK);
    ok("DELETE FROM t WHERE id = 2; COMMIT");
    EXPECT_EQ(device.db.query_text("SELECT group_concat(id || v) FROM t"), "1fail,3clash");
    check();
    EXPECT_EQ(device.lines(3), (Lines{"update t 1: v='keep'->'fail'", "erase t 2: id=2 v='keep'"}));
}

TEST_F(CaptureTest, WhatATriggerHidFromOursIsRefusedAtTheCommit) {
    make("CREATE TABLE t(id TEXT PRIMARY KEY, v);", {"t"});
    device.db.execute("CREATE TRIGGER hide AFTER INSERT ON t WHEN NEW.v = 'hide' BEGIN SELECT RAISE(IGNORE); END");
    EXPECT_EQ(run("INSERT INTO t VALUES (NULL, 'hide')"), SQLITE_CONSTRAINT);
    EXPECT_NE(recorder->error.find("t.id"), std::string::npos) << recorder->error;

    ok("BEGIN; INSERT INTO t VALUES (NULL, 'hide')");
    EXPECT_NE(run("COMMIT"), SQLITE_OK);
    EXPECT_NE(recorder->error.find("t.id"), std::string::npos) << recorder->error;
    EXPECT_FALSE(device.db.in_transaction());

    ok("BEGIN; INSERT INTO t VALUES ('a', 1); SAVEPOINT s; INSERT INTO t VALUES (NULL, 'hide'); ROLLBACK TO s; INSERT INTO t VALUES ('b', 1); "
       "COMMIT");
    check();
    EXPECT_EQ(device.db.query_integer("SELECT count(*) FROM t"), 2);
}

TEST_F(CaptureTest, ARefusedDeleteDeletesNothing) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    ok("INSERT INTO t VALUES (1, 'a'), (2, 'b'); BEGIN; INSERT INTO t VALUES (3, 'c')");
    sqlite3_preupdate_hook(device.db.handle(), nullptr, nullptr);
    EXPECT_NE(run("DELETE FROM t"), SQLITE_OK);
    ok("COMMIT");
    EXPECT_EQ(device.db.query_integer("SELECT count(*) FROM t"), 3);
    check();
}

void write_blob(sqlite3* db, const char* column, int64_t rowid, const std::vector<std::pair<int, std::string>>& pieces) {
    sqlite3_blob* blob = nullptr;
    ASSERT_EQ(sqlite3_blob_open(db, "main", "t", column, rowid, 1, &blob), SQLITE_OK) << sqlite3_errmsg(db);
    for (const auto& [offset, bytes] : pieces)
        EXPECT_EQ(sqlite3_blob_write(blob, bytes.data(), static_cast<int>(bytes.size()), offset), SQLITE_OK) << sqlite3_errmsg(db);
    EXPECT_EQ(sqlite3_blob_close(blob), SQLITE_OK) << sqlite3_errmsg(db);
}

TEST_F(CaptureTest, BlobsWrittenPieceByPiece) {
    make("CREATE TABLE t(id TEXT PRIMARY KEY, v, b BLOB);", {"t"});
    ok("INSERT INTO t VALUES ('a', 1, x'000000'), ('b', 'text', zeroblob(100000))");
    write_blob(device.db.handle(), "b", 1, {{0, "x"}, {2, "y"}});
    recorder->note_commit("blob write");
    ok("BEGIN; UPDATE t SET v = 2 WHERE id = 'a'; SAVEPOINT s");
    write_blob(device.db.handle(), "b", 2, {{0, "q"}, {50000, "q"}});
    write_blob(device.db.handle(), "v", 2, {{0, "T"}});
    ok("ROLLBACK TO s");
    write_blob(device.db.handle(), "b", 2, {{99999, "z"}});
    write_blob(device.db.handle(), "v", 2, {{1, "X"}});
    ok("INSERT INTO t VALUES ('c', 1, x'00')");
    write_blob(device.db.handle(), "b", 3, {{0, "c"}});
    ok("COMMIT; DELETE FROM t WHERE id = 'a'");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update t 'a': b=x'000000'->x'780079'"});
    EXPECT_EQ(device.lines(3).size(), 3U);
}

TEST_F(CaptureTest, ABlobWrittenInManyPiecesIsLoggedOnce) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, b);", {"t"});
    ok("INSERT INTO t VALUES (1, zeroblob(1000))");
    std::vector<std::pair<int, std::string>> pieces;
    for (int i = 0; i < 1000; ++i)
        pieces.emplace_back(i, "x");
    write_blob(device.db.handle(), "b", 1, pieces);
    recorder->note_commit("blob write");
    EXPECT_EQ(device.outbox->counts().rows, 3);
    check();
}

// A commit that finds a reader in its way leaves the transaction open, with the log written already.
TEST_F(CaptureTest, ACommitThatIsTriedAgain) {
    TempFolder folder;
    World w;
    Device one(w, folder.file("d.db"));
    one.db.execute("PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 0");
    one.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (0, 0)", {"t"});
    Recorder rec(one);
    auto reader = sqlite::Connection::open(folder.file("d.db"));
    reader.execute("BEGIN");
    EXPECT_EQ(reader.query_integer("SELECT count(*) FROM t"), 1);
    rec.ok("BEGIN; INSERT INTO t VALUES (1, 'a'); SAVEPOINT s; INSERT INTO t VALUES (2, 'b')");
    EXPECT_EQ(rec.run("COMMIT"), SQLITE_BUSY);
    rec.ok("ROLLBACK TO s; INSERT INTO t VALUES (3, 'c')");
    EXPECT_EQ(rec.run("COMMIT"), SQLITE_BUSY);
    rec.ok("INSERT INTO t VALUES (4, 'd')");
    reader.execute("ROLLBACK");
    EXPECT_EQ(w.writes, 0);
    rec.ok("COMMIT; INSERT INTO t VALUES (5, 'e')");
    EXPECT_EQ(w.writes, 2);
    rec.check();
    EXPECT_EQ(one.lines(1), (Lines{"insert t 1: id=1 v='a'", "insert t 3: id=3 v='c'", "insert t 4: id=4 v='d'"}));
}

TEST_F(CaptureTest, ATransactionThatOutlivesAnAttemptToCloseTheConnection) {
    TempFolder folder;
    World w;
    {
        Device made(w, folder.file("d.db"));
        made.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    }
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(folder.file("d.db").c_str(), &raw), SQLITE_OK);
    register_capture(raw, w.capture());
    sqlite3_stmt* open = nullptr;
    sqlite3_prepare_v2(raw, "SELECT 1", -1, &open, nullptr);
    ASSERT_EQ(sqlite3_exec(raw, "BEGIN; INSERT INTO t VALUES (1, 'before')", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_close(raw), SQLITE_BUSY);
    ASSERT_EQ(sqlite3_exec(raw, "INSERT INTO t VALUES (2, 'after'); COMMIT", nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
    sqlite3_finalize(open);
    EXPECT_EQ(sqlite3_close(raw), SQLITE_OK);
    Device again(w, folder.file("d.db"), false);
    EXPECT_EQ(again.outbox->counts().rows, 2);
}

TEST_F(CaptureTest, VacuumIsNoWrite) {
    make("CREATE TABLE g(a, twice AS (a * 2), id TEXT PRIMARY KEY); CREATE TABLE w(k TEXT PRIMARY KEY, r REAL, twice AS (r * 2)) WITHOUT ROWID;",
         {"g", "w"});
    ok("INSERT INTO g(a, id) VALUES (1, 'x'), (2, 'y'); INSERT INTO w(k, r) VALUES ('a', 1)");
    ok("VACUUM");
    EXPECT_EQ(recorder->last(), 2U);
    ok("INSERT INTO g(a, id) VALUES (3, 'z')");
    check();
}

TEST_F(CaptureTest, RowsThatWereThereAreCapturedWhenATableIsSynced) {
    device.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a'), (2, 'b')", {"t"});
    device.db.execute("BEGIN");
    capture_existing_rows(device.db, device.schema.tables[0]);
    device.db.execute("COMMIT");
    device.freeze();
    EXPECT_EQ(device.lines(1), (Lines{"insert t 1: id=1 v='a'", "insert t 2: id=2 v='b'"}));
    device.db.execute("CREATE TABLE u(id TEXT PRIMARY KEY); INSERT INTO u VALUES (NULL)");
    device.sync("u");
    EXPECT_THROW(capture_existing_rows(device.db, sqlite::read_table(device.db, "main", "u")), Error);
}

TEST_F(CaptureTest, ColumnsAddedWhileOtherConnectionsAreOpen) {
    TempFolder folder;
    World w;
    Device one(w, folder.file("d.db"));
    one.make("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE);", {"t"});
    Device two(w, folder.file("d.db"), false);
    two.db.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    one.db.execute("BEGIN");
    remove_capture(one.db, "t");
    one.db.execute("ALTER TABLE t ADD COLUMN more DEFAULT 'm'");
    install_capture(one.db, sqlite::read_table(one.db, "main", "t"));
    one.db.execute("COMMIT");
    one.reload();
    two.reload();
    Recorder rec(two);
    rec.ok("REPLACE INTO t VALUES (3, 'a', 'x')");
    rec.ok("UPDATE t SET more = 'y'");
    rec.check();
    remove_capture(two.db, "t");
    EXPECT_EQ(two.db.query_integer("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), 0);
}

}  // namespace
}  // namespace tombolo::device
