// Situation -> outcome, for each line of the table of rules. Devices are sites 1, 2, 3; seqs count from 1.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "merge/policies.h"
#include "merge/row.h"
#include "merge/scene_test.h"
#include "tombolo/error.h"

namespace tombolo::merge {
namespace {
using testing::by;
using testing::Scene;
using testing::table_with;
using testing::text_of;
using testing::with_row;

constexpr int64_t highest = std::numeric_limits<int64_t>::max();
constexpr int64_t lowest = std::numeric_limits<int64_t>::min();

Table delete_wins() {
    Table table = table_with(ColumnPolicy::lww);
    table.delete_mode = DeleteMode::delete_wins;
    return table;
}
Table merging_inserts(ColumnPolicy policy) {
    Table table = table_with(policy);
    table.insert_mode = InsertMode::merge;
    return table;
}

// --- one cell, two devices: site 2 wrote 11 at seq 2 with stamp 20; site 3 writes `value` ---

struct CellCase {
    const char* name;
    ColumnPolicy policy;
    uint64_t seen;
    HubTime stamp;
    Value value;
    const char* outcome;
    const char* row;
};

class Cell : public ::testing::TestWithParam<CellCase> {};

TEST_P(Cell, becomes) {
    const CellCase& c = GetParam();
    Scene hub = with_row(c.policy);
    ASSERT_EQ(hub.commit(by(2).seen(1).at(20).update("k", 1, 10, 11)), "accepted");
    const Value base = c.seen == 2 ? 11 : 10;
    EXPECT_EQ(hub.commit(by(3).seen(c.seen).at(c.stamp).update("k", 1, base, c.value)), c.outcome);
    EXPECT_EQ(hub.show("k"), c.row);
}

INSTANTIATE_TEST_SUITE_P(
    Policies, Cell,
    ::testing::Values(CellCase{"lww_later_stamp_wins", ColumnPolicy::lww, 1, 30, 12, "accepted", "alive 'k' 12 20"},
                      CellCase{"lww_earlier_stamp_loses", ColumnPolicy::lww, 1, 15, 12, "merged", "alive 'k' 11 20"},
                      CellCase{"lww_equal_stamps_go_to_the_greater_site", ColumnPolicy::lww, 1, 20, 12, "accepted", "alive 'k' 12 20"},
                      CellCase{"lww_one_who_saw_wins_with_any_stamp", ColumnPolicy::lww, 2, 5, 12, "accepted", "alive 'k' 12 20"},
                      CellCase{"lww_losing_with_the_same_value_loses_nothing", ColumnPolicy::lww, 1, 15, 11, "accepted", "alive 'k' 11 20"},
                      CellCase{"hub_keeps_the_first", ColumnPolicy::hub, 1, 30, 12, "merged", "alive 'k' 11 20"},
                      CellCase{"hub_takes_one_who_saw", ColumnPolicy::hub, 2, 5, 12, "accepted", "alive 'k' 12 20"},
                      CellCase{"device_takes_the_arriving", ColumnPolicy::device, 1, 5, 12, "accepted", "alive 'k' 12 20"},
                      CellCase{"counter_adds_unseen_increments", ColumnPolicy::counter, 1, 5, 13, "merged", "alive 'k' 14 20"},
                      CellCase{"counter_of_one_who_saw_is_as_written", ColumnPolicy::counter, 2, 5, 13, "accepted", "alive 'k' 13 20"},
                      CellCase{"max_takes_the_greater", ColumnPolicy::max, 1, 5, 12, "merged", "alive 'k' 12 20"},
                      CellCase{"max_keeps_the_greater", ColumnPolicy::max, 1, 30, 5, "merged", "alive 'k' 11 20"},
                      CellCase{"max_is_lowered_by_one_who_saw", ColumnPolicy::max, 2, 5, 3, "accepted", "alive 'k' 3 20"},
                      CellCase{"max_null_loses", ColumnPolicy::max, 1, 30, nullptr, "merged", "alive 'k' 11 20"},
                      CellCase{"max_text_is_above_numbers", ColumnPolicy::max, 1, 5, "a", "merged", "alive 'k' 'a' 20"},
                      CellCase{"max_equal_number_of_other_type_stays", ColumnPolicy::max, 1, 30, 11.0, "merged", "alive 'k' 11 20"},
                      CellCase{"min_takes_the_smaller", ColumnPolicy::min, 1, 5, 3, "merged", "alive 'k' 3 20"},
                      CellCase{"min_keeps_the_smaller", ColumnPolicy::min, 1, 30, 12, "merged", "alive 'k' 11 20"},
                      CellCase{"min_null_loses_too", ColumnPolicy::min, 1, 30, nullptr, "merged", "alive 'k' 11 20"}),
    [](const auto& test) { return test.param.name; });

// --- the two-integer test ---

TEST(Marks, a_second_edit_of_a_site_does_not_overwrite_what_its_first_was_merged_with) {
    Scene hub = with_row(ColumnPolicy::max);
    hub.commit(by(2).seen(1).update("k", 1, 10, 15));
    hub.commit(by(3).seen(1).update("k", 1, 10, 12));                       // stays below, but is there
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 1, 12, 11)), "merged");  // 15 is still unseen: not lowered
    EXPECT_EQ(hub.show("k"), "alive 'k' 15 20");
    EXPECT_EQ(hub.marks("k"), "3@4/2 1@1/0 3@4/2 1@1/0");
}

TEST(Marks, a_losing_write_of_a_choosing_policy_touches_the_row_and_leaves_the_cell) {
    Scene hub = with_row(ColumnPolicy::hub);
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    hub.commit(by(3).seen(1).update("k", 1, 10, 12));
    EXPECT_EQ(hub.marks("k"), "3@3/2 1@1/0 2@2/1 1@1/0");
}

TEST(Marks, a_row_stays_one_tuple_while_only_losing_writes_name_its_cells) {
    Scene hub = with_row(ColumnPolicy::hub);
    hub.commit(by(2).seen(0).update("k", 1, 10, 11));
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 20");
    EXPECT_EQ(hub.marks("k"), "2@2/1 -");
}

TEST(Marks, a_combined_cell_keeps_the_greater_stamp_and_a_chosen_one_the_new) {
    Scene sum = with_row(ColumnPolicy::counter);
    sum.commit(by(2).at(50).update("k", 1, 10, 11));
    sum.commit(by(3).at(20).update("k", 1, 10, 11));
    EXPECT_EQ(sum.row("k").meta.cells[1].stamp, 50);
    Scene last = with_row(ColumnPolicy::device);
    last.commit(by(2).at(50).update("k", 1, 10, 11));
    last.commit(by(3).at(20).update("k", 1, 10, 11));
    EXPECT_EQ(last.row("k").meta.cells[1].stamp, 20);
}

TEST(Marks, a_column_younger_than_the_row_has_the_mark_of_the_birth) {
    RowState row{Existence::alive, {Value("k"), Value(10)}, {}};  // before column b came
    row.meta.birth = {{1}, {1}};
    const Table table = table_with(ColumnPolicy::hub);
    const Value seven = 7;
    const Writer stranger{.site = {2}, .seen = {0}, .seq = {5}};
    EXPECT_TRUE(merge_cell(row, {2, {}, seven}, {table, "k", stranger}).merged);  // lost against the birth
    const Writer informed{.site = {2}, .seen = {1}, .seq = {5}};
    EXPECT_FALSE(merge_cell(row, {2, {}, seven}, {table, "k", informed}).merged);
    EXPECT_EQ(row.values[2], Value(7));
}

// --- deletes ---

TEST(Delete, of_a_row_somebody_updated_unseen_loses_under_update_wins) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(1).erase({"k", 10, 20})), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
}

TEST(Delete, of_what_its_author_saw_stands) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(2).erase({"k", 11, 20})), "accepted");
    EXPECT_EQ(hub.show("k"), "dead 'k' 11 20");
    EXPECT_EQ(hub.commit(by(1).seen(1).erase({"k", 10, 20})), "accepted");  // twice is once
    EXPECT_EQ(hub.row("k").meta.death.seq.value, 3u);
}

TEST(Delete, then_an_update_that_had_not_seen_it_brings_the_row_back_whole) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(3).seen(1).erase({"k", 10, 20}));
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", 2, 20, 21)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 21");
}

TEST(Delete, then_an_update_that_knew_of_it_or_follows_its_own_is_refused) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(3).seen(1).erase({"k", 10, 20}));
    const char* missing = "rejected primary-key: the row of table t does not exist (any more)";
    EXPECT_EQ(hub.commit(by(2).seen(2).update("k", 2, 20, 21)), missing);
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 2, 20, 21)), missing);
    EXPECT_EQ(hub.commit(by(2).update("other", 2, 20, 21)), missing);
    EXPECT_EQ(hub.show("k"), "dead 'k' 10 20");
}

TEST(Delete, under_delete_wins_beats_unseen_updates_before_and_after) {
    Scene hub = with_row(delete_wins());
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(1).erase({"k", 10, 20})), "accepted");
    EXPECT_EQ(hub.commit(by(1).seen(1).update("k", 2, 20, 21)), "merged");
    EXPECT_EQ(hub.show("k"), "dead 'k' 11 20");
}

TEST(Delete, all_of_a_transaction_lose_together) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(1).insert({"l", 1, 2}));
    hub.commit(by(2).seen(2).update("l", 1, 1, 3));
    EXPECT_EQ(hub.commit(by(3).seen(2).erase({"k", 10, 20}).erase({"l", 1, 2})), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 20");
    EXPECT_EQ(hub.show("l"), "alive 'l' 3 2");
}

TEST(Delete, of_two_rows_is_turned_back_whole_by_an_update_of_one) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(1).insert({"l", 1, 2}));
    hub.commit(by(3).seen(2).erase({"k", 10, 20}).erase({"l", 1, 2}));
    EXPECT_EQ(hub.commit(by(2).seen(2).update("l", 1, 1, 3)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 20");
    EXPECT_EQ(hub.show("l"), "alive 'l' 3 2");
}

TEST(Delete, of_the_reviver_itself_is_not_turned_back) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(1).insert({"l", 1, 2}));
    hub.commit(by(3).seen(2).erase({"k", 10, 20}).erase({"l", 1, 2}));
    EXPECT_EQ(hub.commit(by(2).seen(2).update("l", 1, 1, 3).erase({"k", 10, 20})), "accepted");
    EXPECT_EQ(hub.show("k"), "dead 'k' 10 20");
    EXPECT_EQ(hub.show("l"), "alive 'l' 3 2");
}

// --- inserts ---

TEST(Insert, of_an_equal_row_is_one_row) {
    Scene hub = with_row(ColumnPolicy::lww);
    EXPECT_EQ(hub.commit(by(2).insert({"k", 10, 20})), "accepted");
    EXPECT_EQ(hub.marks("k"), "2@2/1 -");
}

TEST(Insert, of_another_row_under_the_same_key_is_refused_even_if_the_first_was_seen) {
    Scene hub = with_row(ColumnPolicy::lww);
    const char* clash = "rejected primary-key: table t has another row with this primary key";
    EXPECT_EQ(hub.commit(by(2).seen(0).insert({"k", 10, 21})), clash);
    EXPECT_EQ(hub.commit(by(2).seen(2).insert({"k", 10, 21})), clash);
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 20");
}

TEST(Insert, merges_cell_by_cell_where_the_table_says_so) {
    Scene hub = with_row(merging_inserts(ColumnPolicy::counter));
    EXPECT_EQ(hub.commit(by(2).insert({"k", 3, 4})), "merged");  // base NULL counts as 0
    EXPECT_EQ(hub.show("k"), "alive 'k' 13 24");
}

TEST(Insert, that_merges_has_the_columns_default_as_its_base) {
    Table table = merging_inserts(ColumnPolicy::counter);
    table.columns[2].default_value = 5;
    Scene hub = with_row(table);
    EXPECT_EQ(hub.commit(by(2).insert({"k", 3, 7})), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 13 22");  // 20 and two more than the default
}

TEST(Insert, over_a_tombstone_is_a_new_life_without_marks_of_the_old) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    hub.commit(by(2).seen(1).erase({"k", 11, 20}));
    EXPECT_EQ(hub.commit(by(3).seen(3).insert({"k", 1, 2})), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 1 2");
    EXPECT_EQ(hub.marks("k"), "3@4/0 -");
    EXPECT_TRUE(hub.row("k").meta.reborn);
}

TEST(Insert, over_an_own_delete_that_lost_is_an_update_of_the_cells_that_changed) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(2).seen(1).at(20).update("k", 1, 10, 11));
    hub.commit(by(3).seen(1).at(30).erase({"k", 10, 20}));
    EXPECT_EQ(hub.commit(by(3).seen(1).at(31).insert_over_delete({"k", 10, 20}, {"k", 10, 25})), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 25");
}

TEST(Insert, over_an_own_delete_meets_a_strangers_new_life_as_any_insert) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(2).seen(1).erase({"k", 10, 20}));
    hub.commit(by(2).seen(2).insert({"k", 1, 2}));
    hub.commit(by(3).seen(1).erase({"k", 10, 20}));  // the new life was unseen: the delete loses
    EXPECT_EQ(hub.commit(by(3).seen(1).insert_over_delete({"k", 10, 20}, {"k", 5, 6})),
              "rejected primary-key: table t has another row with this primary key");
}

TEST(Insert, an_update_of_an_earlier_life_stays_out_of_the_new_one_under_delete_wins) {
    Scene hub = with_row(delete_wins());
    hub.commit(by(2).seen(1).erase({"k", 10, 20}));
    hub.commit(by(2).seen(2).insert({"k", 1, 2}));
    EXPECT_EQ(hub.commit(by(3).seen(1).at(99).update("k", 1, 10, 11)), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 1 2");
    EXPECT_EQ(hub.commit(by(3).seen(3).update("k", 1, 1, 11)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 2");
}

TEST(Insert, that_joined_an_unseen_equal_one_may_be_edited_under_delete_wins) {
    Scene hub = with_row(delete_wins());
    hub.commit(by(2).insert({"k", 10, 20}));
    EXPECT_EQ(hub.commit(by(2).at(21).update("k", 1, 10, 11)), "accepted");  // no earlier life: the unseen birth is no obstacle
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
}

// --- retry ---

TEST(Retry, is_superseded_by_an_own_later_write) {
    for (ColumnPolicy policy : {ColumnPolicy::lww, ColumnPolicy::device}) {
        Scene hub = with_row(policy);
        hub.commit(by(2).seen(1).at(30).update("k", 1, 11, 12));
        EXPECT_EQ(hub.commit(by(2).seen(1).at(20).retry().update("k", 1, 10, 11)), "merged");
        EXPECT_EQ(hub.show("k"), "alive 'k' 12 20");
    }
}

TEST(Retry, is_judged_against_others_by_what_it_had_seen) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(3).seen(1).at(30).update("k", 1, 10, 12));
    EXPECT_EQ(hub.commit(by(2).seen(1).at(20).retry().update("k", 1, 10, 11)), "merged");
    EXPECT_EQ(hub.commit(by(2).seen(1).at(40).retry().update("k", 1, 10, 13)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 13 20");
}

// --- counters: numbers ---

struct Sum {
    Value stored, base, arriving;
    const char* result;
};

TEST(Counter, adds_exactly_or_refuses) {
    const double inf = std::numeric_limits<double>::infinity();
    const Sum sums[] = {
        {nullptr, nullptr, 3, "3"},
        {5, nullptr, 3, "8"},
        {5, 3, nullptr, "2"},
        {nullptr, 3, 4, "1"},
        {5, highest, highest - 7, "-2"},
        {lowest, lowest + 1, lowest, "overflow"},
        {highest, 0, 1, "overflow"},
        {0, lowest, highest, "overflow"},
        {-1, lowest, -1, "9223372036854775806"},
        {1, 1, 2.5, "r2.500000"},
        {2, 1, 2.5, "r3.500000"},
        {1.5, 1, 2, "r2.500000"},
        {inf, 1.0, 2.0, "rinf"},
        {inf, inf, 2.0, "r2.000000"},
        {1.0, inf, 2.0, "r-inf"},
        {inf, 1.0, -inf, "overflow"},
        {1e308, 0.0, 1e308, "overflow"},
        {"five", 5, 6, "type"},
        {5, "five", 6, "type"},
        {5, 6, Value::blob("x"), "type"},
    };
    for (const Sum& sum : sums) {
        const Decision d = decide_counter({.stored = sum.stored, .base = sum.base, .arriving = sum.arriving});
        const std::string result = d.code == RejectCode::none ? text_of(d.combined) : std::string(to_string(d.code));
        EXPECT_EQ(result, sum.result) << text_of(sum.stored) << " + " << text_of(sum.arriving) << " - " << text_of(sum.base);
    }
}

TEST(Counter, refusal_names_the_column) {
    Scene hub = with_row(ColumnPolicy::counter);
    EXPECT_EQ(hub.commit(by(2).update("k", 1, "x", 1)), "rejected type: column t.a is a counter and holds no number");
    EXPECT_EQ(hub.commit(by(2).update("k", 1, 0, highest)), "rejected overflow: column t.a would leave the range of a counter");
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 20");
}

// --- the rest ---

TEST(Values, are_ordered_as_sqlite_orders_them) {
    const double two_to_53 = 9007199254740992.0;
    const Row ascending = {nullptr,
                           -std::numeric_limits<double>::infinity(),
                           lowest,
                           -1,
                           -0.5,
                           0,
                           0.5,
                           1,
                           int64_t{9007199254740992},
                           int64_t{9007199254740993},
                           two_to_53 + 2,
                           highest,
                           9223372036854775808.0,
                           std::numeric_limits<double>::infinity(),
                           "",
                           "A",
                           "a",
                           "ab",
                           Value::blob(""),
                           Value::blob("a")};
    for (size_t i = 0; i < ascending.size(); ++i) {
        for (size_t j = 0; j < ascending.size(); ++j) {
            const int order = compare_values(ascending[i], ascending[j]);
            EXPECT_EQ(order < 0, i < j) << i << " " << j;
            EXPECT_EQ(order > 0, i > j) << i << " " << j;
        }
    }
    EXPECT_EQ(compare_values(Value(1), Value(1.0)), 0);
    EXPECT_EQ(compare_values(Value(0.0), Value(-0.0)), 0);
    EXPECT_EQ(compare_values(Value(lowest), Value(-9223372036854775808.0)), 0);
}

TEST(Stamp, stays_between_what_was_seen_and_the_hubs_now_and_grows) {
    EXPECT_EQ(effective_stamp(50, 40, 60, 0), 50);
    EXPECT_EQ(effective_stamp(10, 40, 60, 0), 41);   // a slow clock
    EXPECT_EQ(effective_stamp(90, 40, 60, 0), 60);   // a fast one
    EXPECT_EQ(effective_stamp(50, 40, 60, 60), 61);  // order of own writes before all
    EXPECT_EQ(effective_stamp(highest, highest, highest, highest), highest);
}

TEST(Hidden, rows_are_skipped_and_the_rest_applies) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(1).insert({"l", 1, 2}));
    hub.hidden = testing::key_of("k");
    EXPECT_EQ(hub.commit(by(2).seen(2).update("k", 1, 10, 11).update("l", 1, 1, 3)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 20");
    EXPECT_EQ(hub.show("l"), "alive 'l' 3 2");
}

TEST(Cost, of_a_new_row_is_one_find_and_one_write) {
    Scene hub(table_with(ColumnPolicy::lww));
    testing::By many = by(1);
    for (int i = 0; i < 100; ++i)
        many = std::move(many).insert({i, 1, 2});
    hub.commit(std::move(many));
    EXPECT_EQ(hub.finds, 100u);
    EXPECT_EQ(hub.writes, 100u);
}

}  // namespace
}  // namespace tombolo::merge
