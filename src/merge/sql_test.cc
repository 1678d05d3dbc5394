// Columns with an expression, as merge sees them: somebody is asked, and may have no answer. SQLite's part is in src/sqlite/.
#include <gtest/gtest.h>

#include "merge/rebase.h"
#include "merge/scene_test.h"

namespace tombolo::merge {
namespace {
using testing::by;
using testing::Scene;
using testing::table_with;
using testing::text_of;

// Answers with base + mine + theirs; with nothing where mine is 99. Remembers what it was asked.
class Sum final : public Expressions {
public:
    std::optional<Value> evaluate(const Clash& clash) override {
        asked += "[" + text_of(clash.base) + ":";
        for (const auto* row : {&clash.mine, &clash.theirs}) {
            for (const ValueView& value : *row)
                asked += " " + text_of(value);
            asked += row == &clash.mine ? " |" : "]";
        }
        const int64_t mine = clash.mine[clash.column].as_integer();
        if (mine == 99) return std::nullopt;
        return Value(clash.base.as_integer() + mine + clash.theirs[clash.column].as_integer());
    }
    std::string asked;
};

class SqlPolicy : public ::testing::Test {
protected:
    explicit SqlPolicy() : hub(table_with(ColumnPolicy::sql)) {
        hub.expressions = &sum;
        hub.commit(by(1).at(1).insert({"k", 10, 20}));
    }
    Sum sum;
    Scene hub;
};

TEST_F(SqlPolicy, combines_two_writes_that_had_not_seen_each_other) {
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", 1, 10, 11)), "accepted");
    EXPECT_EQ(sum.asked, "");
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 1, 10, 12)), "merged");
    EXPECT_EQ(sum.asked, "[10: 'k' 12 20 | 'k' 11 20]");
    EXPECT_EQ(hub.show("k"), "alive 'k' 33 20");
    EXPECT_EQ(hub.commit(by(4).seen(1).update("k", 1, 10, 13)), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 56 20");
}

TEST_F(SqlPolicy, a_write_of_one_who_saw_all_stands) {
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(2).update("k", 1, 11, 5)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 5 20");
    EXPECT_EQ(sum.asked, "");
}

TEST_F(SqlPolicy, is_not_asked_where_one_side_changed_nothing) {
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    hub.commit(by(3).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    hub.commit(by(4).seen(1).update("k", 1, 10, 10));  // a decision for what it was
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    hub.commit(by(5).seen(4).update("k", 1, 11, 10));
    hub.commit(by(6).seen(1).update("k", 1, 10, 12));  // the stored value is its base again
    EXPECT_EQ(hub.show("k"), "alive 'k' 12 20");
    EXPECT_EQ(sum.asked, "");
}

TEST_F(SqlPolicy, sees_the_whole_transaction_on_one_side_and_the_row_before_it_on_the_other) {
    hub.commit(by(2).seen(1).update("k", {1, 2}, {10, 20}, {11, 21}));
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", {1, 2}, {10, 20}, {12, 22})), "merged");
    EXPECT_EQ(sum.asked, "[10: 'k' 12 22 | 'k' 11 21][20: 'k' 12 22 | 'k' 11 21]");
    EXPECT_EQ(hub.show("k"), "alive 'k' 33 63");
}

TEST_F(SqlPolicy, without_an_answer_the_stored_value_stays_and_a_person_is_asked) {
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 1, 10, 99)), "in-conflict");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    EXPECT_EQ(hub.open("k"), "a: 99 over 10 by 3@3");
    hub.commit(by(2).seen(3).update("k", 1, 11, 7));
    EXPECT_EQ(hub.open("k"), "");
}

TEST_F(SqlPolicy, with_nobody_to_ask_it_is_as_manual) {
    hub.expressions = nullptr;
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 1, 10, 12)), "in-conflict");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
}

TEST_F(SqlPolicy, a_retry_leaves_a_later_write_of_its_site_alone) {
    hub.commit(by(2).seen(1).at(30).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(2).seen(1).at(20).retry().update("k", 1, 10, 12)), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    EXPECT_EQ(sum.asked, "");
}

TEST_F(SqlPolicy, inserts_that_merge_have_the_default_as_base) {
    Table table = table_with(ColumnPolicy::sql);
    table.insert_mode = InsertMode::merge;
    table.columns[1].default_value = Value(1);
    table.columns[2].default_value = Value(2);
    Scene inserting(table);
    inserting.expressions = &sum;
    inserting.commit(by(1).insert({"k", 10, 20}));
    EXPECT_EQ(inserting.commit(by(2).insert({"k", 11, 20})), "merged");
    EXPECT_EQ(sum.asked, "[1: 'k' 11 20 | 'k' 10 20]");
    EXPECT_EQ(inserting.show("k"), "alive 'k' 22 20");
}

TEST_F(SqlPolicy, a_device_predicts_with_the_same_answers) {
    const Table table = table_with(ColumnPolicy::sql);
    Overlay overlay({[](const Table&, std::string_view, RowState& state) {
                         state = {Existence::alive, {Value("k"), Value(11), Value(20)}, {}};
                         state.meta.birth = state.meta.death = {};
                         state.meta.touch = {{1}, {2}, {}, 5};
                         state.meta.cells = {{{1}, {1}, {}, 1}, {{1}, {2}, {1}, 5}, {{1}, {1}, {}, 1}};
                         return Existence::alive;
                     },
                     [](Seq) { return std::vector<RowName>(); },
                     {}});
    testing::By pending = by(3).seen(1).update("k", 1, 10, 12);
    pending.changes.table = &table;
    TransactionHeader header;
    header.number = {1};
    RebaseWorld world;
    world.site = {3};
    world.hub_now = 100;
    world.expressions = &sum;
    const auto predictions = rebase(overlay, {{&header, &pending.changes, {1}, 1}}, world);
    EXPECT_EQ(predictions[0].outcome.kind, VerdictKind::merged);
    EXPECT_EQ(overlay.entries()[0].state().values[1], Value(33));
}

}  // namespace
}  // namespace tombolo::merge
