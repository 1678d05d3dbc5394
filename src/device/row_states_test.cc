#include "device/row_states.h"

#include <gtest/gtest.h>

#include "device/replica_scene_test.h"
#include "model/conflict_table.h"

namespace tombolo::device {
namespace {

using namespace testing;

class RowStatesTest : public ::testing::Test {
protected:
    std::string state(const std::string& arguments) { return scene.rows("SELECT tombolo_state(" + arguments + ")"); }
    std::string fails(const std::string& arguments) {
        try {
            return state(arguments);
        } catch (const Error& error) {
            return error.what();
        }
    }

    ReplicaScene scene{{"CREATE TABLE t(id TEXT PRIMARY KEY, u UNIQUE)", "CREATE TABLE two(a INTEGER, b REAL, v, PRIMARY KEY (b, a))"}};
};

TEST_F(RowStatesTest, FromAWriteToItsEnd) {
    scene.apply(scene.to(1).row("t", {"x", 1}).row("t", {"y", 2}));
    EXPECT_EQ(state("'t', 'x'"), "'synced'");
    EXPECT_EQ(state("'t', 'never there'"), "'synced'");
    scene.run("UPDATE t SET u = 3 WHERE id = 'x'; DELETE FROM t WHERE id = 'y'");
    EXPECT_EQ(scene.count("tombolo_log"), 2);
    EXPECT_EQ(state("'T', 'x'"), "'pending'") << "what nobody has frozen counts";
    EXPECT_EQ(state("'t', 'y'"), "'pending'");
    EXPECT_EQ(state("'t', 'z'"), "'synced'");
    scene.freeze();
    EXPECT_EQ(state("'t', 'x'"), "'pending'");
    scene.run("INSERT INTO t VALUES ('z', 4)");
    EXPECT_EQ(state("'t', 'z'"), "'pending'");
    scene.apply(scene.accepting(2, {1}));
    EXPECT_EQ(state("'t', 'x'"), "'synced'");
    EXPECT_EQ(state("'t', 'y'"), "'pending'");
    scene.apply(scene.rejecting(3, 3).row("t", {"w", 4}));
    EXPECT_EQ(state("'t', 'z'"), "'rejected'");
    scene.replica->retry({3});
    EXPECT_EQ(state("'t', 'z'"), "'pending'");
    scene.apply(scene.rejecting(4, 4));
    scene.replica->discard({4}, false);
    EXPECT_EQ(state("'t', 'z'"), "'synced'");
}

TEST_F(RowStatesTest, ARejectionStandsBeforeWhatIsPending) {
    scene.apply(scene.to(1).row("t", {"x", 1}));
    scene.run("UPDATE t SET u = 2 WHERE id = 'x'");
    scene.apply(scene.rejecting(2, 1));
    scene.run("UPDATE t SET u = 3 WHERE id = 'x'");
    EXPECT_EQ(state("'t', 'x'"), "'rejected'");
}

TEST_F(RowStatesTest, AnOpenConflict) {
    ReplicaScene listed(
        {"CREATE TABLE t(id TEXT PRIMARY KEY, u)", "CREATE TABLE tombolo_conflict(id TEXT PRIMARY KEY, table_name TEXT, row_key BLOB, resolved_at)"});
    const std::string key = encode_record(Row{Value("x")});
    const auto conflict = [&](const std::string& id, const Value& ended) {
        sqlite::Statement insert = listed.app.prepare("INSERT OR REPLACE INTO tombolo_conflict VALUES (?1, 't', ?2, ?3)");
        insert.with(id, ValueView::blob(key), ended).run();
    };
    const auto of_x = [&] { return listed.rows("SELECT tombolo_state('t', 'x')"); };
    conflict("1", 7);
    EXPECT_EQ(of_x(), "'synced'");
    conflict("2", {});
    EXPECT_EQ(of_x(), "'conflict'");
    listed.run("UPDATE t SET u = 3 WHERE id = 'x'; INSERT INTO t VALUES ('x', 1)");
    EXPECT_EQ(of_x(), "'conflict'");
    conflict("2", 8);
    EXPECT_EQ(of_x(), "'pending'");
}

TEST_F(RowStatesTest, KeysAreTakenAsTheirColumnsStoreThem) {
    scene.run("INSERT INTO t VALUES (7, 1); INSERT INTO two VALUES (1, 2, 'v')");
    EXPECT_EQ(state("'t', 7"), "'pending'");
    EXPECT_EQ(state("'t', '7'"), "'pending'");
    EXPECT_EQ(state("'two', 2, 1"), "'pending'") << "in the order of the key";
    EXPECT_EQ(state("'two', '2.0', 1.0"), "'pending'");
    EXPECT_EQ(state("'two', 1, 2"), "'synced'");
    EXPECT_EQ(scene.rows("SELECT tombolo_state('two', b, a) FROM two"), "'pending'");
}

TEST_F(RowStatesTest, WhatIsNotSynced) {
    scene.run("CREATE TABLE here(id TEXT PRIMARY KEY)");
    EXPECT_EQ(state("'here', 'x'"), "NULL");
    EXPECT_EQ(state("'nowhere', 'x'"), "NULL");
    EXPECT_EQ(state("NULL, 'x'"), "NULL");
    EXPECT_NE(fails("'two', 1").find("the key of two has 2 columns, and 1 values were given"), std::string::npos);
    EXPECT_NE(fails("").find("needs a table"), std::string::npos);
    World world;
    sqlite::Connection plain = sqlite::Connection::open(":memory:");
    register_capture(plain.handle(), world.capture());
    EXPECT_EQ(plain.query_text("SELECT coalesce(tombolo_state('t', 'x'), 'none')"), "none");
}

TEST_F(RowStatesTest, OtherConnectionsCommitsAreSeen) {
    sqlite::Connection other = scene.open();
    EXPECT_EQ(state("'t', 'x'"), "'synced'");
    other.execute("INSERT INTO t VALUES ('x', 1)");
    EXPECT_EQ(state("'t', 'x'"), "'pending'");
    scene.app.execute("BEGIN");
    EXPECT_EQ(state("'t', 'y'"), "'synced'");
    other.execute("INSERT INTO t VALUES ('y', 2)");
    EXPECT_EQ(state("'t', 'y'"), "'synced'") << "as of what this transaction sees";
    scene.app.execute("COMMIT");
    EXPECT_EQ(state("'t', 'y'"), "'pending'");
}

}  // namespace
}  // namespace tombolo::device
