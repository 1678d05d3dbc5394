// The list of conflicts as a device shows it, and what settling them writes.
#include "device/inbox.h"

#include <gtest/gtest.h>

#include "device/replica_scene_test.h"
#include "model/conflict_table.h"

namespace tombolo::device {
namespace {

using testing::Checkpoint;
using testing::ReplicaScene;

namespace column = conflict_column;

Schema schema_with_list() {
    sqlite::Connection scratch = sqlite::Connection::open(":memory:");
    Schema schema;
    schema.statements = {"CREATE TABLE t(id TEXT PRIMARY KEY, a INTEGER, b)"};
    schema.statements.emplace_back(conflict_table_sql.substr(0, conflict_table_sql.find('\n')));
    for (const std::string& statement : schema.statements)
        scratch.execute(statement);
    schema.tables = {sqlite::read_table(scratch, "main", "t"), sqlite::read_table(scratch, "main", conflict_table_name)};
    schema.tables[0].columns[1].policy = ColumnPolicy::manual;
    return schema;
}

struct InboxTest : ::testing::Test {
    ReplicaScene scene{schema_with_list()};
    const std::string key = encode_record(Row{Value("x")});

    InboxTest() { scene.apply(scene.to(3).row("t", {"x", 1, 0})); }

    // A row of the list as the hub writes it.
    std::vector<Value> listed(const std::string& id, const Value& mine, int64_t at) {
        std::vector<Value> row(column::count);
        row[column::id] = id;
        row[column::table_name] = "t";
        row[column::row_key] = Value::blob(key);
        row[column::column_name] = "a";
        row[column::base] = 0;
        row[column::mine] = mine;
        row[column::theirs] = 1;
        row[column::mine_site] = "mm";
        row[column::mine_at] = at;
        row[column::theirs_site] = "tt";
        row[column::opened_at] = at;
        return row;
    }
    std::vector<Value> about_the_row() {
        std::vector<Value> row = listed("r", {}, 5);
        row[column::column_name] = {};
        row[column::base] = Value::blob(put_named_row(scene.schema.tables[0], {"x", 7, 8}));
        row[column::theirs] = Value::blob(put_named_row(scene.schema.tables[0], {"x", 1, 0}));
        return row;
    }
    void list(const std::vector<std::vector<Value>>& rows) {
        Checkpoint checkpoint = scene.to(scene.cursor() + 1);
        for (const auto& row : rows)
            checkpoint.row("tombolo_conflict", row);
        scene.apply(std::move(checkpoint));
    }
    template <typename Settle>
    void settle(const std::string& id, const Settle& settle) {
        sqlite::WriteTransaction transaction(scene.app);
        settle(find_conflict(scene.app, id).value());
        transaction.commit();
    }
    void resolve(const std::string& id, Take take) {
        settle(id, [&](const Conflict& conflict) { resolve_conflict(scene.app, conflict, take, scene.world.clock.wall()); });
    }
    void resolve(const std::string& id, const NamedRow& values) {
        settle(id, [&](const Conflict& conflict) { resolve_conflict(scene.app, conflict, values); });
    }
    // What transaction `number` says to the hub.
    std::string written(uint64_t number) {
        scene.freeze();
        std::string text;
        const auto changes = scene.replica->outbox().changes({number});
        while (const ChangeView* change = changes->next()) {
            text += (text.empty() ? "" : " | ") + change->table->name + (change->kind == ChangeKind::erase ? " erase" : " update");
            for (const CellView& cell : change->cells) {
                if (change->kind == ChangeKind::erase) break;
                text += " " + change->table->columns[cell.column].name + "=" + testing::show(cell.base) + "->" + testing::show(cell.value);
            }
        }
        return text;
    }
    size_t open() {
        const size_t listed = list_conflicts(scene.app, false).size();
        EXPECT_EQ(count_conflicts(scene.app), static_cast<int64_t>(listed));
        return listed;
    }
    ErrorCode code_of(const std::function<void()>& work) {
        try {
            work();
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::ok;
    }
};

TEST_F(InboxTest, CandidatesOfOneCellAreOneConflict) {
    EXPECT_EQ(open(), 0U);
    list({listed("c2", 3, 20), listed("c1", 2, 10)});
    ASSERT_EQ(open(), 1U);
    const Conflict conflict = list_conflicts(scene.app, false)[0];
    EXPECT_EQ(conflict.id, "c1");
    EXPECT_EQ(conflict.table, "t");
    EXPECT_EQ(conflict.key, (NamedRow{{"id", "x"}}));
    EXPECT_EQ(conflict.column, "a");
    EXPECT_EQ(conflict.mine.value, Value(3)) << "the newest";
    EXPECT_EQ(conflict.theirs.value, Value(1));
    EXPECT_EQ(conflict.opened_at, 10);
    ASSERT_EQ(conflict.candidates.size(), 2U);
    EXPECT_EQ(conflict.candidates[0].value.value, Value(2));
    EXPECT_EQ(conflict.candidates[1].at, 20);
    EXPECT_TRUE(conflict.open());
    EXPECT_EQ(find_conflict(scene.app, "c2"), conflict) << "by the name of any of them";
    EXPECT_FALSE(find_conflict(scene.app, "c3"));
}

TEST_F(InboxTest, TakingWhatIsStoredIsAWrite) {
    list({listed("c1", 2, 10)});
    resolve("c1", Take::theirs);
    EXPECT_EQ(written(1), "t update a=1->1");
    EXPECT_EQ(open(), 0U);
    EXPECT_TRUE(find_conflict(scene.app, "c1")->settling);
    resolve("c1", Take::theirs);
    EXPECT_EQ(written(2), "t update a=1->1") << "once more is the same once more";
    EXPECT_EQ(open(), 0U);
}

TEST_F(InboxTest, TakingAnotherValueIsOneCellOfOneTransaction) {
    list({listed("c1", 2, 10)});
    resolve("c1", Take::mine);
    EXPECT_EQ(written(1), "t update a=1->2");
    resolve("c1", {{"b", "note"}, {"A", "42"}});
    EXPECT_EQ(written(2), "t update a=2->42 b=0->'note'") << "text under the affinity of the column";
    EXPECT_EQ(code_of([&] { resolve("c1", {{"b", "note"}}); }), ErrorCode::usage);
    EXPECT_EQ(code_of([&] { resolve("c1", {{"a", 1}, {"nowhere", 1}}); }), ErrorCode::sql);
    resolve("c1", Take::base);
    EXPECT_EQ(written(3), "t update a=42->0");
}

TEST_F(InboxTest, IsOpenAgainWhenTheDecisionIsRefusedOrDecidedNothing) {
    list({listed("c1", 2, 10)});
    resolve("c1", Take::mine);
    scene.freeze();
    EXPECT_EQ(open(), 0U);
    scene.restart();
    EXPECT_EQ(open(), 0U) << "after a restart, too";
    scene.apply(scene.rejecting(5, 1));
    EXPECT_EQ(open(), 1U);
    EXPECT_EQ(scene.count("tombolo_settling"), 0);
    resolve("c1", Take::mine);
    scene.apply(scene.accepting(6, {2}));
    EXPECT_EQ(open(), 1U) << "it is the hub's list that counts";
}

TEST_F(InboxTest, ACandidateThatJoinsWhileItIsDecidedIsOpen) {
    list({listed("c1", 2, 10)});
    resolve("c1", Take::mine);
    list({listed("c2", 3, 20)});
    ASSERT_EQ(open(), 1U);
    EXPECT_EQ(list_conflicts(scene.app, false)[0].id, "c2");
    EXPECT_EQ(find_conflict(scene.app, "c1")->id, "c2") << "the same cell";
}

TEST_F(InboxTest, TheRowStaysGoesOrIsAsItWas) {
    list({about_the_row()});
    const Conflict conflict = list_conflicts(scene.app, false).at(0);
    EXPECT_FALSE(conflict.column);
    EXPECT_FALSE(conflict.mine.row);
    EXPECT_EQ(conflict.theirs.row, (NamedRow{{"id", "x"}, {"a", 1}, {"b", 0}}));
    resolve("r", Take::theirs);
    EXPECT_EQ(written(1), "t update") << "a touch";
    resolve("r", Take::base);
    EXPECT_EQ(written(2), "t update a=1->7 b=0->8");
    resolve("r", {{"b", 9}});
    EXPECT_EQ(written(3), "t update b=8->9");
    resolve("r", Take::mine);
    EXPECT_EQ(written(4), "t erase");
    EXPECT_EQ(open(), 0U);
}

TEST_F(InboxTest, OfARowThatIsGone) {
    list({listed("c1", 2, 10), listed("c2", 3, 20)});
    scene.apply(scene.to(5).gone("t", {"x"}));
    EXPECT_EQ(code_of([&] { resolve("c1", Take::mine); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { resolve("c1", {{"a", 2}}); }), ErrorCode::not_found);
    EXPECT_EQ(open(), 1U);
    resolve("c1", Take::theirs);
    EXPECT_EQ(open(), 0U);
    const auto ended = list_conflicts(scene.app, true);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].resolution, "dismissed");
    EXPECT_EQ(ended[0].candidates.size(), 2U);
    EXPECT_EQ(ended[0].resolved_by, scene.app.query_text("SELECT lower(hex(site)) FROM tombolo_device"));
    EXPECT_GT(ended[0].resolved_at, 0);
    settle("c1", [&](const Conflict& conflict) { dismiss_conflict(scene.app, conflict, 0); });
    scene.freeze();
    EXPECT_FALSE(scene.replica->outbox().find({2})) << "nothing is left to dismiss";
}

TEST_F(InboxTest, AValueThatWasPutAsideIsTakenBackByAnOrdinaryWrite) {
    std::vector<Value> row = listed("h", 2, 10);
    row[column::resolution] = resolution::overwritten;
    row[column::resolved_by] = "tt";
    row[column::resolved_at] = 10;
    list({row});
    EXPECT_EQ(open(), 0U);
    EXPECT_EQ(list_conflicts(scene.app, true).at(0).resolution, "overwritten");
    resolve("h", Take::mine);
    EXPECT_EQ(written(1), "t update a=1->2");
    resolve("h", Take::mine);
    scene.freeze();
    EXPECT_FALSE(scene.replica->outbox().find({2})) << "it is there";
}

// What becomes a conflict at the hub shows as the hub has it as soon as this device knows the hub's value; the list follows with the
// verdict.
TEST_F(InboxTest, AWriteThatWillWaitShowsWhatIsStored) {
    scene.run("UPDATE t SET a = 2");
    scene.apply(scene.to(4).row("t", {"x", 5, 0}));
    EXPECT_EQ(scene.rows("SELECT a FROM t"), "5");
    EXPECT_EQ(scene.outbox(), "1 pending");
    EXPECT_EQ(open(), 0U);
    Checkpoint checkpoint = scene.to(5).row("t", {"x", 5, 0}).row("tombolo_conflict", listed("c1", 2, 10));
    checkpoint.end.verdicts.push_back(scene.verdict(1, 5, VerdictKind::in_conflict));
    scene.apply(std::move(checkpoint));
    EXPECT_EQ(scene.rows("SELECT a FROM t"), "5");
    EXPECT_EQ(open(), 1U);
    EXPECT_EQ(scene.outbox(), "");
}

TEST_F(InboxTest, ADeviceMayOnlyDismiss) {
    list({listed("c1", 2, 10)});
    for (const char* sql : {"UPDATE tombolo_conflict SET mine = 9", "DELETE FROM tombolo_conflict", "UPDATE tombolo_conflict SET resolution = 'mine'",
                            "UPDATE tombolo_conflict SET id = 'other'",
                            "INSERT INTO tombolo_conflict(id, table_name, row_key, mine_at, opened_at) VALUES ('z', 't', x'00', 0, 0)"}) {
        EXPECT_EQ(code_of([&] { scene.run(sql); }), ErrorCode::sql) << sql;
    }
    EXPECT_TRUE(scene.replica->outbox().log_is_empty());
    scene.run("UPDATE tombolo_conflict SET resolution = 'dismissed', resolved_by = 'me', resolved_at = 5");
    EXPECT_EQ(written(1), "tombolo_conflict update resolution=NULL->'dismissed' resolved_by=NULL->'me' resolved_at=NULL->5");
}

TEST(Inbox, AFileWithoutTheListHasNoConflicts) {
    ReplicaScene scene({"CREATE TABLE t(id TEXT PRIMARY KEY)"});
    EXPECT_EQ(count_conflicts(scene.app), 0);
    EXPECT_TRUE(list_conflicts(scene.app, false).empty());
    EXPECT_TRUE(list_conflicts(scene.app, true).empty());
    EXPECT_FALSE(find_conflict(scene.app, "c1"));
}

}  // namespace
}  // namespace tombolo::device
