// Schemas, and verification.
#include "device/replica.h"

#include <gtest/gtest.h>

#include "device/replica_scene_test.h"
#include "device/verify.h"
#include "model/digest.h"

namespace tombolo::device {
namespace {

using testing::ReplicaScene;
using testing::schema_of;

constexpr const char* table_t = "CREATE TABLE t(id TEXT PRIMARY KEY, a)";

// A device that was made with no hub in reach.
struct OfflineTest : ::testing::Test {
    ReplicaScene scene{std::vector<std::string>{}};
    void SetUp() override { scene.run("UPDATE tombolo_device SET schema_hash = 0, schema = NULL"); }
    void adopt(const std::vector<std::string>& statements) {
        const Schema schema = schema_of(statements);
        scene.replica->adopt_schema(schema, wire::hash_schema(schema));
    }
    std::string failure(const std::vector<std::string>& statements) {
        try {
            adopt(statements);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::schema);
            return error.what();
        }
        return "";
    }
};

TEST_F(OfflineTest, AnExistingTableIsMatchedByName) {
    scene.run("CREATE TABLE t(id TEXT PRIMARY KEY, a); INSERT INTO t VALUES ('x', 1), ('y', 2); CREATE TABLE local(z)");
    adopt({table_t, "CREATE TABLE s(id TEXT PRIMARY KEY)", "CREATE INDEX t_a ON t(a)"});
    scene.freeze();
    EXPECT_EQ(scene.outbox(), "1 pending") << "its rows are one transaction";
    EXPECT_EQ(scene.replica->outbox().find({1})->changes, 2);
    EXPECT_EQ(scene.count("sqlite_schema WHERE name = 't_a'"), 1);
    scene.run("INSERT INTO s VALUES (1); INSERT INTO local VALUES (1)");
    EXPECT_EQ(scene.replica->outbox().counts().transactions, 2);
}

TEST_F(OfflineTest, TablesNamedBeforeTheHubWasReached) {
    scene.run("CREATE TABLE t(id TEXT PRIMARY KEY, a); INSERT INTO t VALUES ('x', 1)");
    scene.replica->sync_tables({"t"});
    scene.replica->sync_tables({"t"});
    scene.run("UPDATE t SET a = 2");
    EXPECT_NE(failure({"CREATE TABLE s(id TEXT PRIMARY KEY)"}).find("t"), std::string::npos) << "the hub has no such table";
    adopt({table_t});
    scene.freeze();
    EXPECT_EQ(scene.outbox(), "1 pending, 2 pending");
    EXPECT_THROW(scene.replica->sync_tables({"other"}), Error);
}

TEST_F(OfflineTest, AMismatchIsNamedAndChangesNothing) {
    scene.run("CREATE TABLE t(id TEXT PRIMARY KEY, b)");
    const std::string difference = failure({"CREATE TABLE first(id TEXT PRIMARY KEY)", table_t});
    EXPECT_NE(difference.find("t"), std::string::npos);
    EXPECT_NE(difference.find("a"), std::string::npos);
    EXPECT_EQ(scene.count("sqlite_schema WHERE name = 'first'"), 0);
    EXPECT_EQ(scene.replica->record().schema_hash, 0U);
    EXPECT_TRUE(scene.replica->schema().tables.empty());
    adopt({});
    EXPECT_TRUE(scene.replica->schema().tables.empty()) << "a schema without tables";
}

// What is pending, and what lies below it, is read with the new columns.
TEST(Replica, ASchemaGrows) {
    ReplicaScene scene({table_t});
    scene.apply(scene.to(1).row("t", {"x", 1}));
    scene.run("UPDATE t SET a = 2; INSERT INTO t VALUES ('mine', 1)");
    scene.apply(scene.to(2).row("t", {"x", 5}));
    scene.schema = schema_of({"CREATE TABLE t(id TEXT PRIMARY KEY, a, extra INT NOT NULL DEFAULT 7)", "CREATE INDEX t_extra ON t(extra)"});
    scene.replica->adopt_schema(scene.schema, wire::hash_schema(scene.schema));
    EXPECT_EQ(scene.rows("SELECT * FROM t ORDER BY id"), "'mine' 1 7 | 'x' 2 7");
    scene.run("UPDATE t SET extra = 8 WHERE id = 'mine'");
    scene.apply(scene.rejecting(3, 1));
    EXPECT_EQ(scene.rows("SELECT * FROM t ORDER BY id"), "'mine' 1 8 | 'x' 5 7");
    scene.apply(scene.to(4).row("t", {"x", 6, 9}));
    EXPECT_EQ(scene.rows("SELECT * FROM t ORDER BY id"), "'mine' 1 8 | 'x' 6 9");
}

TEST(Replica, TheHubsColumnOrderMayDiffer) {
    ReplicaScene scene(std::vector<std::string>{});
    scene.run("UPDATE tombolo_device SET schema_hash = 0; CREATE TABLE t(a, id TEXT PRIMARY KEY)");
    scene.schema = schema_of({table_t});
    scene.replica->adopt_schema(scene.schema, wire::hash_schema(scene.schema));
    scene.apply(scene.to(1).row("t", {"x", 1}));
    EXPECT_EQ(scene.rows("SELECT id, a FROM t"), "'x' 1");
}

// --- verification ---

struct VerifyTest : ::testing::Test {
    ReplicaScene scene{std::vector<std::string>{table_t}};
    std::vector<std::vector<Value>> hub_rows;
    uint64_t hub_seq = 1;

    wire::VerifyAnswer answer(const wire::VerifyRequest& request) {
        wire::VerifyAnswer answer;
        answer.nonce = request.nonce;
        answer.seq.value = hub_seq;
        wire::RowWriter writer;
        wire::TableDigest digests{"t", hub_rows.size(), std::vector<uint64_t>(digest_buckets)};
        for (const auto& row : hub_rows) {
            const uint32_t bucket = digest_bucket(encode_record(std::vector<Value>{row[0]}));
            digests.sums[bucket] += digest(encode_record(row));
            if (std::find(request.buckets.begin(), request.buckets.end(), bucket) != request.buckets.end())
                writer.add_row(scene.schema.tables[0], std::vector<ValueView>(row.begin(), row.end()), {});
        }
        if (request.table.empty()) answer.digests.push_back(digests);
        answer.rows = writer.take();
        return answer;
    }
    VerifyResult verify() {
        Verification verification(*scene.replica);
        std::optional<wire::VerifyRequest> question = verification.begin();
        for (int i = 0; i < 10 && question; ++i) {
            verification.answered(answer(*question));
            question = verification.proceed({scene.cursor()});
        }
        return verification.result().value();
    }
};

TEST_F(VerifyTest, EqualAndDifferent) {
    hub_rows = {{"x", 1}, {"y", 2}};
    scene.apply(scene.to(1).row("t", {"x", 1}).row("t", {"y", 2}));
    EXPECT_TRUE(verify().equal);
    EXPECT_EQ(verify().rows, 2U);
    hub_rows = {{"x", 1.0}, {"z", 3}};
    const VerifyResult result = verify();
    EXPECT_FALSE(result.equal);
    ASSERT_EQ(result.differences.size(), 3U);
    for (const Difference& difference : result.differences) {
        const std::string key(difference.key.at(0).second.bytes());
        EXPECT_EQ(difference.here.has_value(), key != "z");
        EXPECT_EQ(difference.hub.has_value(), key != "y");
    }
}

TEST_F(VerifyTest, PendingWritesAreNoDifference) {
    hub_rows = {{"x", 1}, {"y", 2}};
    scene.apply(scene.to(1).row("t", {"x", 0}).row("t", {"y", 2}));
    scene.run("UPDATE t SET a = 9 WHERE id = 'x'");
    hub_seq = 2;
    scene.apply(scene.to(2).row("t", {"x", 1}));
    scene.run("DELETE FROM t WHERE id = 'y'");
    scene.freeze();
    scene.run("INSERT INTO t VALUES ('in the log', 1); UPDATE t SET a = 10 WHERE id = 'x'");
    EXPECT_TRUE(verify().equal) << "frozen or not";
    EXPECT_EQ(scene.rows("SELECT * FROM t ORDER BY id"), "'in the log' 1 | 'x' 10");
}

TEST_F(VerifyTest, ItLeavesTheTriggersOfAppliesAlone) {
    scene.run("CREATE TRIGGER t_in AFTER INSERT ON t BEGIN UPDATE t SET a = 'touched' WHERE id = NEW.id; DELETE FROM t WHERE id = 'x'; END");
    scene.apply(scene.to(1).row("t", {"x", 1}));
    hub_rows = {{"x", 1}};
    EXPECT_TRUE(verify().equal);
    scene.apply(scene.to(2).row("t", {"y", 2}));
    EXPECT_EQ(scene.rows("SELECT * FROM t ORDER BY id"), "'x' 1 | 'y' 2");
}

TEST_F(VerifyTest, ADeviceThatMovedOnAsksAgain) {
    scene.apply(scene.to(1).row("t", {"x", 1}));
    hub_rows = {{"x", 1}};
    Verification verification(*scene.replica);
    wire::VerifyRequest first = verification.begin();
    hub_seq = 2;
    verification.answered(answer(first));
    EXPECT_FALSE(verification.proceed({1}).has_value()) << "the checkpoint that brings us there is on its way";
    EXPECT_FALSE(verification.result().has_value());
    EXPECT_TRUE(verification.proceed({3}).has_value()) << "past it";
    EXPECT_FALSE(verification.result().has_value());
}

}  // namespace
}  // namespace tombolo::device
