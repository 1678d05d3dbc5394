// What the history is told of values that nobody stores any more, and what the verdict is told of cells that met another write.
#include <gtest/gtest.h>

#include "merge/scene_test.h"

namespace tombolo::merge::testing {
namespace {

Scene born(ColumnPolicy policy, DeleteMode mode = DeleteMode::update_wins) {
    Table table = table_with(policy);
    table.delete_mode = mode;
    Scene scene(table);
    scene.commit(by(1).insert({"x", 1, 1}));
    return scene;
}

TEST(Telling, of_what_the_later_write_replaced) {
    Scene scene = born(ColumnPolicy::lww);
    scene.commit(by(2).seen(1).update("x", 1, 1, 2));
    EXPECT_EQ(scene.aside + scene.meetings, "") << "its author had seen what he replaced";
    EXPECT_EQ(scene.commit(by(3).seen(1).update("x", 1, 1, 3)), "accepted");
    EXPECT_EQ(scene.aside, "a: 2 over 1 by 2, now 3 by 3");
    EXPECT_EQ(scene.meetings, "") << "who wins has nothing to be told";
    EXPECT_EQ(scene.commit(by(2).at(25).seen(1).update("x", 1, 2, 4)), "merged");
    EXPECT_EQ(scene.aside, "a: 4 over 2 by 2, now 3 by 3");
    EXPECT_EQ(scene.meetings, "a lost 3");
    scene.commit(by(4).seen(1).update("x", 1, 1, 3));
    EXPECT_EQ(scene.aside, "") << "the same value";
    scene.commit(by(4).at(50).seen(1).update("x", 1, 3, 5));
    EXPECT_EQ(scene.aside, "") << "his own";
    scene.commit(by(5).seen(1).update("x", 2, 1, 2));
    EXPECT_EQ(scene.aside, "") << "another column";
}

TEST(Telling, of_what_the_hub_or_the_device_chose) {
    Scene hub = born(ColumnPolicy::hub);
    hub.commit(by(2).seen(1).update("x", 1, 1, 2));
    EXPECT_EQ(hub.commit(by(3).seen(1).update("x", 1, 1, 3)), "merged");
    EXPECT_EQ(hub.aside, "a: 3 over 1 by 3, now 2 by 2");
    EXPECT_EQ(hub.meetings, "a lost 2");
    Scene device = born(ColumnPolicy::device);
    device.commit(by(3).seen(1).update("x", 1, 1, 2));
    EXPECT_EQ(device.commit(by(2).seen(1).update("x", 1, 1, 3)), "accepted");
    EXPECT_EQ(device.aside, "a: 2 over 1 by 3, now 3 by 2");
}

TEST(Telling, a_retry_does_not_put_its_own_later_write_aside_nor_itself) {
    Scene scene = born(ColumnPolicy::lww);
    scene.commit(by(2).at(30).seen(1).update("x", 1, 1, 2));
    scene.commit(by(2).at(20).seen(1).retry().update("x", 1, 1, 3));
    EXPECT_EQ(scene.aside, "");
    EXPECT_EQ(scene.meetings, "a lost 2");
}

TEST(Telling, of_what_was_combined) {
    Scene scene = born(ColumnPolicy::counter);
    scene.commit(by(2).seen(1).update("x", 1, 1, 2));
    EXPECT_EQ(scene.commit(by(3).seen(1).update("x", 1, 1, 4)), "merged");
    EXPECT_EQ(scene.aside, "") << "nothing is lost";
    EXPECT_EQ(scene.meetings, "a combined 2");
    Scene max = born(ColumnPolicy::max);
    max.commit(by(2).seen(1).update("x", 1, 1, 5));
    max.commit(by(3).seen(1).update("x", 1, 1, 4));
    EXPECT_EQ(max.meetings, "a lost 2");
    EXPECT_EQ(max.aside, "");
}

TEST(Telling, of_what_waits) {
    Scene scene = born(ColumnPolicy::manual);
    scene.commit(by(2).seen(1).update("x", 1, 1, 2));
    EXPECT_EQ(scene.commit(by(3).seen(1).update("x", 1, 1, 3)), "in-conflict");
    EXPECT_EQ(scene.aside, "") << "it is listed as open";
    EXPECT_EQ(scene.meetings, "a waits 2 as @3");
}

TEST(Telling, of_deletions_that_lost_or_wait) {
    Scene scene = born(ColumnPolicy::lww);
    scene.commit(by(2).seen(1).update("x", 1, 1, 2));
    EXPECT_EQ(scene.commit(by(3).seen(1).erase({"x", 1, 1})), "merged");
    EXPECT_EQ(scene.meetings, "row lost 2");
    Scene manual = born(ColumnPolicy::lww, DeleteMode::manual);
    manual.commit(by(2).seen(1).update("x", 1, 1, 2));
    EXPECT_EQ(manual.commit(by(3).seen(1).erase({"x", 1, 1})), "in-conflict");
    EXPECT_EQ(manual.meetings, "row waits 2 as @3");
    Scene turned = born(ColumnPolicy::lww, DeleteMode::manual);
    turned.commit(by(2).seen(1).erase({"x", 1, 1}));
    EXPECT_EQ(turned.commit(by(3).seen(1).update("x", 1, 1, 2)), "in-conflict");
    EXPECT_EQ(turned.meetings, "row waits 2 as @2");
}

TEST(Telling, of_cells_that_a_deletion_beats) {
    Scene scene = born(ColumnPolicy::lww, DeleteMode::delete_wins);
    scene.commit(by(2).seen(1).erase({"x", 1, 1}));
    EXPECT_EQ(scene.commit(by(3).seen(1).update("x", 1, 1, 3)), "merged");
    EXPECT_EQ(scene.aside, "a: 3 over 1 by 3, now NULL by 2");
    EXPECT_EQ(scene.meetings, "a lost 2");
    scene.commit(by(3).seen(3).insert({"x", 7, 7}));
    EXPECT_EQ(scene.commit(by(4).seen(1).update("x", 1, 1, 4)), "merged") << "meant for the earlier life";
    EXPECT_EQ(scene.aside, "a: 4 over 1 by 4, now 7 by 3");
    EXPECT_EQ(scene.meetings, "a lost 3");
    EXPECT_EQ(scene.commit(by(4).at(50).seen(1).update("x", 1, 1, 7)), "merged");
    EXPECT_EQ(scene.aside, "") << "the same value";
}

TEST(Telling, of_cells_that_a_deletion_takes_along) {
    Scene scene = born(ColumnPolicy::lww, DeleteMode::delete_wins);
    scene.commit(by(2).seen(1).update("x", 1, 1, 2));
    scene.commit(by(3).at(40).seen(1).update("x", 2, 1, 3));
    EXPECT_EQ(scene.commit(by(3).at(50).seen(1).erase({"x", 1, 3})), "accepted");
    EXPECT_EQ(scene.aside, "a: 2 over 1 by 2, now NULL by 3") << "not his own, nor what he saw";
    Scene known = born(ColumnPolicy::lww, DeleteMode::delete_wins);
    known.commit(by(2).seen(1).update("x", 1, 1, 2));
    known.commit(by(3).seen(2).erase({"x", 2, 1}));
    EXPECT_EQ(known.aside, "");
}

TEST(Telling, of_an_insertion_that_met_another) {
    Table table = table_with(ColumnPolicy::counter);
    table.insert_mode = InsertMode::merge;
    Scene scene(table);
    scene.commit(by(1).insert({"x", 1, 0}));
    EXPECT_EQ(scene.commit(by(2).insert({"x", 2, 0})), "merged");
    EXPECT_EQ(scene.meetings, "row combined 1, a combined 1, b combined 1");
}

}  // namespace
}  // namespace tombolo::merge::testing
