// For any script: each committed transaction, frozen, is the difference of the tables before and after it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <iostream>

#include "device/capture_harness.h"

namespace tombolo::device {
namespace {

using testing::Device;
using testing::Recorder;
using testing::World;

constexpr const char* tables_sql =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v, n NUMERIC CHECK (n IS NOT 13));"
    "CREATE TABLE w(k TEXT COLLATE NOCASE, r REAL, j INTEGER, u UNIQUE, v, PRIMARY KEY (j, k)) WITHOUT ROWID;"
    "CREATE TABLE x(id TEXT PRIMARY KEY ON CONFLICT REPLACE, twice AS (v || v), u TEXT UNIQUE ON CONFLICT REPLACE, v, r REAL);"
    "CREATE TABLE child(id INTEGER PRIMARY KEY, t REFERENCES t ON DELETE CASCADE{}, x REFERENCES x ON DELETE SET NULL);"
    "CREATE TABLE tree(id INTEGER PRIMARY KEY DESC, up REFERENCES tree ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, b BLOB, v NOT NULL ON "
    "CONFLICT "
    "REPLACE DEFAULT 7, twice AS (v || b) STORED, u UNIQUE ON CONFLICT IGNORE);"
    "CREATE VIEW both AS SELECT t.id, t.v, w.v AS z FROM t LEFT JOIN w ON w.j = t.id; CREATE TABLE local(id INTEGER PRIMARY KEY, n);";
constexpr const char* triggers_sql =
    "CREATE TRIGGER a AFTER UPDATE OF v ON t WHEN NEW.v = 2 BEGIN UPDATE t SET n = coalesce(n, 0) + 1, v = 3 WHERE id = NEW.id; INSERT OR IGNORE "
    "INTO x(id, u, v) VALUES (NEW.id, NEW.u, 0); END;"
    "CREATE TRIGGER b AFTER DELETE ON x WHEN OLD.v = 1 BEGIN INSERT OR REPLACE INTO x(id, u, v) VALUES (OLD.id, OLD.u, 5); END;"
    "CREATE TRIGGER c AFTER INSERT ON w WHEN NEW.v = 2 BEGIN DELETE FROM t WHERE id = NEW.j; UPDATE w SET v = v + 1 WHERE j = NEW.j; END;"
    "CREATE TRIGGER d BEFORE INSERT ON t WHEN NEW.v = 'abort' BEGIN INSERT INTO child VALUES (NULL, NULL, NULL); SELECT RAISE(ABORT, 'no'); END;"
    "CREATE TRIGGER e AFTER UPDATE ON t WHEN NEW.v = 'A' BEGIN SELECT RAISE(FAIL, 'no'); END;"
    "CREATE TEMP TRIGGER f AFTER DELETE ON t WHEN OLD.v = 0 BEGIN SELECT RAISE(IGNORE); END;"
    "CREATE TRIGGER g AFTER INSERT ON x WHEN NEW.v = 'a' BEGIN INSERT OR FAIL INTO t VALUES (1, 1, 1, 1), (9, 1, 1, 13); END;"
    "CREATE TRIGGER h BEFORE UPDATE ON tree WHEN NEW.v = 1 BEGIN UPDATE tree SET b = x'62' WHERE id = OLD.id; END;"
    "CREATE TRIGGER i BEFORE UPDATE ON tree WHEN NEW.v = 0 BEGIN DELETE FROM tree WHERE id = OLD.id; END;"
    "CREATE TRIGGER j BEFORE DELETE ON tree WHEN OLD.v = 2 BEGIN SELECT RAISE(IGNORE); END;"
    "CREATE TRIGGER k AFTER INSERT ON tree WHEN NEW.v = 2 BEGIN INSERT OR IGNORE INTO tree(id, up, v) VALUES (NEW.id + 1, NEW.id, 2 - (NEW.id > 5)); "
    "END;"
    "CREATE TRIGGER l INSTEAD OF INSERT ON both BEGIN INSERT OR REPLACE INTO t(id, v) VALUES (NEW.id, NEW.v); INSERT OR IGNORE INTO w(k, j, v) "
    "VALUES "
    "('b', NEW.id, NEW.z); END;"
    "CREATE TEMP TRIGGER m INSTEAD OF UPDATE ON both BEGIN UPDATE OR IGNORE t SET v = NEW.v WHERE id = NEW.id; DELETE FROM w WHERE j = NEW.id; END;"
    "CREATE TRIGGER n AFTER UPDATE ON local BEGIN UPDATE tree SET v = NEW.n WHERE id = NEW.id; END;";

int below(int bound) { return *rc::gen::inRange(0, bound); }
std::string pick(const std::vector<std::string>& choices) { return choices[static_cast<size_t>(below(static_cast<int>(choices.size())))]; }
std::string value() {
    return pick({"NULL", "0", "1", "2", "2.0", "-0.0", "'a'", "'A'", "''", "x''", "x'61'", "9007199254740993", "1e999", "'abort'", "13",
                 "randomblob(3)", "zeroblob(5)", "CAST(x'ff' AS TEXT)", "'a' || char(0)"});
}
std::string id() { return std::to_string(below(4)); }
std::string conflict() { return pick({"", "", " OR REPLACE", " OR REPLACE", " OR IGNORE", " OR ABORT", " OR FAIL", " OR ROLLBACK"}); }
std::string where() { return pick({"", " WHERE id = " + id(), " WHERE v = " + value(), " WHERE u IS " + value()}); }

std::string insert() {
    const std::string verb = "INSERT" + conflict();
    switch (below(4)) {
        case 0:
            return verb + " INTO t VALUES (" + id() + ", " + value() + ", " + value() + ", " + value() + "), (" + id() + ", " + value() + ", 2, 1)";
        case 1: return verb + " INTO w VALUES (" + pick({"'a'", "'A'", "'b'"}) + ", " + value() + ", " + id() + ", " + value() + ", " + value() + ")";
        case 2: return verb + " INTO x(id, u, v) VALUES (" + value() + ", " + value() + ", " + value() + "), ('" + id() + "', " + value() + ", 1)";
        default: return verb + " INTO child VALUES (" + id() + ", " + id() + ", " + value() + ")";
    }
}

std::string tree_statement() {
    switch (below(6)) {
        case 0:
            return "INSERT" + conflict() + " INTO tree(id, up, b, v, u) VALUES (" + id() + ", " + pick({"NULL", id(), "8"}) + ", " + value() + ", " +
                   value() + ", " + value() + ") RETURNING twice";
        case 1: return "INSERT INTO tree(id, v) SELECT id + 1, " + value() + " FROM tree WHERE true ON CONFLICT DO UPDATE SET v = excluded.v, b = u";
        case 2: return "UPDATE" + conflict() + " tree SET v = t.v, b = " + value() + " FROM t WHERE t.id = tree.id RETURNING *";
        case 3: return "UPDATE" + conflict() + " tree SET id = " + pick({"id + 1", "-id", "u"}) + ", u = " + value() + " WHERE id < 3";
        case 4: return "WITH some(id) AS (SELECT id FROM tree LIMIT 2) DELETE FROM tree WHERE id IN some";
        default: return "UPDATE tree SET up = " + pick({"NULL", id(), "id"}) + " WHERE id = " + id();
    }
}

std::string roundabout_statement() {
    switch (below(4)) {
        case 0: return "INSERT INTO both VALUES (" + id() + ", " + value() + ", " + value() + ")";
        case 1: return "UPDATE both SET v = " + value() + where();
        case 2: return "REPLACE INTO local VALUES (" + id() + ", " + value() + ")";
        default: return "UPDATE local SET n = " + value();
    }
}

std::string transaction_statement() {
    return pick({"BEGIN", "BEGIN", "BEGIN IMMEDIATE", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT a", "SAVEPOINT b", "SAVEPOINT a", "ROLLBACK TO a",
                 "ROLLBACK TO b", "RELEASE a", "RELEASE b"});
}

// What is no write of a synced table, and must not disturb one.
std::string other_statement() {
    return pick({"PRAGMA recursive_triggers = " + id(), "PRAGMA foreign_keys = " + id(), "VACUUM", "CREATE TABLE IF NOT EXISTS more(a, b)",
                 "ALTER TABLE more ADD COLUMN c", "DROP TABLE IF EXISTS more", "CREATE INDEX IF NOT EXISTS by_v ON t(v)", "DROP INDEX IF EXISTS by_v",
                 "CREATE TEMP TABLE IF NOT EXISTS t(id, u, v, n)", "DROP TABLE IF EXISTS temp.t", "ANALYZE", "REINDEX", "INSERT INTO t SELECT stop()",
                 "UPDATE main.t SET v = CASE WHEN id > 1 THEN stop() ELSE 5 END"});
}

std::string statement() {
    switch (below(14)) {
        case 0:
        case 1: return insert();
        case 2: return "INSERT INTO t VALUES (" + id() + ", " + value() + ", 1, 1) ON CONFLICT(id) DO UPDATE SET v = excluded.v, u = " + value();
        case 3: return "UPDATE" + conflict() + " t SET v = " + value() + ", u = " + pick({"u", value(), "NULL"}) + where();
        case 4: return "UPDATE" + conflict() + " t SET id = " + pick({id(), "id + 1", "3 - id"}) + where();
        case 5:
            return "UPDATE" + conflict() + " w SET k = " + pick({"'a'", "'A'", "upper(k)", "k || 'z'"}) + ", u = " + pick({"u", value()}) +
                   ", r = " + value();
        case 6:
            return "UPDATE" + conflict() + " x SET " +
                   pick({"id = id", "id = '" + id() + "'", "u = " + value(), "v = v", "v = " + value(), "r = " + value() + ", v = r"}) + where();
        case 7: return "DELETE FROM " + pick({"t", "x", "child"}) + pick({"", " WHERE id = " + id()});
        case 8: return "DELETE FROM w" + pick({"", " WHERE j = " + id()});
        case 9: return tree_statement();
        case 10: return roundabout_statement();
        case 11: return other_statement();
        default: return transaction_statement();
    }
}

// A statement that calls it is interrupted, which undoes an open transaction, too.
void stop(sqlite3_context* context, int /*count*/, sqlite3_value** /*values*/) { sqlite3_interrupt(sqlite3_context_db_handle(context)); }

std::string write_into_blob(Device& device, Recorder& recorder) {
    sqlite3_blob* blob = nullptr;
    const std::string table = pick({"t", "tree", "x"});
    if (sqlite3_blob_open(device.db.handle(), "main", table.c_str(), table == "tree" ? "b" : "v", below(4), 1, &blob) == SQLITE_OK) {
        for (int pieces = below(3); pieces >= 0; --pieces)
            sqlite3_blob_write(blob, "q", 1, below(sqlite3_blob_bytes(blob) + 1));
    }
    sqlite3_blob_close(blob);
    if (!device.db.in_transaction()) recorder.note_commit("a blob written piece by piece");
    return "-- a blob of " + table + " written piece by piece\n";
}

// The file has room for a few pages more; SQLITE_FULL comes in the middle of a statement, or of the commit.
std::string limit_pages(Device& device) {
    const int64_t pages = below(2) == 0 ? 1 << 20 : device.db.query_integer("PRAGMA page_count") + below(3);
    const std::string sql = "PRAGMA max_page_count = " + std::to_string(pages);
    device.db.execute(sql);
    return sql + ";\n";
}

// Freezing needs room, too.
void check(Device& device, Recorder& recorder) {
    device.db.execute("PRAGMA max_page_count = 1048576");
    recorder.check();
    EXPECT_EQ(device.db.query_text("PRAGMA main.integrity_check"), "ok");
}

TEST(CaptureProperty, FrozenTransactionsAreTheDifferenceOfTheTables) {
    const bool held = rc::check("outbox = difference of the tables", [] {
        World world;
        Device device(world, ":memory:");
        // Without either, nothing comes between the hook and the triggers of t and x.
        const bool cascades = below(2) == 1;
        device.make(fmt::format(tables_sql, cascades ? " ON UPDATE CASCADE" : ""), {"t", "w", "x", "child", "tree"});
        sqlite3_create_function(device.db.handle(), "stop", 0, SQLITE_UTF8, nullptr, stop, nullptr, nullptr);
        device.db.execute("PRAGMA foreign_keys = ON");
        if (below(2) == 1) device.db.execute(triggers_sql);
        Recorder recorder(device);
        std::string script;
        const int length = below(60);
        for (int i = 0; i < length; ++i) {
            const std::string sql = statement();
            script += sql + ";  -- " + std::to_string(recorder.run(sql)) + "\n";
            if (below(8) == 0) script += write_into_blob(device, recorder);
            if (below(20) == 0) script += limit_pages(device);
            if (below(12) == 0 && !device.db.in_transaction()) check(device, recorder);
            if (::testing::Test::HasFailure()) break;
        }
        if (device.db.in_transaction()) recorder.run("ROLLBACK");
        try {
            check(device, recorder);
        } catch (const Error& error) {
            ADD_FAILURE() << error.what();
        }
        if (!::testing::Test::HasFailure()) return;
        std::cerr << script;  // googletest's failures stay, so there is nothing to shrink by
        RC_FAIL("see above");
    });
    EXPECT_TRUE(held);
}

}  // namespace
}  // namespace tombolo::device
