#include "hub/config.h"

#include <gtest/gtest.h>

#include "hub/hub_scene_test.h"
#include "tombolo/error.h"

namespace tombolo::hub {
namespace {

std::string mistakes(std::string_view toml) {
    try {
        parse_config(toml);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::config);
        return error.what();
    }
    return {};
}

TEST(Config, ReadsWhatThisVersionDoes) {
    const Config config = parse_config(R"(
[hub]
listen = "127.0.0.1:7171"
data = "hub-data"
retention = "0s"
metrics_token = "secret"
[tables.tasks]
policy = "hub"
delete = "delete-wins"
insert = "merge"
[tables.tasks.columns]
votes = "counter"
[tls]
cert = "cert.pem"
key = "key.pem"
[spaces.berlin]
schema = "berlin.sql"
[spaces.berlin.tables.t]
policy = "device"
[log]
level = "debug"
)");
    EXPECT_EQ(config.listen, "127.0.0.1:7171");
    EXPECT_EQ(config.retention, 0);
    EXPECT_EQ(config.metrics_token, "secret");
    EXPECT_EQ(config.log_level, "debug");
    ASSERT_EQ(config.spaces.at("main").tables.size(), 1U);
    const TableConfig& tasks = config.spaces.at("main").tables[0];
    EXPECT_EQ(tasks.policy, ColumnPolicy::hub);
    EXPECT_EQ(tasks.delete_mode, DeleteMode::delete_wins);
    EXPECT_EQ(tasks.insert_mode, InsertMode::merge);
    EXPECT_EQ(tasks.columns.at("votes").policy, ColumnPolicy::counter);
    EXPECT_EQ(config.spaces.at("berlin").schema_file, "berlin.sql");
    EXPECT_EQ(parse_config("").retention, limits::retention_default);
}

TEST(Config, ReportsAllMistakesWithTheirLines) {
    EXPECT_EQ(mistakes(R"([hub]
listen = 7
retention = "soon"
colour = "red"
[tables.tasks]
policy = "best"
insert = "merge"
)"),
              "hub.toml:2: listen must be a text in quotes\n"
              "hub.toml:3: retention = \"soon\" is not a number with s, m, h or d\n"
              "hub.toml:4: colour is not known here\n"
              "hub.toml:6: policy = \"best\" is none of lww, hub, device, manual");
    EXPECT_TRUE(mistakes("[hub\nlisten = 1").starts_with("hub.toml:1: "));
    EXPECT_NE(mistakes("[tls]\ncert = 'c'").find("both"), std::string::npos);
    EXPECT_NE(mistakes("[spaces.\"../x\"]").find("cannot name a space"), std::string::npos);
}

TEST(Config, SaysWhatIsForALaterVersion) {
    for (const char* toml : {"[tables.t]\nchannel = 'x'", "[access]\nchannels = 'x'", "[limits]\nx = 1", "[spaces.b.access]\nchannels = 'x'"}) {
        EXPECT_NE(mistakes(toml).find("not supported in this version"), std::string::npos) << toml;
    }
}

TEST(Config, PoliciesReachTheTables) {
    CountingRandom random;
    auto store = store::open_sqlite_store(":memory:", random);
    store->update_schema("CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER, note TEXT)");
    const Config good = parse_config("[tables.T]\npolicy = 'hub'\ndelete = 'delete-wins'\n[tables.T.columns]\nN = 'counter'");
    apply_policies(good, {{"main", store.get()}});
    const Table& table = store->schema().tables[0];
    EXPECT_EQ(table.columns[1].policy, ColumnPolicy::counter);
    EXPECT_EQ(table.columns[2].policy, ColumnPolicy::hub);
    EXPECT_EQ(table.columns[0].policy, ColumnPolicy::lww);
    EXPECT_EQ(table.delete_mode, DeleteMode::delete_wins);
    const Config asking = parse_config("[tables.t]\npolicy = 'manual'\ndelete = 'manual'\n[tables.t.columns]\nnote = 'lww'");
    apply_policies(asking, {{"main", store.get()}});
    EXPECT_EQ(table.columns[1].policy, ColumnPolicy::manual);
    EXPECT_EQ(table.columns[2].policy, ColumnPolicy::lww);
    EXPECT_EQ(table.delete_mode, DeleteMode::manual);
    const Config bad = parse_config("[tables.t.columns]\nnope = 'max'\nid = 'max'\n[tables.u]\npolicy = 'lww'");
    EXPECT_THROW(apply_policies(bad, {{"main", store.get()}}), Error);
}

TEST(Config, ExpressionsAndWholeRowsReachTheTables) {
    CountingRandom random;
    auto store = store::open_sqlite_store(":memory:", random);
    store->update_schema("CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER, note TEXT)");
    const Config config = parse_config("[tables.t]\ngranularity = 'row'\n[tables.t.columns]\nn = { sql = 'max(mine, theirs)' }");
    apply_policies(config, {{"main", store.get()}});
    const Table& table = store->schema().tables[0];
    EXPECT_TRUE(table.whole_rows);
    EXPECT_EQ(table.columns[1].policy, ColumnPolicy::sql);
    EXPECT_EQ(table.columns[1].expression, "max(mine, theirs)");
}

TEST(Config, ReportsMistakesOfExpressionsWithTheirLines) {
    CountingRandom random;
    auto store = store::open_sqlite_store(":memory:", random);
    store->update_schema("CREATE TABLE t(id TEXT PRIMARY KEY, a INTEGER, b TEXT, c, d, e)");
    const Config config = parse_config(R"toml([tables.t.columns]
a = { sql = "CASE WHEN mine" }
b = { sql = "mine || colour" }
c = { sql = "(SELECT 1)" }
d = { sql = "mine_b || theirs_a" }
e = { sql = "random()" }
nope = "max"
)toml");
    try {
        apply_policies(config, {{"main", store.get()}});
        FAIL() << "expressions that are none were taken";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(),
                     "hub.toml:2: the sql policy of t.a: near \")\": syntax error\n"
                     "hub.toml:3: the sql policy of t.b: no such column: colour\n"
                     "hub.toml:4: the sql policy of t.c: subqueries prohibited in an sql policy\n"
                     "hub.toml:6: the sql policy of t.e: non-deterministic functions prohibited in an sql policy\n"
                     "hub.toml:7: table t has no column nope");
    }
    EXPECT_NE(mistakes("[tables.t.columns]\na = { sqll = 'mine' }").find("2: a is neither a policy nor { sql"), std::string::npos);
}

TEST(Config, ReportsTheMistakesOfAllSpacesTogether) {
    CountingRandom random;
    auto first = store::open_sqlite_store(":memory:", random);
    auto second = store::open_sqlite_store(":memory:", random);
    first->update_schema("CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER)");
    second->update_schema("CREATE TABLE u(id TEXT PRIMARY KEY)");
    const Config config = parse_config(R"toml([spaces.berlin.tables.t]
policy = "hub"
[tables.t.columns]
n = "counter"
nope = "max"
)toml");
    try {
        apply_policies(config, {{"main", first.get()}, {"berlin", second.get()}});
        FAIL() << "mistakes were taken";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "hub.toml:1: the schema has no table t\nhub.toml:5: table t has no column nope");
    }
    EXPECT_EQ(first->schema().tables[0].columns[1].policy, ColumnPolicy::lww);
}

}  // namespace
}  // namespace tombolo::hub
