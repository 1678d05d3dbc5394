// For any script: each committed transaction, frozen, is the difference of the tables before and after it.
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
    "CREATE TABLE x(id TEXT PRIMARY KEY ON CONFLICT REPLACE, twice AS (v || v), u TEXT UNIQUE ON CONFLICT REPLACE, v);"
    "CREATE TABLE child(id INTEGER PRIMARY KEY, t REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE, x REFERENCES x ON DELETE SET NULL);";
constexpr const char* triggers_sql =
    "CREATE TRIGGER a AFTER UPDATE OF v ON t WHEN NEW.v = 2 BEGIN UPDATE t SET n = coalesce(n, 0) + 1, v = 3 WHERE id = NEW.id; INSERT OR IGNORE "
    "INTO x(id, u, v) VALUES (NEW.id, NEW.u, 0); END;"
    "CREATE TRIGGER b AFTER DELETE ON x WHEN OLD.v = 1 BEGIN INSERT OR REPLACE INTO x(id, u, v) VALUES (OLD.id, OLD.u, 5); END;"
    "CREATE TRIGGER c AFTER INSERT ON w WHEN NEW.v = 2 BEGIN DELETE FROM t WHERE id = NEW.j; UPDATE w SET v = v + 1 WHERE j = NEW.j; END;"
    "CREATE TRIGGER d BEFORE INSERT ON t WHEN NEW.v = 'abort' BEGIN INSERT INTO child VALUES (NULL, NULL, NULL); SELECT RAISE(ABORT, 'no'); END;"
    "CREATE TRIGGER e AFTER UPDATE ON t WHEN NEW.v = 'A' BEGIN SELECT RAISE(FAIL, 'no'); END;"
    "CREATE TEMP TRIGGER f AFTER DELETE ON t WHEN OLD.v = 0 BEGIN SELECT RAISE(IGNORE); END;"
    "CREATE TRIGGER g AFTER INSERT ON x WHEN NEW.v = 'a' BEGIN INSERT OR FAIL INTO t VALUES (1, 1, 1, 1), (9, 1, 1, 13); END;";

int below(int bound) { return *rc::gen::inRange(0, bound); }
std::string pick(const std::vector<std::string>& choices) { return choices[static_cast<size_t>(below(static_cast<int>(choices.size())))]; }
std::string value() {
    return pick(
        {"NULL", "0", "1", "2", "2.0", "-0.0", "'a'", "'A'", "''", "x''", "x'61'", "9007199254740993", "1e999", "'abort'", "13", "randomblob(3)"});
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

std::string statement() {
    switch (below(10)) {
        case 0:
        case 1: return insert();
        case 2: return "INSERT INTO t VALUES (" + id() + ", " + value() + ", 1, 1) ON CONFLICT(id) DO UPDATE SET v = excluded.v, u = " + value();
        case 3: return "UPDATE" + conflict() + " t SET v = " + value() + ", u = " + pick({"u", value(), "NULL"}) + where();
        case 4: return "UPDATE" + conflict() + " t SET id = " + pick({id(), "id + 1", "3 - id"}) + where();
        case 5:
            return "UPDATE" + conflict() + " w SET k = " + pick({"'a'", "'A'", "upper(k)", "k || 'z'"}) + ", u = " + pick({"u", value()}) +
                   ", r = " + value();
        case 6:
            return "UPDATE" + conflict() + " x SET " + pick({"id = id", "id = '" + id() + "'", "u = " + value(), "v = v", "v = " + value()}) +
                   where();
        case 7: return "DELETE FROM " + pick({"t", "x", "child"}) + pick({"", " WHERE id = " + id()});
        case 8: return "DELETE FROM w" + pick({"", " WHERE j = " + id()});
        default:
            return pick({"BEGIN", "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT a", "SAVEPOINT b", "ROLLBACK TO a", "ROLLBACK TO b",
                         "RELEASE a", "RELEASE b", "PRAGMA recursive_triggers = " + id()});
    }
}

TEST(CaptureProperty, FrozenTransactionsAreTheDifferenceOfTheTables) {
    const bool held = rc::check("outbox = difference of the tables", [] {
        World world;
        Device device(world, ":memory:");
        device.make(tables_sql, {"t", "w", "x", "child"});
        device.db.execute("PRAGMA foreign_keys = ON");
        if (below(2) == 1) device.db.execute(triggers_sql);
        Recorder recorder(device);
        std::string script;
        const int length = below(60);
        for (int i = 0; i < length; ++i) {
            const std::string sql = statement();
            script += sql + ";\n";
            recorder.run(sql);
            if (below(12) == 0 && !device.db.in_transaction()) recorder.check();
            if (::testing::Test::HasFailure()) break;
        }
        if (device.db.in_transaction()) recorder.run("ROLLBACK");
        recorder.check();
        if (!::testing::Test::HasFailure()) return;
        std::cerr << script;  // googletest's failures stay, so there is nothing to shrink by
        RC_FAIL("see above");
    });
    EXPECT_TRUE(held);
}

}  // namespace
}  // namespace tombolo::device
