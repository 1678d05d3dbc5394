#include "device/rejected.h"

#include <gtest/gtest.h>

#include "device/replica_scene_test.h"

namespace tombolo::device {
namespace {

using namespace testing;

// What `step` throws, as "code: sentence; advice"; empty if nothing.
template <typename Step>
std::string error_of(const Step& step) {
    try {
        step();
    } catch (const Error& error) {
        return std::string(to_string(error.code())) + ": " + error.what() + "; " + error.advice();
    }
    return {};
}

class RejectedTest : public ::testing::Test {
protected:
    std::string t() { return scene.rows("SELECT * FROM t ORDER BY id"); }
    TransactionNumber retry(uint64_t number, const std::vector<Correction>& corrections = {}) { return scene.replica->retry({number}, corrections); }
    TransactionHeader header(uint64_t number) { return scene.replica->outbox().find({number}).value().header; }
    Verdict verdict_of(uint64_t number) { return scene.replica->outbox().find({number}).value().verdict.value(); }

    ReplicaScene scene{{"CREATE TABLE t(id TEXT PRIMARY KEY, a INTEGER, b, u TEXT UNIQUE, CHECK (a IS NOT 13))"}};
};

TEST_F(RejectedTest, ARetryIsTheSameTransactionUnderAnotherNumber) {
    scene.apply(scene.to(1).row("t", {"x", 1, 1, nullptr}).row("t", {"y", 1, 1, nullptr}));
    scene.run("BEGIN; UPDATE t SET a = 2 WHERE id = 'x'; DELETE FROM t WHERE id = 'y'; INSERT INTO t VALUES ('n', 5, NULL, NULL); COMMIT");
    scene.apply(scene.rejecting(2, 1, RejectCode::permission));
    const TransactionHeader before = header(1);
    ASSERT_EQ(t(), "'x' 1 1 NULL | 'y' 1 1 NULL");

    EXPECT_EQ(retry(1).value, 2U);
    EXPECT_EQ(t(), "'n' 5 NULL NULL | 'x' 2 1 NULL") << "it is shown again, offline too";
    EXPECT_EQ(scene.outbox(), "2 pending");
    const TransactionHeader now = header(2);
    EXPECT_NE(now.id, before.id);
    EXPECT_EQ(now.seen, before.seen) << "judged against everything written since";
    EXPECT_EQ(now.written_at, before.written_at);
    EXPECT_TRUE(now.retry);
    EXPECT_EQ(now.stamp, time_of(2)) << "the stamp recorded with the rejection";
    EXPECT_EQ(scene.replica->outbox().last().first.value, 2U);

    scene.run("UPDATE t SET b = 7 WHERE id = 'x'");
    scene.apply(scene.accepting(4, {2, 3}));
    EXPECT_EQ(t(), "'n' 5 NULL NULL | 'x' 2 7 NULL");
    EXPECT_EQ(scene.outbox(), "");
    EXPECT_EQ(scene.count("tombolo_under"), 0);
    EXPECT_NE(error_of([&] { retry(1); }).find("not-found"), std::string::npos) << "its number is retired";
}

TEST_F(RejectedTest, ARetryCanBeRejectedAgain) {
    scene.run("INSERT INTO t VALUES ('n', 1, 1, 'taken')");
    scene.apply(scene.rejecting(1, 1).row("t", {"o", 1, 1, "taken"}));
    retry(1);
    EXPECT_EQ(scene.outbox(), "2 expected") << "the clash is still there; it is queued all the same";
    EXPECT_EQ(t(), "'o' 1 1 'taken'");
    scene.apply(scene.rejecting(2, 2));
    EXPECT_EQ(scene.outbox(), "2 rejected");
    EXPECT_EQ(header(2).stamp, time_of(1));
    retry(2);
    scene.apply(scene.to(3).gone("t", {"o"}));
    EXPECT_EQ(scene.outbox(), "3 pending") << "what stood in its way is gone";
    EXPECT_EQ(t(), "'n' 1 1 'taken'");
    EXPECT_EQ(header(3).stamp, time_of(2)) << "of the rejection before";
}

TEST_F(RejectedTest, WhatNeedsItNamesTheNewNumberAndComesAfter) {
    scene.run("INSERT INTO t VALUES ('n', 1, 1, NULL)");
    scene.run("UPDATE t SET a = 2 WHERE id = 'n'");
    scene.run("UPDATE t SET a = 3 WHERE id = 'n'");
    scene.apply(scene.rejecting(1, 1));
    Checkpoint rest = scene.to(2);
    rest.end.verdicts = {scene.verdict(2, 2, VerdictKind::rejected, RejectCode::depends)};
    rest.end.verdicts[0].depends_on.value = 1;
    scene.apply(std::move(rest));
    ASSERT_EQ(scene.outbox(), "1 rejected, 2 rejected, 3 expected");

    const std::string refused = error_of([&] { retry(2); });
    EXPECT_NE(refused.find("needs transaction 1"), std::string::npos) << refused;
    EXPECT_NE(refused.find("retry transaction 1 first"), std::string::npos) << refused;
    EXPECT_EQ(retry(1).value, 4U);
    EXPECT_EQ(scene.outbox(), "2 rejected, 3 expected, 4 pending") << "3 still names the old number, which stays refused";
    EXPECT_EQ(t(), "'n' 1 1 NULL");
    EXPECT_EQ(header(2).depends, std::vector<TransactionNumber>{{4}});
    EXPECT_EQ(verdict_of(2).depends_on.value, 4U);

    Checkpoint third = scene.to(3);
    third.end.verdicts = {scene.verdict(3, 3, VerdictKind::rejected, RejectCode::depends)};
    third.end.verdicts[0].depends_on.value = 1;
    scene.apply(std::move(third));
    EXPECT_EQ(header(3).depends, std::vector<TransactionNumber>{{4}}) << "refused after the retry";
    EXPECT_EQ(verdict_of(3).depends_on.value, 4U);

    retry(2);
    retry(3);
    EXPECT_EQ(t(), "'n' 3 1 NULL");
    scene.apply(scene.accepting(6, {4, 5, 6}));
    EXPECT_EQ(t(), "'n' 3 1 NULL");
    EXPECT_EQ(scene.outbox(), "");
}

TEST_F(RejectedTest, AnOwnLaterWriteIsNotOverwrittenByARetry) {
    scene.apply(scene.to(1).row("t", {"x", 1, 1, nullptr}));
    scene.run("UPDATE t SET a = 2 WHERE id = 'x'");
    scene.apply(scene.rejecting(2, 1));
    scene.run("UPDATE t SET a = 3 WHERE id = 'x'");
    scene.apply(scene.accepting(3, {2}));  // without the row, which this device alone wrote
    retry(1);
    EXPECT_EQ(t(), "'x' 3 1 NULL");
    EXPECT_EQ(scene.outbox(), "3 pending");
}

TEST_F(RejectedTest, AnOwnLaterDeleteEndsARetry) {
    scene.apply(scene.to(1).row("t", {"x", 1, 1, nullptr}));
    scene.run("UPDATE t SET a = 2 WHERE id = 'x'");
    scene.apply(scene.rejecting(2, 1));
    scene.run("DELETE FROM t WHERE id = 'x'");
    scene.apply(scene.accepting(3, {2}));
    retry(1);
    EXPECT_EQ(t(), "");
    EXPECT_EQ(scene.outbox(), "3 expected");
}

TEST_F(RejectedTest, ACorrectionIsANewEdit) {
    scene.apply(scene.to(1).row("t", {"x", 1, 1, "x@y"}).row("t", {"y", 1, 1, nullptr}));
    scene.run("BEGIN; UPDATE t SET a = 5, u = 'z@y' WHERE id = 'y'; DELETE FROM t WHERE id = 'x'; COMMIT");
    scene.apply(scene.rejecting(2, 1).row("t", {"z", 1, 1, "z@y"}));
    scene.apply(scene.to(3).gone("t", {"x"}));
    ASSERT_EQ(t(), "'y' 1 1 NULL | 'z' 1 1 'z@y'");

    EXPECT_EQ(retry(1, {{"u", "free@y"}}).value, 2U);
    EXPECT_EQ(t(), "'y' 5 1 'free@y' | 'z' 1 1 'z@y'");
    const TransactionHeader now = header(2);
    EXPECT_FALSE(now.retry);
    EXPECT_EQ(now.seen.seq.value, 3U) << "its author has seen what is here now";
    EXPECT_EQ(scene.replica->outbox().find({2})->changes, 1) << "the other row is gone already";
    EXPECT_EQ(scene.count("tombolo_under WHERE key = x'0378'"), 0);
    scene.apply(scene.accepting(4, {2}));
    EXPECT_EQ(scene.outbox(), "");
    EXPECT_EQ(scene.count("tombolo_under"), 0);
}

TEST_F(RejectedTest, ValuesAreStoredAsSqlWouldStoreThem) {
    scene.run("INSERT INTO t VALUES ('n', 1, 1, NULL)");
    scene.apply(scene.rejecting(1, 1));
    retry(1, {{"a", "12"}, {"b", "12"}, {"u", 7}});
    EXPECT_EQ(t(), "'n' 12 '12' '7'");
}

TEST_F(RejectedTest, ACorrectionThatCannotStandChangesNothing) {
    scene.run("INSERT INTO t VALUES ('n', 1, 1, 'taken')");
    scene.apply(scene.rejecting(1, 1).row("t", {"o", 1, 1, "taken"}).row("t", {"p", 1, 1, "p"}));
    EXPECT_NE(error_of([&] { retry(1, {{"u", "p"}}); }).find("constraint: "), std::string::npos);
    EXPECT_NE(error_of([&] { retry(1, {{"u", "free"}, {"a", 13}}); }).find("constraint: "), std::string::npos) << "the check";
    EXPECT_NE(error_of([&] { retry(1, {{"id", "o"}, {"u", "free"}}); }).find("another row with this primary key"), std::string::npos);
    EXPECT_EQ(scene.outbox(), "1 rejected");
    EXPECT_EQ(t(), "'o' 1 1 'taken' | 'p' 1 1 'p'");
    EXPECT_EQ(scene.replica->outbox().last().first.value, 1U);
    retry(1, {{"id", "m"}, {"u", "free"}});
    EXPECT_EQ(t(), "'m' 1 1 'free' | 'o' 1 1 'taken' | 'p' 1 1 'p'") << "the key of a new row may be corrected";
}

TEST_F(RejectedTest, ACorrectionNamesOneCell) {
    scene.run("BEGIN; INSERT INTO t VALUES ('m', 1, 1, 'm'), ('n', 1, 1, 'n'); COMMIT");
    scene.apply(scene.rejecting(1, 1));
    const std::string ambiguous = error_of([&] { retry(1, {{"t.u", "free"}}); });
    EXPECT_NE(ambiguous.find("say which: 1.u (of t), 2.u (of t)"), std::string::npos) << ambiguous;
    EXPECT_NE(error_of([&] { retry(1, {{"nothing", 1}}); }).find("usage: "), std::string::npos);
    EXPECT_NE(error_of([&] { retry(1, {{"3.u", 1}}); }).find("usage: "), std::string::npos);
    EXPECT_NE(error_of([&] { retry(1, {{"2.id", "m"}}); }).find("would name one row"), std::string::npos);
    retry(1, {{"2.u", "second"}});
    EXPECT_EQ(t(), "'m' 1 1 'm' | 'n' 1 1 'second'");
}

TEST_F(RejectedTest, ACorrectedKeyLeavesNobodyBehind) {
    scene.run("INSERT INTO t VALUES ('n', 1, 1, NULL)");
    scene.run("UPDATE t SET a = 2 WHERE id = 'n'");
    scene.apply(scene.rejecting(1, 1).row("t", {"n", 9, 9, nullptr}));
    EXPECT_NE(error_of([&] { retry(1, {{"id", "m"}}); }).find("discard those that need it first"), std::string::npos);
}

TEST(Corrected, IncrementsAreKept) {
    Schema schema = schema_of({"CREATE TABLE c(id TEXT PRIMARY KEY, n INTEGER, note TEXT)"});
    schema.tables[0].columns[1].policy = ColumnPolicy::counter;
    ReplicaScene scene(schema);
    scene.apply(scene.to(1).row("c", {"x", 10, "a"}));
    scene.run("UPDATE c SET n = n + 1, note = 'bad' WHERE id = 'x'");
    scene.apply(scene.rejecting(2, 1));
    scene.apply(scene.to(3).row("c", {"x", 15, "a"}));
    scene.replica->retry({1}, {{"note", "good"}});
    EXPECT_EQ(scene.rows("SELECT * FROM c"), "'x' 16 'good'");
}

TEST_F(RejectedTest, DiscardingLeavesTheHubsRows) {
    scene.apply(scene.to(1).row("t", {"x", 1, 1, nullptr}));
    scene.run("UPDATE t SET a = 2 WHERE id = 'x'");
    scene.run("UPDATE t SET b = 3 WHERE id = 'x'");
    scene.apply(scene.rejecting(2, 1));
    scene.replica->discard({1}, false, "ann");
    EXPECT_EQ(t(), "'x' 1 3 NULL");
    EXPECT_EQ(scene.outbox(), "2 pending");
    const Retired retired = RetiredNumbers(scene.app).find({1}).value();
    EXPECT_EQ(retired.verdict.kind, VerdictKind::discarded);
    EXPECT_EQ(retired.verdict.code, RejectCode::unique);
    EXPECT_EQ(retired.by, "ann");
    scene.apply(scene.accepting(3, {2}));
    EXPECT_EQ(t(), "'x' 1 3 NULL");
    EXPECT_EQ(scene.count("tombolo_under"), 0);
    EXPECT_NE(error_of([&] { scene.replica->discard({1}, false); }).find("not-found"), std::string::npos);
}

TEST_F(RejectedTest, DiscardingAsksForDependants) {
    scene.run("INSERT INTO t VALUES ('n', 1, 1, NULL)");
    scene.run("UPDATE t SET a = 2 WHERE id = 'n'");
    scene.run("INSERT INTO t VALUES ('free', 1, 1, NULL)");
    scene.apply(scene.rejecting(1, 1));
    EXPECT_NE(error_of([&] { scene.replica->discard({1}, false); }).find("transaction 2 needs transaction 1"), std::string::npos);
    EXPECT_NE(error_of([&] { scene.replica->discard({1}, true); }).find("has not decided it yet"), std::string::npos);
    scene.apply(scene.rejecting(2, 2, RejectCode::depends));
    EXPECT_NE(error_of([&] { scene.replica->discard({1}, false); }), "");
    ASSERT_EQ(scene.outbox(), "1 rejected, 2 rejected, 3 pending");
    scene.replica->discard({1}, true);
    EXPECT_EQ(scene.outbox(), "3 pending");
    EXPECT_EQ(t(), "'free' 1 1 NULL");
    EXPECT_EQ(scene.count("tombolo_retired"), 2);
    EXPECT_EQ(scene.count("tombolo_under"), 0);
}

TEST_F(RejectedTest, OnlyWhatIsRejectedCanBeEnded) {
    scene.run("INSERT INTO t VALUES ('n', 1, 1, 'taken')");
    scene.freeze();
    EXPECT_NE(error_of([&] { retry(1); }).find("not-found"), std::string::npos) << "it is pending";
    scene.apply(scene.to(1).row("t", {"o", 1, 1, "taken"}));
    ASSERT_EQ(scene.outbox(), "1 expected");
    EXPECT_NE(error_of([&] { retry(1); }).find("has not decided"), std::string::npos);
    EXPECT_NE(error_of([&] { scene.replica->discard({1}, false); }).find("has not decided"), std::string::npos);
    EXPECT_NE(error_of([&] { retry(99); }).find("not-found"), std::string::npos);
}

// The application's own triggers ran when it wrote: what they wrote is part of the transaction.
TEST(Retry, TriggersDoNotRunTwice) {
    ReplicaScene scene({"CREATE TABLE t(id TEXT PRIMARY KEY, u TEXT UNIQUE)", "CREATE TABLE log(id TEXT PRIMARY KEY, n INTEGER)",
                        "CREATE TRIGGER count AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id, 1) ON CONFLICT DO UPDATE SET n = n + 1; END"});
    scene.run("INSERT INTO t VALUES ('n', 'u')");
    scene.apply(scene.rejecting(1, 1));
    scene.replica->retry({1});
    EXPECT_EQ(scene.rows("SELECT * FROM log"), "'n' 1");
    scene.apply(scene.rejecting(2, 2));
    scene.replica->retry({2}, {{"u", "v"}});
    EXPECT_EQ(scene.rows("SELECT * FROM log"), "'n' 1");
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'n' 'v'");
}

TEST(Retry, ASwapOfUniqueValuesComesBack) {
    ReplicaScene scene({"CREATE TABLE t(id TEXT PRIMARY KEY, u TEXT UNIQUE)"});
    scene.apply(scene.to(1).row("t", {"x", "1"}).row("t", {"y", "2"}));
    scene.run("BEGIN; UPDATE t SET u = 'aside' WHERE id = 'x'; UPDATE t SET u = '1' WHERE id = 'y'; UPDATE t SET u = '2' WHERE id = 'x'; COMMIT");
    scene.apply(scene.rejecting(2, 1, RejectCode::permission));
    ASSERT_EQ(scene.rows("SELECT * FROM t ORDER BY id"), "'x' '1' | 'y' '2'");
    scene.replica->retry({1});
    EXPECT_EQ(scene.rows("SELECT * FROM t ORDER BY id"), "'x' '2' | 'y' '1'");
}

TEST(Retry, AChildReturnsOnceItsParentIsBack) {
    ReplicaScene scene({"CREATE TABLE parent(id TEXT PRIMARY KEY)", "CREATE TABLE child(id TEXT PRIMARY KEY, parent TEXT REFERENCES parent(id))"});
    scene.apply(scene.to(1).row("parent", {"p"}));
    scene.run("INSERT INTO child VALUES ('c', 'p')");
    scene.apply(scene.rejecting(2, 1, RejectCode::foreign_key).gone("parent", {"p"}));
    scene.replica->retry({1});
    EXPECT_EQ(scene.outbox(), "2 expected") << "its parent is not there yet";
    scene.apply(scene.to(3).row("parent", {"p"}));
    EXPECT_EQ(scene.outbox(), "2 pending");
    EXPECT_EQ(scene.rows("SELECT * FROM child"), "'c' 'p'");
}

}  // namespace
}  // namespace tombolo::device
