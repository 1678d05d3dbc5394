// The list of conflicts as devices get it, after transactions that the hub committed.
#include "hub/conflict_list.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "hub/hub_scene_test.h"
#include "model/conflict_table.h"

namespace tombolo::hub {
namespace {

namespace column = conflict_column;

class ConflictListTest : public ::testing::Test {
protected:
    explicit ConflictListTest(DeleteMode mode = DeleteMode::update_wins, HubOptions options = {}) : scene(options) {
        update_schema(scene.store(), scene_schema);
        std::vector<Table> tables = scene.store().schema().tables;
        tables[0].columns[1].policy = ColumnPolicy::manual;
        tables[0].delete_mode = mode;
        scene.store().set_policies(tables);
        for (TestDevice* device : {&a, &b, &c})
            device->connect();
        scene.settle();
        a.begin();
        a.insert("k", 10, "other");
        push(a);
    }
    void push(TestDevice& device) {
        if (!device.connected()) device.connect();
        scene.settle();
        device.push_all();
        scene.settle();
    }
    // Writes without having seen what comes later.
    void offline(TestDevice& device, const Value& value) {
        device.cut();
        device.begin();
        device.update("k", 1, value);
    }
    std::vector<std::vector<Value>> rows() {
        struct Collector : store::RowVisitor {
            std::vector<std::vector<Value>> rows;
            bool row(const Table&, Seq, const std::vector<ValueView>& values, const RowMeta&) override {
                rows.emplace_back(values.begin(), values.end());
                return true;
            }
            bool gone(const Table&, std::string_view, const std::vector<ValueView>&, const RowMeta&) override { return true; }
        } collector;
        std::string position;
        scene.store().scan_rows(*scene.store().schema().find(conflict_table_name), Seq{}, scene.store().state().head, position, collector);
        return collector.rows;
    }
    std::string resolution_of_only() {
        const auto list = rows();
        EXPECT_EQ(list.size(), 1U);
        return list.size() == 1 ? std::string(list[0][column::resolution].bytes()) : "";
    }
    static Value name(const TestDevice& device) { return to_hex(device.site.view()); }

    Scene scene;
    TestDevice& a = scene.device(1);
    TestDevice& b = scene.device(2);
    TestDevice& c = scene.device(3);
};

TEST_F(ConflictListTest, ListsBothSidesAndEveryCandidate) {
    offline(a, 11);
    offline(b, 12);
    offline(c, 13);
    push(a);
    EXPECT_TRUE(rows().empty());
    push(b);
    push(c);
    EXPECT_EQ(b.covered.back().kind, VerdictKind::in_conflict);
    const auto list = rows();
    ASSERT_EQ(list.size(), 2U);
    for (const auto& row : list) {
        EXPECT_EQ(row[column::table_name], Value("t"));
        EXPECT_EQ(row[column::row_key], Value::blob(TestDevice::key("k")));
        EXPECT_EQ(row[column::column_name], Value("a"));
        EXPECT_EQ(row[column::base], Value(10));
        EXPECT_EQ(row[column::theirs], Value(11));
        EXPECT_EQ(row[column::theirs_site], name(a));
        EXPECT_TRUE(row[column::resolved_at].is_null());
        EXPECT_GT(row[column::opened_at].as_integer(), 0);
    }
    EXPECT_EQ(list[0][column::mine], Value(12));
    EXPECT_EQ(list[0][column::mine_site], name(b));
    EXPECT_EQ(list[1][column::mine], Value(13));
    for (TestDevice* device : {&a, &b, &c})
        EXPECT_EQ(device->rows.count(encode_record(Row{list[0][column::id]})), 1U) << "an ordinary synced row";
}

TEST_F(ConflictListTest, AnExpressionThatFailsIsAConflictAndTheHubGoesOn) {
    std::vector<Table> tables = scene.store().schema().tables;
    tables[0].columns[1].policy = ColumnPolicy::sql;
    tables[0].columns[1].expression = "CASE WHEN mine = 12 THEN abs(-9223372036854775807 - 1) ELSE mine + theirs END";
    scene.store().set_policies(tables);
    offline(a, 11);
    offline(b, 12);
    offline(c, 13);
    for (TestDevice* device : {&a, &b, &c})
        push(*device);
    EXPECT_EQ(b.covered.back().kind, VerdictKind::in_conflict);
    EXPECT_EQ(c.covered.back().kind, VerdictKind::merged);
    const auto list = rows();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0][column::mine], Value(12));
    EXPECT_EQ(list[0][column::theirs], Value(24)) << "what was combined since";
}

TEST_F(ConflictListTest, TellsHowItEnded) {
    for (const auto& [value, resolution] : std::vector<std::pair<int, std::string>>{{12, "mine"}, {10, "base"}, {99, "other"}}) {
        SCOPED_TRACE(resolution);
        offline(a, 11);
        offline(b, 12);
        push(a);
        push(b);
        b.begin();
        b.update("k", 1, value);
        push(b);
        const auto list = rows();
        const auto settled = std::find_if(list.begin(), list.end(), [&](const auto& row) { return row[column::resolution] == Value(resolution); });
        ASSERT_NE(settled, list.end());
        EXPECT_EQ((*settled)[column::resolved_by], name(b));
        EXPECT_FALSE((*settled)[column::resolved_at].is_null());
        EXPECT_EQ(scene.hub_rows().at(TestDevice::key("k"))[1], Value(value));
        b.begin();
        b.update("k", 1, 10);
        push(b);
        push(a);
    }
}

// The stored value changes by someone who has not seen the conflict: it stays open, against the new value.
TEST_F(ConflictListTest, FollowsWhatIsStored) {
    offline(a, 11);
    offline(b, 12);
    push(a);
    a.cut();
    a.begin();
    a.update("k", 1, 21);
    push(b);
    push(a);
    const auto list = rows();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0][column::theirs], Value(21));
    EXPECT_EQ(list[0][column::mine], Value(12));
    EXPECT_TRUE(list[0][column::resolved_at].is_null());
}

TEST_F(ConflictListTest, ADeviceMayDismissAndNothingElse) {
    offline(a, 11);
    offline(b, 12);
    push(a);
    push(b);
    const std::string key = encode_record(Row{rows()[0][column::id]});
    const Table& table = *scene.store().schema().find(conflict_table_name);
    const auto write = [&](uint32_t at, const Value& value) {
        TestTransaction& transaction = b.begin();
        wire::PushPart part;
        part.number = transaction.header.number;
        part.first = part.last = true;
        part.header = transaction.header;
        ChangeView change{&table, ChangeKind::update, false, key, {{at, {}, value}}};
        wire::ChangeWriter writer;
        writer.add(change);
        part.rows = writer.take();
        b.send(part);
        scene.settle();
        return b.covered.back();
    };
    EXPECT_EQ(write(column::mine, 5).code, RejectCode::permission);
    EXPECT_EQ(write(column::resolution, "dismissed").kind, VerdictKind::accepted);
    EXPECT_EQ(resolution_of_only(), "dismissed");
}

TEST_F(ConflictListTest, TheVerdictTellsWithWhom) {
    offline(a, 11);
    offline(b, 12);
    push(a);
    push(b);
    EXPECT_TRUE(a.covered.back().cells.empty());
    const Verdict& verdict = b.covered.back();
    ASSERT_EQ(verdict.cells.size(), 1U);
    EXPECT_EQ(verdict.cells_in_all, 1U);
    const CellNote& note = verdict.cells[0];
    EXPECT_EQ(note.table, "t");
    EXPECT_EQ(note.column, "a");
    EXPECT_EQ(note.other, a.site);
    EXPECT_EQ(note.fate, CellFate::waits);
    EXPECT_EQ(Value(note.conflict), rows()[0][column::id]);
    NamedRow key;
    ASSERT_TRUE(read_named_row(note.key, key));
    EXPECT_EQ(key, (NamedRow{{"id", "k"}}));
    EXPECT_EQ(b.notices.back(), verdict) << "as it was told at once";
}

// What `lww` replaces unseen, in column b.
class OverwrittenTest : public ConflictListTest {
protected:
    explicit OverwrittenTest(HubOptions options = {}) : ConflictListTest(DeleteMode::update_wins, options) {}
    void write(TestDevice& device, const std::vector<std::string>& keys, const Value& value) {
        device.cut();
        scene.clock.now += limits::millisecond;
        device.begin();
        for (const std::string& key : keys)
            device.update(key, 2, value);
    }
};

TEST_F(OverwrittenTest, ValuesAreListedWhoeverCameFirst) {
    write(a, {"k"}, "from a");
    write(b, {"k"}, "from b, later");
    push(a);
    push(b);
    auto list = rows();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0][column::resolution], Value("overwritten"));
    EXPECT_EQ(list[0][column::column_name], Value("b"));
    EXPECT_EQ(list[0][column::base], Value("other"));
    EXPECT_EQ(list[0][column::mine], Value("from a"));
    EXPECT_EQ(list[0][column::mine_site], name(a));
    EXPECT_EQ(list[0][column::theirs], Value("from b, later"));
    EXPECT_EQ(list[0][column::theirs_site], name(b));
    EXPECT_EQ(list[0][column::resolved_by], name(b));
    EXPECT_EQ(list[0][column::resolved_at], list[0][column::opened_at]);
    EXPECT_EQ(b.covered.back().kind, VerdictKind::accepted);

    push(a);
    write(a, {"k"}, "earlier");
    write(b, {"k"}, "later");
    push(b);
    push(a);
    list = rows();
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[1][column::mine], Value("earlier"));
    EXPECT_EQ(list[1][column::theirs], Value("later"));
    const Verdict& verdict = a.covered.back();
    EXPECT_EQ(verdict.kind, VerdictKind::merged);
    ASSERT_EQ(verdict.cells.size(), 1U);
    EXPECT_EQ(verdict.cells[0].fate, CellFate::lost);
    EXPECT_EQ(verdict.cells[0].other, b.site);
    for (TestDevice* device : {&a, &b})
        EXPECT_EQ(device->rows.count(encode_record(Row{list[1][column::id]})), 1U) << "an ordinary synced row";
}

TEST_F(OverwrittenTest, NothingIsListedWhereNothingWasConcurrent) {
    write(a, {"k"}, "from a");
    push(a);
    push(b);
    write(b, {"k"}, "from b");
    push(b);
    EXPECT_TRUE(rows().empty());
    EXPECT_EQ(b.covered.back().cells_in_all, 0U);
}

TEST_F(OverwrittenTest, AVerdictNamesTheFirstFewCells) {
    std::vector<std::string> keys;
    for (int i = 0; i < 40; ++i)
        keys.push_back("k" + std::to_string(i));
    keys.push_back(std::string(2000, 'k'));
    a.begin();
    for (const std::string& key : keys)
        a.insert(key, 0, 0);
    push(a);
    push(b);
    write(b, keys, "earlier");
    write(a, keys, "later");
    push(a);
    push(b);
    EXPECT_EQ(b.covered.back().cells.size(), limits::verdict_cells_max);
    EXPECT_EQ(b.covered.back().cells_in_all, keys.size());
    EXPECT_EQ(rows().size(), keys.size());
}

// base, mine and theirs are more together than a row may have.
TEST_F(OverwrittenTest, WhatIsTooLargeIsListedWithoutItsBase) {
    const auto large = [](char letter) { return Value(std::string(limits::row_bytes_max / 2 - 1000, letter)); };
    write(a, {"k"}, large('0'));
    push(a);
    push(b);
    write(a, {"k"}, large('a'));
    write(b, {"k"}, large('b'));
    push(a);
    push(b);
    const auto list = rows();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_TRUE(list[0][column::base].is_null());
    EXPECT_EQ(list[0][column::mine], large('a'));
    EXPECT_EQ(list[0][column::theirs], large('b'));
}

class ShortOverwrittenTest : public OverwrittenTest {
protected:
    ShortOverwrittenTest() : OverwrittenTest(short_history()) {}
    static HubOptions short_history() {
        HubOptions options;
        options.retention = limits::second;
        return options;
    }
};

TEST_F(ShortOverwrittenTest, GoFasterThanTheyCome) {
    std::vector<std::string> keys;
    for (int i = 0; i < 100; ++i)
        keys.push_back("k" + std::to_string(i));
    a.begin();
    for (const std::string& key : keys)
        a.insert(key, 0, 0);
    for (int round = 0; round < 4; ++round) {
        push(a);
        push(b);
        write(a, keys, Value(2 * round + 1));
        write(b, keys, Value(2 * round + 2));
        push(a);
        push(b);
        EXPECT_EQ(rows().size(), 100U);
        scene.clock.now += 2 * limits::second;
    }
}

class DeletionConflictTest : public ConflictListTest {
protected:
    DeletionConflictTest() : ConflictListTest(DeleteMode::manual) {}
};

TEST_F(DeletionConflictTest, HoldsWholeRows) {
    offline(a, 11);
    b.cut();
    b.begin();
    b.erase("k");
    push(a);
    push(b);
    const auto list = rows();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_TRUE(list[0][column::column_name].is_null());
    EXPECT_TRUE(list[0][column::mine].is_null());
    std::vector<NamedValue> base;
    std::vector<NamedValue> theirs;
    ASSERT_TRUE(read_named_row(list[0][column::base].bytes(), base));
    ASSERT_TRUE(read_named_row(list[0][column::theirs].bytes(), theirs));
    EXPECT_EQ(base[1].name, "a");
    EXPECT_EQ(base[1].value, Value(10));
    EXPECT_EQ(theirs[1].value, Value(11));
    b.begin();
    b.erase("k");
    push(b);
    EXPECT_EQ(resolution_of_only(), "mine");
    EXPECT_TRUE(scene.hub_rows().count(TestDevice::key("k")) == 0);
}

class ShortHistoryTest : public ConflictListTest {
protected:
    ShortHistoryTest() : ConflictListTest(DeleteMode::update_wins, short_history()) {}
    static HubOptions short_history() {
        HubOptions options;
        options.retention = limits::second;
        return options;
    }
};

TEST_F(ShortHistoryTest, SettledConflictsGo) {
    offline(a, 11);
    offline(b, 12);
    push(a);
    push(b);
    scene.clock.now += 10 * limits::second;
    b.begin();
    b.update("k", 2, "something else");
    push(b);
    EXPECT_EQ(rows().size(), 1U) << "open ones stay";
    b.begin();
    b.update("k", 1, 12);
    push(b);
    EXPECT_EQ(resolution_of_only(), "mine");
    scene.clock.now += 2 * limits::second;
    b.begin();
    b.update("k", 2, "and another thing");
    push(b);
    EXPECT_TRUE(rows().empty());
}

}  // namespace
}  // namespace tombolo::hub
