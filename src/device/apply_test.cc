// What a checkpoint makes of the tables, the outbox and the bookkeeping.
#include "device/apply.h"

#include <gtest/gtest.h>

#include "device/replica_scene_test.h"

namespace tombolo::device {
namespace {

using testing::Checkpoint;
using testing::own_site;
using testing::ReplicaScene;
using testing::schema_of;
using testing::show;
using testing::time_of;

constexpr const char* table_t = "CREATE TABLE t(id TEXT PRIMARY KEY, a, b, u UNIQUE, CHECK (a IS NOT 'bad'))";
const std::string all_t = "SELECT id, a, b, u FROM t ORDER BY id";

struct ApplyTest : ::testing::Test {
    ReplicaScene scene{std::vector<std::string>{table_t}};
    std::string t() { return scene.rows(all_t); }
};

// --- rows ---

TEST_F(ApplyTest, RowsOfACheckpoint) {
    scene.apply(scene.to(3).row("t", {"x", 1, 2, nullptr}).row("t", {"y", 1.5, Value::blob("z"), 7}));
    EXPECT_EQ(t(), "'x' 1 2 NULL | 'y' 1.500000r x'7a' 7");
    scene.apply(scene.to(4).row("t", {"x", 9, nullptr, nullptr}).gone("t", {"y"}).gone("t", {"never there"}));
    EXPECT_EQ(t(), "'x' 9 NULL NULL");
    const DeviceRecord record = scene.replica->record();
    EXPECT_EQ(record.cursor, (Cursor{testing::scene_epoch, {4}}));
    EXPECT_EQ(record.hub_time, time_of(4));
    EXPECT_EQ(record.hub_head, 4U);
    EXPECT_EQ(record.last_sync_at, scene.world.clock.wall());
    EXPECT_TRUE(scene.replica->outbox().log_is_empty()) << "what arrives is not captured";
    EXPECT_EQ(scene.world.writes, 0);
}

TEST_F(ApplyTest, NothingIsKeptOfRowsAtRest) {
    scene.apply(scene.to(3).row("t", {"x", 1, 2, nullptr}));
    scene.run("UPDATE t SET a = 5");
    scene.apply(scene.to(4).row("t", {"x", 1, 3, nullptr}));
    EXPECT_EQ(scene.count("tombolo_under"), 1);
    scene.apply(scene.accepting(5, {1}).row("t", {"x", 5, 3, nullptr}));
    EXPECT_EQ(scene.count("tombolo_under") + scene.count("tombolo_existence") + scene.count("tombolo_spool") + scene.count("tombolo_part"), 0);
    EXPECT_EQ(scene.outbox(), "");
}

TEST_F(ApplyTest, SwappedUniqueValues) {
    scene.apply(scene.to(3).row("t", {"x", 0, 0, 1}).row("t", {"y", 0, 0, 2}).row("t", {"z", 0, 0, 3}));
    scene.apply(scene.to(4).row("t", {"x", 0, 0, 2}).row("t", {"y", 0, 0, 3}).row("t", {"z", 0, 0, 1}));
    EXPECT_EQ(t(), "'x' 0 0 2 | 'y' 0 0 3 | 'z' 0 0 1");
}

// A checkpoint cut and resumed may carry a row twice: the later form counts, whatever had to wait for its place.
TEST_F(ApplyTest, ARowThatComesTwiceCountsAsItCameLast) {
    scene.apply(scene.to(3).row("t", {"x", 0, 0, 1}).row("t", {"y", 0, 0, 2}));
    scene.apply(scene.to(4).row("t", {"x", 1, 0, 2}).row("t", {"y", 1, 0, 3}).row("t", {"x", 2, 0, 4}));
    EXPECT_EQ(t(), "'x' 2 0 4 | 'y' 1 0 3");
    scene.apply(scene.to(5).row("t", {"x", 3, 0, 3}).row("t", {"y", 3, 0, 1}).gone("t", {"x"}));
    EXPECT_EQ(t(), "'y' 3 0 1");
}

TEST(Apply, KeysThatDifferInCaseOnly) {
    ReplicaScene scene({"CREATE TABLE t(id TEXT COLLATE NOCASE PRIMARY KEY, a) WITHOUT ROWID"});
    scene.apply(scene.to(1).row("t", {"abc", 1}));
    scene.apply(scene.to(2).row("t", {"ABC", 2}).gone("t", {"abc"}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'ABC' 2");
    scene.apply(scene.to(3).gone("t", {"ABC"}).row("t", {"Abc", 3}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'Abc' 3");
    // A row of ours under the same key in other letters is a clash of keys.
    scene.run("INSERT INTO t VALUES ('new', 1)");
    scene.apply(scene.to(4).row("t", {"NEW", 2}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'Abc' 3 | 'NEW' 2");
    EXPECT_EQ(scene.outbox(), "1 expected");
    scene.apply(scene.to(5).gone("t", {"NEW"}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'Abc' 3 | 'new' 1");
    EXPECT_EQ(scene.outbox(), "1 pending");
}

TEST(Apply, EveryKindOfTable) {
    ReplicaScene scene({"CREATE TABLE generated(id INTEGER PRIMARY KEY, a, twice AS (a * 2) STORED, thrice AS (a * 3), z)",
                        "CREATE TABLE pairs(x TEXT, y INT, PRIMARY KEY (y, x)) WITHOUT ROWID",
                        "CREATE TABLE \"quo\"\"ted\"(\"the key\" PRIMARY KEY)"});
    for (int round = 0; round < 2; ++round) {
        scene.apply(scene.to(1).row("generated", {1, 5, "z"}).row("pairs", {"x", 1}).row("quo\"ted", {1.0}));
        EXPECT_EQ(scene.rows("SELECT * FROM generated"), "1 5 10 15 'z'");
        EXPECT_EQ(scene.rows("SELECT * FROM pairs"), "'x' 1");
        EXPECT_EQ(scene.rows("SELECT * FROM \"quo\"\"ted\""), "1.000000r");
    }
    scene.run("UPDATE generated SET a = 6; INSERT INTO pairs VALUES ('y', 1); INSERT INTO \"quo\"\"ted\" VALUES ('k')");
    scene.apply(scene.to(2).row("generated", {1, 5, "y"}).gone("pairs", {1, "x"}).gone("quo\"ted", {1.0}));
    EXPECT_EQ(scene.rows("SELECT * FROM generated"), "1 6 12 18 'y'");
    EXPECT_EQ(scene.rows("SELECT * FROM pairs"), "'y' 1");
    EXPECT_EQ(scene.rows("SELECT * FROM \"quo\"\"ted\""), "'k'");
}

TEST(Apply, ReferencesInAnyOrder) {
    ReplicaScene scene({"CREATE TABLE node(id INTEGER PRIMARY KEY, up INT REFERENCES node)",
                        "CREATE TABLE a(id INTEGER PRIMARY KEY, b INT REFERENCES b DEFERRABLE INITIALLY DEFERRED)",
                        "CREATE TABLE b(id INTEGER PRIMARY KEY, a INT REFERENCES a DEFERRABLE INITIALLY DEFERRED)",
                        "CREATE TABLE child(id INTEGER PRIMARY KEY, up INT REFERENCES node ON DELETE CASCADE)"});
    scene.apply(scene.to(1).row("node", {2, 1}).row("node", {1, 1}).row("a", {1, 1}).row("b", {1, 1}).row("child", {1, 2}));
    EXPECT_EQ(scene.rows("PRAGMA foreign_key_check"), "");
    EXPECT_EQ(scene.rows("SELECT * FROM node"), "1 1 | 2 1");
    // A cascade arrives as rows: here the hub kept the child, under another parent.
    scene.apply(scene.to(2).gone("node", {2}).row("child", {1, 1}));
    EXPECT_EQ(scene.rows("SELECT * FROM child"), "1 1");
}

// --- pending writes ---

TEST_F(ApplyTest, PendingCellsStayOnTop) {
    scene.apply(scene.to(3).row("t", {"x", 1, 2, nullptr}));
    scene.run("UPDATE t SET a = 5 WHERE id = 'x'");
    scene.apply(scene.to(4).row("t", {"x", 1, 3, nullptr}, scene.to(4).born(3)));
    EXPECT_EQ(t(), "'x' 5 3 NULL");
    EXPECT_EQ(scene.outbox(), "1 pending");
    const auto changes = scene.replica->outbox().changes({1});
    const ChangeView* change = changes->next();
    EXPECT_EQ(change->cells.size(), 1U) << "the transaction itself never changes";
    EXPECT_TRUE(change->cells[0].base == ValueView::integer(1));
    scene.restart();
    scene.apply(scene.to(5).row("t", {"x", 1, 4, nullptr}, scene.to(4).born(3)));
    EXPECT_EQ(t(), "'x' 5 4 NULL");
}

TEST_F(ApplyTest, AUsersOwnRowNeverBlinks) {
    scene.run("INSERT INTO t VALUES ('mine', 1, 1, NULL)");
    scene.apply(scene.to(1).row("t", {"other", 0, 0, nullptr}));
    EXPECT_EQ(t(), "'mine' 1 1 NULL | 'other' 0 0 NULL");
    // Ours alone, so the hub does not send it back.
    scene.apply(scene.accepting(2, {1}));
    EXPECT_EQ(t(), "'mine' 1 1 NULL | 'other' 0 0 NULL");
    scene.run("UPDATE t SET a = 2 WHERE id = 'mine'; DELETE FROM t WHERE id = 'other'");
    scene.apply(scene.accepting(3, {2}));
    EXPECT_EQ(t(), "'mine' 2 1 NULL");
    scene.apply(scene.accepting(4, {3}));
    EXPECT_EQ(t(), "'mine' 2 1 NULL");
    EXPECT_EQ(scene.outbox(), "");
}

TEST(Apply, ACounterAddsUp) {
    Schema schema = schema_of({"CREATE TABLE t(id TEXT PRIMARY KEY, n INT)"});
    schema.tables[0].columns[1].policy = ColumnPolicy::counter;
    ReplicaScene scene(schema);
    scene.apply(scene.to(1).row("t", {"x", 10}));
    scene.run("UPDATE t SET n = n + 1");
    scene.apply(scene.to(2).row("t", {"x", 15}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 16");
    scene.run("UPDATE t SET n = n + 1");
    scene.apply(scene.accepting(3, {1}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 17") << "the confirmed step is counted once";
    scene.apply(scene.accepting(4, {2}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 17");
}

TEST(Apply, ARowThatIsDecidedWholeStaysWhole) {
    Schema schema = schema_of({"CREATE TABLE t(id TEXT PRIMARY KEY, a, n INT, b)"});
    schema.tables[0].whole_rows = true;
    schema.tables[0].columns[2].policy = ColumnPolicy::counter;
    ReplicaScene scene(schema);
    scene.apply(scene.to(1).row("t", {"x", 1, 10, 1}));
    scene.run("UPDATE t SET a = 2; UPDATE t SET n = 11; UPDATE t SET a = 3; DELETE FROM t");
    scene.freeze();
    const auto cells = [&](uint64_t number) {
        std::string text;
        const auto changes = scene.replica->outbox().changes({number});
        for (const CellView& cell : changes->next()->cells)
            text += show(cell.base) + "->" + show(cell.value) + " ";
        return text;
    };
    EXPECT_EQ(cells(1), "1->2 1->1 ") << "the lww cells, as they were then";
    EXPECT_EQ(cells(2), "10->11 ");
    EXPECT_EQ(cells(3), "2->3 1->1 ");
}

TEST(Apply, ALaterRowIsShownWhole) {
    Schema schema = schema_of({"CREATE TABLE t(id TEXT PRIMARY KEY, a, b, n INT)"});
    schema.tables[0].whole_rows = true;
    schema.tables[0].columns[3].policy = ColumnPolicy::counter;
    ReplicaScene scene(schema);
    scene.apply(scene.to(1).row("t", {"x", 1, 1, 10}));
    scene.run("UPDATE t SET a = 2");
    scene.apply(scene.to(2).row("t", {"x", 1, 5, 15}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 2 1 15");
}

TEST(Apply, AnExpressionPredictsWhatTheHubWillDecide) {
    Schema schema = schema_of({"CREATE TABLE t(id TEXT PRIMARY KEY, a INTEGER NOT NULL)"});
    schema.tables[0].columns[1].policy = ColumnPolicy::sql;
    schema.tables[0].columns[1].expression = "100 * base + 10 * mine + theirs / (theirs - 4)";
    ReplicaScene scene(schema);
    scene.apply(scene.to(1).row("t", {"x", 1}));
    scene.run("UPDATE t SET a = 2");
    scene.apply(scene.to(2).row("t", {"x", 5}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 125");
    scene.apply(scene.to(3).row("t", {"x", 4}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 4") << "NULL is no value for the column: the stored one stays";
    scene.restart();
    scene.apply(scene.to(4).row("t", {"x", 6}));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 123");
}

TEST_F(ApplyTest, VerdictsMatchByNumberAndId) {
    scene.run("INSERT INTO t VALUES ('x', 1, 1, NULL)");
    Checkpoint twins = scene.accepting(1, {1});
    twins.end.verdicts[0].id.bytes[0] ^= 1;
    EXPECT_TRUE(scene.apply(std::move(twins)).verdicts.empty());
    EXPECT_EQ(scene.outbox(), "1 pending");
    EXPECT_EQ(scene.apply(scene.accepting(2, {1})).verdicts.size(), 1U);
    EXPECT_EQ(scene.outbox(), "");
    EXPECT_EQ(scene.count("tombolo_verdict"), 1);
}

TEST_F(ApplyTest, EntriesLeaveOnlyWhenCovered) {
    for (int i = 1; i <= 3; ++i)
        scene.run("INSERT INTO t VALUES ('" + std::to_string(i) + "', 1, 1, NULL)");
    scene.apply(scene.accepting(1, {2}));
    EXPECT_EQ(scene.outbox(), "1 pending, 3 pending");
    EXPECT_EQ(scene.replica->record().last_stamp, time_of(1));
    scene.apply(scene.accepting(2, {1, 3}));
    EXPECT_EQ(scene.outbox(), "");
}

TEST_F(ApplyTest, RejectedGoesToTheListAndTablesAreTheHubs) {
    scene.apply(scene.to(1).row("t", {"x", 1, 1, nullptr}).row("t", {"y", 1, 1, nullptr}));
    scene.run("BEGIN; UPDATE t SET a = 2 WHERE id = 'x'; DELETE FROM t WHERE id = 'y'; INSERT INTO t VALUES ('n', 1, 1, NULL); COMMIT");
    scene.run("UPDATE t SET b = 7 WHERE id = 'x'");
    scene.apply(scene.rejecting(2, 1, RejectCode::permission));
    EXPECT_EQ(t(), "'x' 1 7 NULL | 'y' 1 1 NULL");
    EXPECT_EQ(scene.outbox(), "1 rejected, 2 pending");
    const Entry entry = scene.replica->outbox().find({1}).value();
    EXPECT_EQ(entry.verdict->code, RejectCode::permission);
    EXPECT_EQ(entry.verdict->reason, "no");
    // Told again, it changes nothing; and what comes later stands without it.
    Checkpoint again = scene.to(3);
    again.end.verdicts.push_back(*entry.verdict);
    EXPECT_TRUE(scene.apply(std::move(again)).verdicts.empty());
    scene.apply(scene.accepting(4, {2}).row("t", {"x", 9, 7, nullptr}));
    EXPECT_EQ(t(), "'x' 9 7 NULL | 'y' 1 1 NULL");
    EXPECT_EQ(scene.outbox(), "1 rejected");
}

TEST_F(ApplyTest, DependantsOfARejectionAreHidden) {
    scene.run("INSERT INTO t VALUES ('n', 1, 1, NULL)");
    scene.run("UPDATE t SET a = 2 WHERE id = 'n'");
    scene.run("INSERT INTO t VALUES ('free', 1, 1, NULL)");
    scene.apply(scene.rejecting(1, 1).row("t", {"n", "theirs", 0, nullptr}));
    EXPECT_EQ(t(), "'free' 1 1 NULL | 'n' 'theirs' 0 NULL") << "an edit of our row does not hit the stranger's";
    EXPECT_EQ(scene.outbox(), "1 rejected, 2 expected, 3 pending");
    EXPECT_TRUE(scene.replica->outbox().next_after({0}).has_value()) << "what is expected is still sent";
    EXPECT_EQ(scene.replica->outbox().next_after({0})->header.number.value, 2U);
    scene.apply(scene.rejecting(2, 2, RejectCode::depends));
    EXPECT_EQ(scene.outbox(), "1 rejected, 2 rejected, 3 pending");
    EXPECT_EQ(t(), "'free' 1 1 NULL | 'n' 'theirs' 0 NULL");
}

TEST_F(ApplyTest, ADeletedRowComesBackWithAPendingUpdate) {
    scene.apply(scene.to(1).row("t", {"x", 1, 1, nullptr}));
    scene.run("UPDATE t SET a = 2 WHERE id = 'x'");
    scene.apply(scene.to(2).gone("t", {"x"}));
    EXPECT_EQ(t(), "'x' 2 1 NULL") << "update-wins";
    scene.run("UPDATE t SET b = 3 WHERE id = 'x'");
    scene.freeze();
    EXPECT_EQ(scene.replica->outbox().find({2})->header.depends, std::vector<TransactionNumber>{{1}}) << "the first one's revival made the row";
    scene.apply(scene.rejecting(3, 1));
    EXPECT_EQ(t(), "");
    EXPECT_EQ(scene.outbox(), "1 rejected, 2 expected");
}

TEST_F(ApplyTest, ADeleteThatLostComesBackWhole) {
    scene.apply(scene.to(1).row("t", {"x", 1, 1, nullptr}).row("t", {"y", 1, 1, nullptr}));
    scene.run("DELETE FROM t");
    RowMeta touched = scene.to(1).born(1);
    touched.touch.seq.value = 2;
    scene.apply(scene.to(2).row("t", {"x", 2, 1, nullptr}, touched));
    EXPECT_EQ(t(), "'x' 2 1 NULL | 'y' 1 1 NULL") << "all deletes of a transaction lose together";
    EXPECT_EQ(scene.outbox(), "1 pending");
    Checkpoint verdict = scene.to(3);
    verdict.end.verdicts.push_back(scene.verdict(1, 3, VerdictKind::merged));
    scene.apply(std::move(verdict));
    EXPECT_EQ(t(), "'x' 2 1 NULL | 'y' 1 1 NULL");
}

// --- stamps of predictions ---

// What the author had seen bounds the stamp from below: with a slow clock the write wins over everything it knew.
TEST_F(ApplyTest, ASlowClockDoesNotHideAWriteBehindWhatItsAuthorSaw) {
    scene.apply(scene.to(10).row("t", {"x", 1, 1, nullptr}));
    scene.world.clock.boot_now -= 3600 * limits::second;
    scene.run("UPDATE t SET a = 2");
    scene.world.clock.boot_now += 3600 * limits::second;
    RowMeta meta = scene.to(11).born(10);
    meta.cells.assign(4, {testing::other_site, {10}, {}, time_of(10)});
    meta.cells[1] = {testing::other_site, {11}, {}, time_of(9)};  // unseen, and older than the checkpoint our author had seen
    scene.apply(scene.to(11).row("t", {"x", 3, 1, nullptr}, meta));
    EXPECT_EQ(t(), "'x' 2 1 NULL");
}

// Own stamps grow with the numbers, also through transactions that are not shown or touch other rows.
TEST_F(ApplyTest, EarlierOwnTransactionsAdvanceTheStamp) {
    scene.apply(scene.to(10).row("t", {"x", 1, 1, nullptr}));
    scene.run("INSERT INTO t VALUES ('elsewhere', 1, 1, NULL)");
    scene.run("INSERT INTO t VALUES ('clash', 1, 1, 5)");
    scene.world.clock.boot_now -= 500 * limits::second;
    scene.run("UPDATE t SET a = 2 WHERE id = 'x'");
    scene.world.clock.boot_now += 500 * limits::second;
    RowMeta meta = scene.to(11).born(10);
    meta.cells.assign(4, {testing::other_site, {10}, {}, time_of(10)});
    meta.cells[1] = {testing::other_site, {11}, {}, time_of(900)};  // between the slow clock's time and the first one's
    scene.apply(scene.to(901).row("t", {"x", 3, 1, nullptr}, meta).row("t", {"theirs", 0, 0, 5}));
    EXPECT_EQ(scene.outbox(), "1 pending, 2 expected, 3 pending");
    EXPECT_EQ(t(), "'elsewhere' 1 1 NULL | 'theirs' 0 0 5 | 'x' 2 1 NULL");
}

// --- clashes ---

TEST_F(ApplyTest, AUniqueClashHidesThePendingTransactionWhole) {
    scene.run("BEGIN; INSERT INTO t VALUES ('m', 1, 1, 5); INSERT INTO t VALUES ('with it', 1, 1, NULL); COMMIT");
    scene.run("UPDATE t SET a = 2 WHERE id = 'with it'");
    scene.run("INSERT INTO t VALUES ('free', 1, 1, 6)");
    scene.apply(scene.to(1).row("t", {"theirs", 0, 0, 5}));
    EXPECT_EQ(t(), "'free' 1 1 6 | 'theirs' 0 0 5");
    EXPECT_EQ(scene.outbox(), "1 expected, 2 expected, 3 pending");
    // The clash goes away, and they return.
    scene.apply(scene.to(2).row("t", {"theirs", 0, 0, 50}));
    EXPECT_EQ(t(), "'free' 1 1 6 | 'm' 1 1 5 | 'theirs' 0 0 50 | 'with it' 2 1 NULL");
    EXPECT_EQ(scene.outbox(), "1 pending, 2 pending, 3 pending");
}

TEST_F(ApplyTest, WhatWasExpectedReturnsWhenTheHubAcceptsIt) {
    scene.run("INSERT INTO t VALUES ('m', 1, 1, 5)");
    scene.run("UPDATE t SET b = 2 WHERE id = 'm'");
    scene.apply(scene.to(1).row("t", {"theirs", 0, 0, 5}));
    EXPECT_EQ(scene.outbox(), "1 expected, 2 expected");
    scene.apply(scene.accepting(2, {1}).gone("t", {"theirs"}));
    EXPECT_EQ(t(), "'m' 1 2 5");
    EXPECT_EQ(scene.outbox(), "2 pending");
}

TEST_F(ApplyTest, APrimaryKeyClash) {
    scene.run("INSERT INTO t VALUES ('k', 'mine', 1, NULL)");
    scene.apply(scene.to(1).row("t", {"k", "theirs", 2, nullptr}));
    EXPECT_EQ(t(), "'k' 'theirs' 2 NULL");
    EXPECT_EQ(scene.outbox(), "1 expected");
    // An edit of their row does not depend on the transaction that is hidden.
    scene.run("UPDATE t SET b = 3 WHERE id = 'k'");
    scene.apply(scene.rejecting(2, 1, RejectCode::primary_key));
    EXPECT_EQ(t(), "'k' 'theirs' 3 NULL");
    EXPECT_EQ(scene.outbox(), "1 rejected, 2 pending");
}

TEST(Apply, ACheckOverCellsOfBothSides) {
    ReplicaScene scene({"CREATE TABLE t(id TEXT PRIMARY KEY, low INT NOT NULL, high INT NOT NULL, CHECK (low <= high))"});
    scene.apply(scene.to(1).row("t", {"x", 1, 9}));
    scene.run("UPDATE t SET low = 7");
    scene.apply(scene.to(2).row("t", {"x", 1, 5}, scene.to(2).born(1)));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 1 5");
    EXPECT_EQ(scene.outbox(), "1 expected");
    scene.apply(scene.to(3).row("t", {"x", 1, 8}, scene.to(2).born(1)));
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 7 8");
    EXPECT_EQ(scene.outbox(), "1 pending");
}

TEST_F(ApplyTest, AnArrivedRowThatOnlyThisDevicesConstraintRefusesIsAnError) {
    scene.run("CREATE UNIQUE INDEX only_here ON t(a)");
    scene.apply(scene.to(1).row("t", {"x", 1, 1, nullptr}));
    EXPECT_THROW(scene.apply(scene.to(2).row("t", {"y", 1, 1, nullptr})), Error);
    EXPECT_EQ(t(), "'x' 1 1 NULL");
    EXPECT_EQ(scene.cursor(), 1U);
    scene.run("DROP INDEX only_here");
    scene.apply(scene.to(2).row("t", {"y", 1, 1, nullptr}));
    EXPECT_EQ(t(), "'x' 1 1 NULL | 'y' 1 1 NULL");
}

struct ForeignKeyTest : ::testing::Test {
    ReplicaScene scene{std::vector<std::string>{"CREATE TABLE p(id TEXT PRIMARY KEY, code UNIQUE)",
                                                "CREATE TABLE c(id TEXT PRIMARY KEY, up TEXT REFERENCES p, code REFERENCES p(code))"}};
};

TEST_F(ForeignKeyTest, AParentThatWentAwayHidesThePendingChild) {
    scene.apply(scene.to(1).row("p", {"p1", 7}));
    scene.run("INSERT INTO c VALUES ('c1', 'p1', NULL)");
    scene.apply(scene.to(2).gone("p", {"p1"}));
    EXPECT_EQ(scene.count("c"), 0);
    EXPECT_EQ(scene.outbox(), "1 expected");
    scene.apply(scene.to(3).row("p", {"p1", 7}));
    EXPECT_EQ(scene.rows("SELECT id FROM c"), "'c1'");
    EXPECT_EQ(scene.outbox(), "1 pending");
}

TEST_F(ForeignKeyTest, AParentNamedByAnotherColumn) {
    scene.apply(scene.to(1).row("p", {"p1", 7}));
    scene.run("INSERT INTO c VALUES ('c1', NULL, 7)");
    scene.apply(scene.to(2).row("p", {"p1", 8}));
    EXPECT_EQ(scene.count("c"), 0);
    EXPECT_EQ(scene.outbox(), "1 expected");
    scene.apply(scene.to(3).row("p", {"p1", 7}));
    EXPECT_EQ(scene.count("c"), 1);
    scene.apply(scene.to(4).gone("p", {"p1"}));
    EXPECT_EQ(scene.count("c"), 0);
}

TEST_F(ForeignKeyTest, AnArrivedChildBringsBackAParentErasedHere) {
    scene.apply(scene.to(1).row("p", {"p1", 7}).row("p", {"p2", 8}));
    scene.run("DELETE FROM p WHERE id = 'p1'");
    scene.run("DELETE FROM p WHERE id = 'p2'");
    scene.apply(scene.to(2).row("c", {"c1", "p1", nullptr}));
    EXPECT_EQ(scene.rows("SELECT id FROM p"), "'p1'");
    EXPECT_EQ(scene.outbox(), "1 expected, 2 pending");
    scene.apply(scene.to(3).row("c", {"c2", nullptr, 8}));
    EXPECT_EQ(scene.rows("SELECT id FROM p"), "'p1' | 'p2'");
    EXPECT_EQ(scene.outbox(), "1 expected, 2 expected");
    EXPECT_EQ(scene.rows("PRAGMA foreign_key_check"), "");
}

TEST_F(ForeignKeyTest, AChildArrivesBeforeItsParent) {
    scene.run("INSERT INTO p VALUES ('mine', 1)");
    scene.apply(scene.to(2).row("c", {"c1", "p1", nullptr}).row("p", {"p1", 7}));
    EXPECT_EQ(scene.outbox(), "1 pending");
    EXPECT_EQ(scene.rows("PRAGMA foreign_key_check"), "");
}

// --- the application's triggers ---

TEST(Apply, TriggersKeepAnIndexRight) {
    ReplicaScene scene({"CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT)"});
    scene.run(R"(CREATE VIRTUAL TABLE found USING fts5(body, content = 'note', content_rowid = 'id');
        CREATE TRIGGER note_in AFTER INSERT ON note BEGIN INSERT INTO found(rowid, body) VALUES (NEW.id, NEW.body); END;
        CREATE TRIGGER note_out AFTER DELETE ON note BEGIN INSERT INTO found(found, rowid, body) VALUES ('delete', OLD.id, OLD.body); END;
        CREATE TRIGGER note_up AFTER UPDATE ON note BEGIN
            INSERT INTO found(found, rowid, body) VALUES ('delete', OLD.id, OLD.body);
            INSERT INTO found(rowid, body) VALUES (NEW.id, NEW.body); END;)");
    scene.apply(scene.to(1).row("note", {1, "one fish"}).row("note", {2, "two fish"}));
    EXPECT_EQ(scene.rows("SELECT rowid FROM found WHERE found MATCH 'fish' ORDER BY 1"), "1 | 2");
    scene.apply(scene.to(2).row("note", {1, "red fish"}).gone("note", {2}));
    EXPECT_EQ(scene.rows("SELECT rowid FROM found WHERE found MATCH 'fish'"), "1");
    EXPECT_EQ(scene.rows("SELECT rowid FROM found WHERE found MATCH 'one'"), "");
    scene.apply(scene.to(3).rebuild().row("note", {7, "blue fish"}));
    EXPECT_EQ(scene.rows("SELECT rowid FROM found WHERE found MATCH 'fish'"), "7");
    scene.run("INSERT INTO found(found, rank) VALUES ('integrity-check', 1)");
}

struct TriggerTest : ::testing::Test {
    ReplicaScene scene{std::vector<std::string>{"CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "CREATE TABLE s(id INTEGER PRIMARY KEY, n)"}};
    void SetUp() override { scene.run("CREATE TABLE local_log(what, id UNIQUE)"); }
};

TEST_F(TriggerTest, WhatTheyWriteToSyncedTablesIsLeftOut) {
    scene.apply(scene.to(1).row("s", {1, 1}).row("s", {2, 2}));
    scene.run(R"(CREATE TRIGGER t_in AFTER INSERT ON t BEGIN
        INSERT INTO s VALUES (NEW.id + 100, 0); UPDATE s SET n = n + 1 WHERE id = 1; DELETE FROM s WHERE id = 2;
        INSERT INTO local_log VALUES ('in', NEW.id); END;
        CREATE TRIGGER t_out AFTER DELETE ON t BEGIN DELETE FROM s; DELETE FROM t; INSERT INTO local_log VALUES ('out', -OLD.id); END;)");
    scene.apply(scene.to(2).row("t", {1, 1}).row("t", {2, 1}));
    EXPECT_EQ(scene.rows("SELECT * FROM s"), "1 1 | 2 2");
    EXPECT_EQ(scene.rows("SELECT * FROM local_log"), "'in' 1 | 'in' 2");
    scene.apply(scene.to(3).gone("t", {1}));
    EXPECT_EQ(scene.rows("SELECT * FROM s"), "1 1 | 2 2");
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "2 1");
    EXPECT_EQ(scene.count("local_log"), 3);
    EXPECT_TRUE(scene.replica->outbox().log_is_empty());
    // On the application's own connection they do all they do.
    scene.run("INSERT INTO t VALUES (3, 1)");
    EXPECT_EQ(scene.rows("SELECT * FROM s"), "1 2 | 103 0");
}

TEST_F(TriggerTest, ATriggersOwnConflictClauseHolds) {
    scene.run(
        "CREATE TRIGGER t_in AFTER INSERT ON t BEGIN INSERT OR REPLACE INTO local_log VALUES (NEW.a, 1); END;"
        "CREATE TRIGGER t_up AFTER UPDATE ON t BEGIN INSERT OR REPLACE INTO local_log VALUES ('up ' || NEW.a, 1); END;"
        "CREATE TRIGGER t_out AFTER DELETE ON t BEGIN INSERT INTO local_log VALUES ('gone', OLD.id); END");
    scene.apply(scene.to(1).row("t", {10, 1}));
    scene.apply(scene.to(2).row("t", {10, 2}));
    EXPECT_EQ(scene.rows("SELECT * FROM local_log"), "'up 2' 1") << "an update is an update, not a delete and an insert";
}

TEST_F(TriggerTest, ATriggerMadeLaterCounts) {
    scene.apply(scene.to(1).row("t", {1, 1}));
    scene.run("CREATE TRIGGER t_in AFTER INSERT ON t BEGIN INSERT INTO s VALUES (NEW.id, 0); INSERT INTO local_log VALUES ('in', NEW.id); END");
    scene.apply(scene.to(2).row("t", {2, 1}));
    EXPECT_EQ(scene.rows("SELECT * FROM local_log"), "'in' 2");
    EXPECT_EQ(scene.count("s"), 0);
    scene.run("DROP TRIGGER t_in");
    scene.apply(scene.to(3).row("t", {3, 1}));
    EXPECT_EQ(scene.count("local_log"), 1);
}

TEST(Apply, AConflictClauseOfTheTableDisplacesNothing) {
    ReplicaScene scene({"CREATE TABLE t(id TEXT PRIMARY KEY, u UNIQUE ON CONFLICT REPLACE)"});
    scene.run("INSERT INTO t VALUES ('mine', 5)");
    scene.apply(scene.to(1).row("t", {"theirs", 5}));
    EXPECT_EQ(scene.outbox(), "1 expected");
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'theirs' 5");
}

// --- a whole image ---

TEST_F(ApplyTest, AWholeImageKeepsPending) {
    scene.apply(scene.to(5).row("t", {"old", 1, 1, nullptr}).row("t", {"x", 1, 1, nullptr}));
    scene.run("UPDATE t SET a = 2 WHERE id = 'x'");
    scene.run("INSERT INTO t VALUES ('mine', 1, 1, NULL)");
    scene.apply(scene.to(9).rebuild().row("t", {"x", 1, 8, nullptr}).row("t", {"new", 1, 1, nullptr}));
    EXPECT_EQ(t(), "'mine' 1 1 NULL | 'new' 1 1 NULL | 'x' 2 8 NULL");
    EXPECT_EQ(scene.outbox(), "1 pending, 2 pending");
    scene.apply(scene.to(10).rebuild());
    EXPECT_EQ(t(), "'mine' 1 1 NULL");
    EXPECT_EQ(scene.outbox(), "1 expected, 2 pending");
}

TEST_F(ApplyTest, AWholeImageIsAllThereIs) {
    scene.run("INSERT INTO t VALUES ('mine', 1, 1, NULL)");
    Checkpoint image = scene.accepting(5, {1});  // and deleted there since
    scene.apply(std::move(image.rebuild()));
    EXPECT_EQ(t(), "");
    EXPECT_EQ(scene.outbox(), "");
}

TEST_F(ApplyTest, AWholeImageInManyPartsThroughTheSpool) {
    scene.apply(scene.to(5).row("t", {"old", 1, 1, 1}));
    Checkpoint image = scene.to(9);
    image.rebuild();
    for (int part = 0; part < 3; ++part) {
        for (int i = 0; i < 100; ++i)
            image.row("t", {std::to_string(part * 100 + i), i, part, part * 100 + i});
        image.cut();
    }
    image.row("t", {"7", "again", 0, 1000});  // changed while the image was on its way
    image.cut();
    for (size_t i = 0; i < 3; ++i)
        scene.replica->spool(image.parts[i]);
    EXPECT_EQ(scene.rows("SELECT id FROM t"), "'old'") << "applied when whole";
    EXPECT_EQ(scene.replica->resume_point()->position, "p2");
    EXPECT_EQ(scene.replica->resume_point()->target.value, 9U);
    scene.restart();
    EXPECT_EQ(scene.replica->resume_point()->position, "p2");
    EXPECT_EQ(scene.replica->apply({image.parts[3]}, image.end).rows, 301U);
    EXPECT_EQ(scene.count("t"), 300);
    EXPECT_EQ(scene.rows("SELECT a FROM t WHERE id = '7'"), "'again'");
    EXPECT_FALSE(scene.replica->resume_point().has_value());
    EXPECT_EQ(scene.count("tombolo_spool"), 0);
}

TEST_F(ApplyTest, AMalformedCheckpointChangesNothing) {
    scene.run("INSERT INTO t VALUES ('mine', 1, 1, NULL)");
    Checkpoint bad = scene.accepting(5, {1}).row("t", {"x", 1, 1, nullptr});
    std::vector<std::string> parts = bad.take_parts();
    wire::CheckpointPart broken;
    broken.rows = "\x01tgarbage";
    parts.push_back(wire::encode(broken));
    EXPECT_THROW(scene.replica->apply(parts, bad.end), Error);
    EXPECT_EQ(t(), "'mine' 1 1 NULL");
    EXPECT_EQ(scene.cursor(), 0U);
    EXPECT_EQ(scene.outbox(), "1 pending");
    scene.apply(scene.accepting(5, {1}).row("t", {"x", 1, 1, nullptr}));
    EXPECT_EQ(t(), "'mine' 1 1 NULL | 'x' 1 1 NULL");
}

TEST_F(ApplyTest, ABusyFileLosesNothing) {
    scene.run("INSERT INTO t VALUES ('mine', 1, 1, NULL)");
    Checkpoint checkpoint = scene.accepting(1, {1}).row("t", {"x", 1, 1, nullptr});
    scene.run("BEGIN IMMEDIATE");
    try {
        scene.apply(checkpoint);
        FAIL() << "the file was locked";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::busy);
    }
    scene.run("COMMIT");
    scene.apply(checkpoint);
    EXPECT_EQ(t(), "'mine' 1 1 NULL | 'x' 1 1 NULL");
}

}  // namespace
}  // namespace tombolo::device
