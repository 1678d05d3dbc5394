#include "device/outbox.h"

#include <gtest/gtest.h>

#include "device/capture_harness.h"

namespace tombolo::device {
namespace {

using testing::Device;
using testing::Recorder;
using testing::World;
using Lines = std::vector<std::string>;

struct OutboxTest : ::testing::Test {
    World world;
    Device device{world, ":memory:"};
    void SetUp() override { device.make("CREATE TABLE t(id TEXT PRIMARY KEY, a, b); CREATE TABLE s(id INTEGER PRIMARY KEY);", {"t", "s"}); }
    void run(const std::string& sql) { device.db.execute(sql); }
    std::vector<uint64_t> depends(uint64_t number) {
        std::vector<uint64_t> numbers;
        const Entry entry = device.outbox->find({number}).value();
        for (const TransactionNumber n : entry.header.depends)
            numbers.push_back(n.value);
        return numbers;
    }
};

TEST_F(OutboxTest, NetChanges) {
    run("INSERT INTO t VALUES ('x', 1, 1)");
    run("BEGIN; UPDATE t SET a = 2; UPDATE t SET a = 3, b = 3; UPDATE t SET b = 1; COMMIT");
    run("BEGIN; INSERT INTO t VALUES ('y', 1, 1); UPDATE t SET a = 9 WHERE id = 'y'; COMMIT");
    run("BEGIN; INSERT INTO t VALUES ('z', 1, 1); DELETE FROM t WHERE id = 'z'; COMMIT");
    run("BEGIN; UPDATE t SET a = 4 WHERE id = 'x'; DELETE FROM t WHERE id = 'x'; COMMIT");
    run("BEGIN; DELETE FROM t WHERE id = 'y'; INSERT INTO t VALUES ('y', 9, 2); COMMIT");
    run("BEGIN; UPDATE t SET a = 1; UPDATE t SET a = 9; COMMIT");
    run("BEGIN; DELETE FROM t; INSERT INTO t VALUES ('y', 9, 2); COMMIT");
    EXPECT_EQ(device.freeze(), 8U);
    EXPECT_EQ(device.lines(1), Lines{"insert t 'x': id='x' a=1 b=1"});
    EXPECT_EQ(device.lines(2), Lines{"update t 'x': a=1->3"});
    EXPECT_EQ(device.lines(3), Lines{"insert t 'y': id='y' a=9 b=1"});
    EXPECT_EQ(device.lines(4), Lines{});
    EXPECT_EQ(device.lines(5), Lines{"erase t 'x': id='x' a=3 b=1"});
    EXPECT_EQ(device.lines(6), Lines{"update t 'y': b=1->2"});
    EXPECT_EQ(device.lines(7), Lines{});
    EXPECT_EQ(device.lines(8), Lines{});
    EXPECT_TRUE(device.outbox->log_is_empty());
    EXPECT_EQ(device.outbox->find({4})->changes, 0);
    EXPECT_FALSE(device.outbox->part({4}, 0).has_value());
    EXPECT_TRUE(device.outbox->part({1}, 0).has_value());
    EXPECT_FALSE(device.outbox->part({1}, 1).has_value());
}

// A decision for what is there: a write that changes nothing, unless something else of the transaction says more.
TEST_F(OutboxTest, CellsThatAreKeptOnPurposeAreWritten) {
    run("INSERT INTO t VALUES ('x', 1, 1)");
    const auto keep = [&](const std::string& before, const std::vector<std::string>& columns, const std::string& after = "") {
        run("BEGIN");
        run(before);
        EXPECT_TRUE(capture_kept(device.db, "t", {"x"}, columns));
        run(after);
        run("COMMIT");
    };
    keep("", {"a"});
    keep("", {});
    keep("UPDATE t SET b = 2", {"a"});
    keep("UPDATE t SET a = 2", {"a"});
    keep("UPDATE t SET a = 3; UPDATE t SET a = 2", {"A"});
    keep("", {"a"}, "UPDATE t SET a = 4");
    keep("DELETE FROM t; INSERT INTO t VALUES ('x', 4, 2)", {"b"});
    keep("", {"a"}, "DELETE FROM t");
    EXPECT_EQ(device.freeze(), 9U);
    EXPECT_EQ(device.lines(1), Lines{"insert t 'x': id='x' a=1 b=1"});
    EXPECT_EQ(device.lines(2), Lines{"update t 'x': a=1->1"});
    EXPECT_EQ(device.lines(3), Lines{"update t 'x':"});
    EXPECT_EQ(device.lines(4), Lines{"update t 'x': a=1->1 b=1->2"});
    EXPECT_EQ(device.lines(5), Lines{"update t 'x': a=1->2"});
    EXPECT_EQ(device.lines(6), Lines{"update t 'x': a=2->2"});
    EXPECT_EQ(device.lines(7), Lines{"update t 'x': a=2->4"});
    EXPECT_EQ(device.lines(8), Lines{"update t 'x': b=2->2"});
    EXPECT_EQ(device.lines(9), Lines{"erase t 'x': id='x' a=4 b=2"});
    run("BEGIN");
    EXPECT_FALSE(capture_kept(device.db, "t", {"x"}, {"a"})) << "there is no such row";
    EXPECT_THROW(capture_kept(device.db, "t", {"x"}, {"none"}), Error);
    EXPECT_THROW(capture_kept(device.db, "t", {"x", 1}, {"a"}), Error);
    EXPECT_THROW(capture_kept(device.db, "none", {"x"}, {}), Error);
    run("ROLLBACK");
    EXPECT_THROW(capture_kept(device.db, "t", {"x"}, {}), Error) << "outside a transaction";
    EXPECT_EQ(device.freeze(), 0U);
}

TEST_F(OutboxTest, FrozenLaterOrAtOnceIsTheSame) {
    const std::vector<std::string> steps = {
        "INSERT INTO t VALUES ('x', 1, 1), ('y', 2, 2)", "UPDATE t SET a = 5",           "UPDATE t SET b = 6 WHERE id = 'x'",
        "UPDATE t SET id = 'z' WHERE id = 'x'",          "DELETE FROM t WHERE id = 'y'", "UPDATE t SET a = a + 1"};
    World other_world;
    Device other(other_world, ":memory:");
    other.make("CREATE TABLE t(id TEXT PRIMARY KEY, a, b); CREATE TABLE s(id INTEGER PRIMARY KEY);", {"t", "s"});
    for (const std::string& step : steps) {
        run(step);
        other.db.execute(step);
        EXPECT_EQ(other.freeze(), 1U);
    }
    EXPECT_EQ(device.freeze(), steps.size());
    for (uint64_t number = 1; number <= steps.size(); ++number) {
        EXPECT_EQ(device.outbox->part({number}, 0), other.outbox->part({number}, 0)) << steps[number - 1];
        EXPECT_EQ(encode_header(device.outbox->find({number})->header), encode_header(other.outbox->find({number})->header)) << steps[number - 1];
    }
}

TEST_F(OutboxTest, Dependence) {
    run("INSERT INTO t VALUES ('x', 1, 1)");  // 1
    run("UPDATE t SET a = 2");                // 2 needs 1
    run("UPDATE t SET a = 3");                // 3 needs 1, not 2
    EXPECT_EQ(device.freeze(), 3U);
    run("DELETE FROM t");                                                // 4 needs 1
    run("INSERT INTO t VALUES ('x', 9, 9), ('y', 1, 1)");                // 5 needs 4
    run("BEGIN; UPDATE t SET a = 0; INSERT INTO s VALUES (1); COMMIT");  // 6 needs 5
    EXPECT_EQ(device.freeze(), 3U);
    EXPECT_EQ(depends(1), std::vector<uint64_t>{});
    EXPECT_EQ(depends(2), std::vector<uint64_t>{1});
    EXPECT_EQ(depends(3), std::vector<uint64_t>{1});
    EXPECT_EQ(depends(4), std::vector<uint64_t>{1});
    EXPECT_EQ(depends(5), std::vector<uint64_t>{4});
    EXPECT_EQ(depends(6), std::vector<uint64_t>{5});
    EXPECT_EQ(device.lines(5), (Lines{"insert t 'x' over own delete: id='x'->'x' a=3->9 b=1->9", "insert t 'y': id='y' a=1 b=1"}));
    // Neither what left the outbox nor what is expected to be refused is depended on.
    device.outbox->remove({5});
    run("UPDATE t SET b = 5 WHERE id = 'y'");
    device.freeze();
    EXPECT_EQ(depends(7), std::vector<uint64_t>{});
    run("INSERT INTO s VALUES (2)");
    device.freeze();
    device.outbox->set_state({8}, EntryState::expected);
    run("DELETE FROM s WHERE id = 2");
    device.freeze();
    EXPECT_EQ(depends(9), std::vector<uint64_t>{});
}

TEST_F(OutboxTest, DependenceOnParentsThatWereMadeHere) {
    Device family{world, ":memory:"};
    family.make(
        "CREATE TABLE p(a, b, PRIMARY KEY(a, b));"
        "CREATE TABLE c(id INTEGER PRIMARY KEY, up INTEGER REFERENCES c, b, a, FOREIGN KEY(b, a) REFERENCES p(b, a));",
        {"p", "c"});
    for (const char* sql : {"INSERT INTO p VALUES (1, 2)",
                            "INSERT INTO c VALUES (10, NULL, 2, 1)",    // 2 needs 1
                            "INSERT INTO c VALUES (11, 10, NULL, 1)",   // 3 needs 2; half a name names no parent
                            "UPDATE c SET b = 3, a = 3 WHERE id = 10",  // 4 needs 2 for its row, and nobody made that parent
                            "DELETE FROM p",                            // 5 needs 1
                            "INSERT INTO c VALUES (12, NULL, 2, 1)",    // 6: what 5 ended is nothing to need
                            "UPDATE c SET up = 12 WHERE id = 10"})      // 7 needs 2 and 6
        family.db.execute(sql);
    EXPECT_EQ(family.freeze(), 7U);
    const std::vector<std::vector<TransactionNumber>> expected = {{}, {{1}}, {{2}}, {{2}}, {{1}}, {}, {{2}, {6}}};
    for (uint64_t number = 1; number <= expected.size(); ++number)
        EXPECT_EQ(family.outbox->find({number})->header.depends, expected[number - 1]) << number;
}

TEST_F(OutboxTest, DependenceIsRememberedAcrossRestartsAndTakesRevivalsFromRebase) {
    run("INSERT INTO t VALUES ('x', 1, 1); INSERT INTO t VALUES ('y', 1, 1)");
    device.freeze();
    device.reload();
    run("UPDATE t SET a = 2 WHERE id = 'y'");
    device.freeze();
    EXPECT_EQ(depends(3), std::vector<uint64_t>{2});
    std::string key;
    put_value(key, ValueView::text("y"));
    device.db.cached("INSERT INTO tombolo_existence VALUES (1, ?1, 3)").with(ValueView::blob(key)).run();
    run("UPDATE t SET a = 3 WHERE id = 'y'");
    device.freeze();
    EXPECT_EQ(depends(4), std::vector<uint64_t>{3});
}

TEST_F(OutboxTest, ContextAndTimes) {
    run("UPDATE tombolo_device SET epoch = 77, seq = 5, hub_time = 1000, clock_offset = 50, boot_offset = 7000, boot_id = "
        "x'07000000000000000000000000000000'");
    set_subject(device.db.handle(), "anna");
    world.clock.wall_now = 2000;
    world.clock.boot_now = 300;
    run("INSERT INTO t VALUES ('x', 1, 1)");
    world.clock.boot_now_id.bytes[0] = 8;
    set_subject(device.db.handle(), std::nullopt);
    run("INSERT INTO t VALUES ('y', 1, 1)");
    world.clock.wall_now = 10;
    run("INSERT INTO t VALUES ('z', 1, 1)");
    EXPECT_EQ(device.outbox->last().first.value, 3U);
    const TransactionId last_id = device.outbox->last().second;
    EXPECT_EQ(device.outbox->counts().transactions, 3);
    EXPECT_EQ(device.outbox->counts().rows, 3);
    device.freeze();
    const Entry first = *device.outbox->find({1});
    EXPECT_EQ(first.header.seen, (Cursor{{77}, {5}}));
    EXPECT_EQ(first.header.written_at, 7300) << "through the boot clock";
    EXPECT_EQ(first.subject, "anna");
    EXPECT_EQ(first.written_at, 2000);
    EXPECT_EQ(device.outbox->find({2})->header.written_at, 2050) << "another boot: wall clock and offset";
    EXPECT_EQ(device.outbox->find({3})->header.written_at, 1000) << "never before what its author had seen";
    EXPECT_FALSE(device.outbox->find({2})->subject.has_value());
    EXPECT_EQ(device.outbox->last(), (std::pair<TransactionNumber, TransactionId>{{3}, last_id}));
    EXPECT_EQ(device.outbox->find({3})->header.id, last_id);
    EXPECT_NE(first.header.id, last_id);
}

TEST_F(OutboxTest, EntriesAndStates) {
    for (int i = 0; i < 4; ++i)
        run("INSERT INTO s VALUES (" + std::to_string(i) + ")");
    device.freeze();
    device.outbox->set_state({2}, EntryState::rejected);
    device.outbox->set_state({3}, EntryState::expected);
    Verdict verdict;
    verdict.number.value = 2;
    verdict.id = device.outbox->find({2})->header.id;
    verdict.kind = VerdictKind::rejected;
    verdict.code = RejectCode::unique;
    verdict.reason = "taken";
    verdict.seq.value = 99;
    device.outbox->set_verdict({2}, verdict);
    EXPECT_EQ(device.outbox->find({2})->verdict, verdict);
    EXPECT_EQ(device.outbox->next_after({1})->header.number.value, 3U) << "the rejected one is not sent";
    EXPECT_EQ(device.outbox->list(EntryState::rejected).size(), 1U);
    EXPECT_EQ(device.outbox->counts().transactions, 3);
    EXPECT_EQ(device.outbox->counts().rejected, 1);
    device.outbox->remove({1});
    EXPECT_FALSE(device.outbox->find({1}).has_value());
    EXPECT_FALSE(device.outbox->part({1}, 0).has_value());
    EXPECT_FALSE(device.outbox->next_after({4}).has_value());
    Verdict read;
    for (size_t size = 0; size < encode_verdict(verdict).size(); ++size)
        EXPECT_FALSE(decode_verdict(encode_verdict(verdict).substr(0, size), read));
    TransactionHeader header;
    const std::string bytes = encode_header(device.outbox->find({4})->header);
    for (size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_header(bytes.substr(0, size), header));
}

TEST_F(OutboxTest, ManyRowsMakeManyParts) {
    Recorder recorder(device);
    recorder.ok(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT 'row' || i, randomblob(100), i FROM n");
    recorder.ok("UPDATE t SET a = randomblob(100) WHERE b % 3 = 0");
    recorder.ok("DELETE FROM t WHERE b % 2 = 0");
    recorder.ok("INSERT INTO t SELECT 'row' || value, 1, 1 FROM (SELECT 2 AS value UNION SELECT 4)");
    recorder.check();
    EXPECT_TRUE(device.outbox->part({1}, 1).has_value());
    EXPECT_EQ(device.outbox->find({1})->changes, 5000);
    EXPECT_EQ(depends(4), std::vector<uint64_t>{3});
    EXPECT_EQ(device.lines(4)[0].substr(0, 38), "insert t 'row2' over own delete: id='r");
}

TEST_F(OutboxTest, ADamagedLogIsAnError) {
    run("INSERT INTO s VALUES (1)");
    run("UPDATE tombolo_log SET body = x'0102'");
    EXPECT_THROW(device.freeze(), Error);
    run("DELETE FROM tombolo_log");
    EXPECT_EQ(device.freeze(), 0U);
}

TEST(Verdict, TellsOfCellsAfterARestartToo) {
    Verdict verdict;
    verdict.number.value = 7;
    verdict.kind = VerdictKind::in_conflict;
    EXPECT_FALSE(encode_verdict(verdict).empty());
    CellNote note{"t", "key", "a", "5-0", {}, CellFate::waits};
    note.other.bytes[3] = 9;
    verdict.cells = {note, {"t", "key", "", "", {}, CellFate::lost}};
    verdict.cells_in_all = 20;
    Verdict read;
    const std::string bytes = encode_verdict(verdict);
    ASSERT_TRUE(decode_verdict(bytes, read));
    EXPECT_EQ(read, verdict);
    for (size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_verdict(bytes.substr(0, size), read));
    EXPECT_FALSE(decode_verdict(bytes + "x", read));
    EXPECT_FALSE(decode_verdict(bytes.substr(0, bytes.size() - 1) + "\x07", read)) << "no such fate";
}

}  // namespace
}  // namespace tombolo::device
