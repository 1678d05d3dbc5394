// granularity = "row": the lww cells of a row win or lose together. An update carries them all, as its author saw them.
#include <gtest/gtest.h>

#include "merge/scene_test.h"

namespace tombolo::merge {
namespace {
using testing::by;
using testing::By;
using testing::Scene;
using testing::table_with;

Table whole_rows() {
    Table table = table_with(ColumnPolicy::lww);
    table.whole_rows = true;
    return table;
}
Scene with_row(Table table = whole_rows()) {
    Scene hub(std::move(table));
    hub.commit(by(1).at(1).insert({"k", 10, 20}));
    return hub;
}
// By one who saw the row (10, 20).
By writes(uint64_t site, HubTime stamp, int a, int b) { return by(site).seen(1).at(stamp).update("k", {1, 2}, {10, 20}, {a, b}); }

TEST(WholeRow, the_later_row_wins_in_both_orders) {
    Scene one = with_row();
    EXPECT_EQ(one.commit(writes(2, 5, 11, 20)), "accepted");
    EXPECT_EQ(one.commit(writes(3, 6, 10, 22)), "accepted");
    EXPECT_EQ(one.show("k"), "alive 'k' 10 22");
    Scene other = with_row();
    EXPECT_EQ(other.commit(writes(3, 6, 10, 22)), "accepted");
    EXPECT_EQ(other.commit(writes(2, 5, 11, 20)), "merged");
    EXPECT_EQ(other.show("k"), "alive 'k' 10 22");
}

TEST(WholeRow, cells_are_decided_one_by_one_without_it) {
    Table table = whole_rows();
    table.whole_rows = false;
    Scene hub = with_row(table);
    hub.commit(by(2).seen(1).at(5).update("k", 1, 10, 11));
    hub.commit(by(3).seen(1).at(6).update("k", 2, 20, 22));
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 22");
}

TEST(WholeRow, two_columns_written_together_stay_together) {  // conflict case 28
    Scene hub = with_row();
    hub.commit(writes(3, 6, 12, 20));
    hub.commit(writes(2, 5, 11, 21));
    EXPECT_EQ(hub.show("k"), "alive 'k' 12 20");
}

TEST(WholeRow, one_who_saw_all_wins_whatever_the_clocks_say) {
    Scene hub = with_row();
    hub.commit(writes(2, 50, 11, 21));
    EXPECT_EQ(hub.commit(by(3).seen(2).at(4).update("k", {1, 2}, {11, 21}, {11, 22})), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 22");
}

TEST(WholeRow, columns_of_other_policies_go_their_own_way) {
    Table table = whole_rows();
    table.columns[2].policy = ColumnPolicy::counter;
    Scene hub = with_row(table);
    hub.commit(by(2).seen(1).at(6).update("k", {1, 2}, {10, 20}, {11, 25}));
    EXPECT_EQ(hub.commit(by(3).seen(1).at(5).update("k", {1, 2}, {10, 20}, {12, 23})), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 28");
}

TEST(WholeRow, a_write_that_carries_one_cell_is_judged_by_all) {  // made before its device knew of the granularity
    Scene hub = with_row();
    hub.commit(writes(3, 6, 10, 22));
    EXPECT_EQ(hub.commit(by(2).seen(1).at(5).update("k", 1, 10, 11)), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 22");
    EXPECT_EQ(hub.commit(by(4).seen(1).at(7).update("k", 1, 10, 12)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 12 22");
}

TEST(WholeRow, an_insert_over_an_own_delete_that_lost_is_a_write_of_the_row) {
    Scene hub = with_row();
    hub.commit(writes(3, 6, 10, 22));
    hub.commit(by(2).seen(1).at(7).erase({"k", 10, 20}));
    EXPECT_EQ(hub.commit(by(2).seen(1).at(8).insert_over_delete({"k", 10, 20}, {"k", 11, 20})), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    Scene same = with_row();
    same.commit(writes(3, 6, 10, 22));
    same.commit(by(2).seen(1).at(7).erase({"k", 10, 20}));
    same.commit(by(2).seen(1).at(8).insert_over_delete({"k", 10, 20}, {"k", 10, 20}));  // wrote nothing
    EXPECT_EQ(same.show("k"), "alive 'k' 10 22");
}

TEST(WholeRow, inserts_that_merge_win_or_lose_whole) {
    Table table = whole_rows();
    table.insert_mode = InsertMode::merge;
    Scene hub = with_row(table);
    EXPECT_EQ(hub.commit(by(2).at(5).insert({"k", 11, 20})), "merged");
    EXPECT_EQ(hub.commit(by(3).at(4).insert({"k", 10, 22})), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
}

}  // namespace
}  // namespace tombolo::merge
