// Capture where SQLite itself is at an edge: schemas that change under a transaction, disks that are full, statements that end early,
// caches that are shared.
#include <gtest/gtest.h>

#include "device/capture.h"
#include "device/capture_harness.h"

namespace tombolo::device {
namespace {

using testing::Device;
using testing::Recorder;
using testing::TempFolder;
using testing::World;

struct CaptureEdges : testing::CaptureScene {};

// --- a schema that changes ---

TEST_F(CaptureEdges, ATableThatIsRenamedInTheMiddleOfATransaction) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE other(id INTEGER PRIMARY KEY);", {"t"});
    ok("INSERT INTO t VALUES (1, 'a')");
    ok("BEGIN; UPDATE t SET v = 'b'; ALTER TABLE t RENAME TO t2");
    EXPECT_NE(run("UPDATE t2 SET v = 'c'"), SQLITE_OK);
    EXPECT_NE(recorder->error.find("synced table"), std::string::npos) << recorder->error;
    ok("ROLLBACK");
    ok("BEGIN; UPDATE t SET v = 'b'; DROP TABLE other; ALTER TABLE t RENAME TO other");
    EXPECT_NE(run("UPDATE other SET v = 'c'"), SQLITE_OK);
    ok("ROLLBACK; UPDATE t SET v = 'd'");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update t 1: v='a'->'d'"});
}

// The column that is fourth now is not the one that was fourth: what was captured by place would be said of another column.
TEST_F(CaptureEdges, AColumnThatTakesThePlaceOfAnotherInTheMiddleOfATransaction) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);", {"t"});
    ok("INSERT INTO t VALUES (1, 'a', 'b')");
    EXPECT_NE(run("ALTER TABLE t DROP COLUMN a"), SQLITE_OK) << "its trigger names it";
    ok("BEGIN; UPDATE t SET a = 'x'; ALTER TABLE t RENAME COLUMN a TO c; ALTER TABLE t RENAME COLUMN b TO a; ALTER TABLE t RENAME COLUMN c TO b");
    EXPECT_EQ(run("COMMIT"), SQLITE_ERROR);
    EXPECT_NE(recorder->error.find("changed or dropped it"), std::string::npos) << recorder->error;
    EXPECT_EQ(device.db.query_text("SELECT a || b FROM t"), "ab");
    ok("UPDATE t SET a = 'y'");
    check();
    EXPECT_EQ(device.lines(2), Lines{"update t 1: a='a'->'y'"});
}

TEST_F(CaptureEdges, ATableThatIsDroppedInTheMiddleOfATransaction) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, a);", {"t"});
    ok("INSERT INTO t VALUES (1, 'a'); BEGIN; UPDATE t SET a = 'b'; DROP TABLE t");
    EXPECT_EQ(run("COMMIT"), SQLITE_ERROR);
    EXPECT_NE(recorder->error.find("dropped it"), std::string::npos) << recorder->error;
    ok("UPDATE t SET a = 'c'");
    check();
}

TEST_F(CaptureEdges, LocalSchemaChangesBesideCapturedWrites) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, a);", {"t"});
    ok("BEGIN; INSERT INTO t VALUES (1, 'a'); CREATE TABLE local(x); CREATE INDEX i ON t(a); UPDATE t SET a = 'b'; ALTER TABLE local ADD COLUMN y; "
       "ALTER TABLE local RENAME TO mine; INSERT INTO t VALUES (2, 'b'); INSERT INTO mine VALUES (1, 2); DROP TABLE mine; DROP INDEX i; COMMIT");
    ok("BEGIN; CREATE TABLE local(x); UPDATE t SET a = 'c'; ROLLBACK; UPDATE t SET a = 'd' WHERE id = 1");
    check();
    EXPECT_EQ(device.lines(1), (Lines{"insert t 1: id=1 a='b'", "insert t 2: id=2 a='b'"}));
}

// The hook must leave alone the place that the application's INSERT has found in the tree.
TEST_F(CaptureEdges, ARowBetweenOthersAfterTheSchemaHasChanged) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;", {"t", "w"});
    ok("INSERT INTO t VALUES (0, 'a'), (2, 'c'), (4, 'e'); INSERT INTO w VALUES ('a', 0), ('c', 2), ('e', 4)");
    ok("CREATE TABLE local(x); INSERT INTO t VALUES (3, 'd'); CREATE INDEX i ON local(x); INSERT INTO w VALUES ('b', 1)");
    ok("BEGIN; DROP TABLE local; ROLLBACK; INSERT INTO t VALUES (1, 'b'); DROP TABLE local; REPLACE INTO w VALUES ('d', 3), ('a', 3)");
    EXPECT_EQ(device.db.query_text("PRAGMA integrity_check"), "ok");
    check();
}

// --- a full disk ---

TEST_F(CaptureEdges, AFileThatIsFullInTheMiddleOfACommit) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    ok("INSERT INTO t VALUES (0, 'before')");
    const int64_t pages = device.db.query_integer("PRAGMA page_count");
    bool was_refused = false;
    for (int64_t more = 0; more < 40; ++more) {
        ok("PRAGMA max_page_count = " + std::to_string(pages + more));
        const int rc =
            run("BEGIN; INSERT INTO t SELECT value, printf('%.1000c', 'x') FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 "
                "FROM n WHERE value < 20) SELECT value FROM n); UPDATE t SET v = v || printf('%.200c', 'y'); COMMIT");
        if (rc == SQLITE_OK) break;
        EXPECT_EQ(rc, SQLITE_FULL) << recorder->error;
        was_refused = true;
        if (device.db.in_transaction()) ok("ROLLBACK");
        EXPECT_EQ(device.db.query_integer("SELECT count(*) FROM t"), 1);
        EXPECT_EQ(recorder->last(), 1U);
    }
    EXPECT_TRUE(was_refused);
    ok("PRAGMA max_page_count = 1000000");
    EXPECT_EQ(device.db.query_integer("SELECT count(*) FROM t"), 21);
    check();
}

// --- statements that end early ---

TEST_F(CaptureEdges, AnInterruptedStatement) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    ok("INSERT INTO t VALUES (1, 'a')");
    const auto stop = [](sqlite3_context* context, int, sqlite3_value**) { sqlite3_interrupt(sqlite3_context_db_handle(context)); };
    ASSERT_EQ(sqlite3_create_function(device.db.handle(), "stop", 1, SQLITE_UTF8, nullptr, stop, nullptr, nullptr), SQLITE_OK);
    for (const int row : {2, 3, 999}) {
        const std::string insert =
            "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, CASE WHEN i = " +
            std::to_string(row) + " THEN stop(i) ELSE i END FROM n";
        EXPECT_EQ(run(insert), SQLITE_INTERRUPT);
        EXPECT_EQ(run("BEGIN; UPDATE t SET v = 'gone'; " + insert), SQLITE_INTERRUPT);
        EXPECT_FALSE(device.db.in_transaction());
        EXPECT_EQ(device.db.query_integer("SELECT count(*) FROM t"), 1);
    }
    ok("INSERT INTO t VALUES (2, 'b')");
    check();
    EXPECT_EQ(device.lines(2), Lines{"insert t 2: id=2 v='b'"});
}

TEST_F(CaptureEdges, AStatementWithReturningThatIsNotReadToItsEnd) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    sqlite3_stmt* statement = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(device.db.handle(), "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c') RETURNING id", -1, &statement, nullptr),
              SQLITE_OK);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    sqlite3_finalize(statement);
    recorder->note_commit("returning");
    ok("UPDATE t SET v = 'z' WHERE id > 1 RETURNING v; DELETE FROM t WHERE id = 1 RETURNING *");
    check();
    EXPECT_EQ(device.lines(2).size(), 2U);
}

// Two statements of one connection, one inside the other.
TEST_F(CaptureEdges, AWriteWhileARowOfAnotherStatementIsRead) {
    make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    ok("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
    sqlite3_stmt* read = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(device.db.handle(), "SELECT id FROM t ORDER BY id", -1, &read, nullptr), SQLITE_OK);
    while (sqlite3_step(read) == SQLITE_ROW)
        ok("UPDATE t SET v = v || '!' WHERE id = " + std::to_string(sqlite3_column_int(read, 0)));
    sqlite3_finalize(read);
    EXPECT_EQ(recorder->last(), 4U);
    EXPECT_NE(run("UPDATE t SET id = 3 WHERE id < 3"), SQLITE_OK);
    check();
}

TEST_F(CaptureEdges, ADeferredForeignKeyThatHoldsBackTheCommit) {
    make("CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p DEFERRABLE INITIALLY DEFERRED);", {"p", "c"});
    device.db.execute("PRAGMA foreign_keys = ON");
    ok("BEGIN; INSERT INTO c VALUES (1, 7)");
    EXPECT_EQ(run("COMMIT"), SQLITE_CONSTRAINT);
    ok("INSERT INTO c VALUES (2, 8); SAVEPOINT s; INSERT INTO p VALUES (9); ROLLBACK TO s");
    EXPECT_EQ(run("COMMIT"), SQLITE_CONSTRAINT);
    ok("INSERT INTO p VALUES (7), (8); COMMIT");
    check();
    EXPECT_EQ(device.lines(1).size(), 4U);
}

// --- other ways into a table ---

TEST_F(CaptureEdges, ViewsTemporaryTablesAndTemporaryTriggers) {
    make(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE u(id INTEGER PRIMARY KEY, v); CREATE VIEW both AS SELECT t.id, t.v, u.v AS w FROM t "
        "JOIN u USING (id);",
        {"t", "u"});
    ok("CREATE TRIGGER split INSTEAD OF INSERT ON both BEGIN INSERT INTO t VALUES (NEW.id, NEW.v); INSERT INTO u VALUES (NEW.id, NEW.w); END");
    ok("CREATE TEMP TRIGGER split2 INSTEAD OF UPDATE ON both BEGIN UPDATE t SET v = NEW.v WHERE id = NEW.id; UPDATE u SET v = NEW.w WHERE id = "
       "NEW.id; END");
    ok("CREATE TRIGGER split3 INSTEAD OF DELETE ON both BEGIN DELETE FROM t WHERE id = OLD.id; REPLACE INTO u VALUES (OLD.id, 'gone'); END");
    ok("INSERT INTO both VALUES (1, 'a', 'b'), (2, 'c', 'd'); UPDATE both SET v = 'x', w = w || '!'; DELETE FROM both WHERE id = 1");
    ok("CREATE TEMP TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'temporary'); UPDATE main.t SET v = 'main'; DELETE FROM t");
    ok("CREATE TEMP TRIGGER mirror AFTER INSERT ON temp.t BEGIN INSERT INTO u VALUES (NEW.id + 10, 'mirrored'); END; INSERT INTO t VALUES (5, 'y')");
    check();
    EXPECT_EQ(device.lines(recorder->last()), Lines{"insert u 15: id=15 v='mirrored'"});
}

TEST_F(CaptureEdges, ConnectionsThatShareACache) {
    TempFolder folder;
    World w;
    {
        Device made(w, folder.file("d.db"));
        made.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v);", {"t"});
    }
    sqlite3* two[2] = {};
    for (sqlite3*& db : two) {
        ASSERT_EQ(
            sqlite3_open_v2(("file:" + folder.file("d.db")).c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_SHAREDCACHE, nullptr),
            SQLITE_OK);
        register_capture(db, w.capture());
    }
    const auto exec = [](sqlite3* db, const char* sql) { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) & 0xFF; };
    EXPECT_EQ(exec(two[0], "BEGIN; INSERT INTO t VALUES (1, 'a')"), SQLITE_OK) << sqlite3_errmsg(two[0]);
    EXPECT_EQ(exec(two[1], "INSERT INTO t VALUES (2, 'b')"), SQLITE_LOCKED);
    EXPECT_EQ(exec(two[0], "COMMIT"), SQLITE_OK) << sqlite3_errmsg(two[0]);
    EXPECT_EQ(exec(two[1], "INSERT INTO t VALUES (2, 'b')"), SQLITE_OK) << sqlite3_errmsg(two[1]);
    EXPECT_EQ(exec(two[0], "UPDATE t SET v = 'c'"), SQLITE_OK) << sqlite3_errmsg(two[0]);
    for (sqlite3* db : two)
        EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
    Device again(w, folder.file("d.db"), false);
    EXPECT_EQ(again.outbox->last().first.value, 3U);
    again.freeze();
    EXPECT_EQ(again.lines(3), (Lines{"update t 1: v='a'->'c'", "update t 2: v='b'->'c'"}));
}

TEST_F(CaptureEdges, JournalModesAndVacuumBetweenWrites) {
    TempFolder folder;
    World w;
    Device file(w, folder.file("d.db"));
    file.make("CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE g(k TEXT PRIMARY KEY, v, twice AS (v * 2) STORED) WITHOUT ROWID;", {"t", "g"});
    Recorder rec(file);
    int i = 0;
    for (const char* mode : {"WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "WAL"}) {
        rec.ok(std::string("PRAGMA journal_mode = ") + mode);
        rec.ok("INSERT INTO t VALUES (" + std::to_string(++i) + ", 'a'); VACUUM");
        rec.ok("BEGIN; REPLACE INTO g(k, v) VALUES ('k', " + std::to_string(i) + "); UPDATE t SET v = v || 1; COMMIT; PRAGMA incremental_vacuum");
        EXPECT_NE(rec.run("BEGIN; UPDATE t SET v = 'gone'; VACUUM"), SQLITE_OK);
        rec.ok("ROLLBACK");
    }
    rec.check();
}

}  // namespace
}  // namespace tombolo::device
