// Conflicts a person decides: policy `manual` and delete = "manual". Devices are sites 1, 2, 3 …; seqs count from 1.
#include <gtest/gtest.h>

#include "merge/rebase.h"
#include "merge/scene_test.h"

namespace tombolo::merge {
namespace {
using testing::by;
using testing::By;
using testing::Scene;
using testing::table_with;
using testing::with_row;

Scene manual() { return with_row(table_with(ColumnPolicy::manual)); }
Scene manual_deletes() {
    Table table = table_with(ColumnPolicy::lww);
    table.delete_mode = DeleteMode::manual;
    return with_row(std::move(table));
}

// manual(), where site 2 wrote 11 [2] and site 3, not knowing, 12 [3].
Scene in_conflict() {
    Scene hub = manual();
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    hub.commit(by(3).seen(1).update("k", 1, 10, 12));
    return hub;
}

// --- cells ---

TEST(Manual, keeps_what_is_stored_and_opens_a_conflict_with_the_other) {
    Scene hub = manual();
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", 1, 10, 11)), "accepted");
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 1, 10, 12)), "in-conflict");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    EXPECT_EQ(hub.open("k"), "a: 12 over 10 by 3@3");
    EXPECT_EQ(hub.told, "opened a: 12 over 10 by 3@3");
    EXPECT_EQ(hub.row("k").candidates[0].number.value, 103u);
    EXPECT_EQ(hub.row("k").candidates[0].stamp, 30);
    EXPECT_EQ(hub.marks("k"), "3@3/2 1@1/0 2@2/1 1@1/0");  // the row was touched, the cell was not
}

TEST(Manual, takes_the_write_of_one_who_saw) {
    Scene hub = manual();
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(2).update("k", 1, 11, 12)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 12 20");
    EXPECT_EQ(hub.open("k"), "");
}

TEST(Manual, finds_nothing_to_decide_where_both_wrote_the_same) {
    Scene hub = manual();
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 1, 10, 11)), "accepted");
    EXPECT_EQ(hub.open("k"), "");
    EXPECT_EQ(hub.told, "");
}

TEST(Manual, is_resolved_by_a_write_of_one_who_saw_the_conflict) {
    Scene hub = in_conflict();
    EXPECT_EQ(hub.commit(by(4).seen(3).update("k", 1, 11, 13)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 13 20");
    EXPECT_EQ(hub.told, "resolved a: 12 over 10 by 3@3");
    EXPECT_EQ(hub.open("k"), "");
}

TEST(Manual, is_resolved_for_what_is_stored_by_a_write_that_changes_nothing) {
    Scene hub = in_conflict();
    EXPECT_EQ(hub.commit(by(2).seen(3).update("k", 1, 11, 11)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    EXPECT_EQ(hub.told, "resolved a: 12 over 10 by 3@3");
    EXPECT_EQ(hub.marks("k"), "2@4/3 1@1/0 2@4/1 1@1/0");  // who does not know of the decision is in conflict with it
}

TEST(Manual, a_plain_edit_by_one_who_saw_the_stored_value_and_not_the_conflict_leaves_it_open) {
    Scene hub = in_conflict();
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", 1, 11, 14)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 14 20");
    EXPECT_EQ(hub.open("k"), "a: 12 over 10 by 3@3");
}

TEST(Manual, more_writers_join_one_conflict) {
    Scene hub = in_conflict();
    EXPECT_EQ(hub.commit(by(4).seen(1).update("k", 1, 10, 13)), "in-conflict");
    EXPECT_EQ(hub.commit(by(5).seen(2).update("k", 1, 11, 14)), "accepted");  // saw what is stored, no candidate
    EXPECT_EQ(hub.open("k"), "a: 12 over 10 by 3@3, a: 13 over 10 by 4@4");
}

TEST(Manual, a_second_edit_of_the_same_site_stands_in_place_of_its_first) {
    Scene hub = in_conflict();
    EXPECT_EQ(hub.commit(by(3).seen(1).at(31).update("k", 1, 12, 15)), "in-conflict");
    EXPECT_EQ(hub.open("k"), "a: 15 over 10 by 3@4");
    EXPECT_EQ(hub.told, "folded a: 12 over 10 by 3@3, opened a: 15 over 10 by 3@4");
}

TEST(Manual, the_second_of_two_decisions_opens_a_conflict_and_an_equal_one_none) {
    Scene hub = in_conflict();
    hub.commit(by(4).seen(3).update("k", 1, 11, 12));
    EXPECT_EQ(hub.commit(by(5).seen(3).update("k", 1, 11, 12)), "accepted");
    EXPECT_EQ(hub.open("k"), "");
    EXPECT_EQ(hub.commit(by(6).seen(3).update("k", 1, 11, 13)), "in-conflict");
    EXPECT_EQ(hub.open("k"), "a: 13 over 11 by 6@6");
}

TEST(Manual, a_candidate_whose_value_becomes_the_stored_one_is_closed) {
    Scene hub = in_conflict();
    hub.commit(by(4).seen(1).update("k", 1, 10, 13));
    EXPECT_EQ(hub.commit(by(2).seen(2).at(50).update("k", 1, 11, 12)), "accepted");  // own stored value; knows no candidate
    EXPECT_EQ(hub.told, "equal a: 12 over 10 by 3@3");
    EXPECT_EQ(hub.open("k"), "a: 13 over 10 by 4@4");
}

TEST(Manual, a_retry_gives_way_to_a_later_own_value_stored_or_waiting) {
    Scene stored = manual();
    stored.commit(by(2).seen(1).at(30).update("k", 1, 10, 11));
    EXPECT_EQ(stored.commit(by(2).seen(1).at(20).retry().update("k", 1, 10, 12)), "merged");
    EXPECT_EQ(stored.open("k"), "");

    Scene waiting = in_conflict();  // site 3's candidate has stamp 30
    EXPECT_EQ(waiting.commit(by(3).seen(1).at(25).retry().update("k", 1, 10, 13)), "merged");
    EXPECT_EQ(waiting.open("k"), "a: 12 over 10 by 3@3");
    EXPECT_EQ(waiting.commit(by(3).seen(1).at(35).retry().update("k", 1, 10, 14)), "in-conflict");
    EXPECT_EQ(waiting.open("k"), "a: 14 over 10 by 3@5");
}

TEST(Manual, other_columns_keep_their_conflicts) {
    Scene hub = in_conflict();
    hub.commit(by(4).seen(1).update("k", 2, 20, 21));
    EXPECT_EQ(hub.commit(by(5).seen(3).update("k", 2, 20, 22)), "in-conflict");
    EXPECT_EQ(hub.open("k"), "a: 12 over 10 by 3@3, b: 22 over 20 by 5@5");
    EXPECT_EQ(hub.commit(by(5).seen(5).update("k", 2, 21, 23)), "accepted");
    EXPECT_EQ(hub.open("k"), "a: 12 over 10 by 3@3");
}

TEST(Manual, conflicts_of_a_deleted_row_wait_for_its_return) {
    Scene hub = in_conflict();
    EXPECT_EQ(hub.commit(by(2).seen(3).erase({"k", 11, 20})), "accepted");
    EXPECT_EQ(hub.open("k"), "a: 12 over 10 by 3@3");
    EXPECT_EQ(hub.commit(by(4).seen(3).update("k", 2, 20, 21)), "accepted");
    EXPECT_EQ(hub.open("k"), "a: 12 over 10 by 3@3");
}

TEST(Manual, a_new_row_under_the_key_orphans_the_conflicts_of_the_old) {
    Scene hub = in_conflict();
    hub.commit(by(2).seen(3).erase({"k", 11, 20}));
    EXPECT_EQ(hub.commit(by(2).seen(3).insert({"k", 1, 2})), "accepted");
    EXPECT_EQ(hub.told, "orphaned a: 12 over 10 by 3@3");
    EXPECT_EQ(hub.open("k"), "");
}

TEST(Manual, merging_inserts_open_a_conflict_over_the_columns_default) {
    Table table = table_with(ColumnPolicy::manual);
    table.insert_mode = InsertMode::merge;
    table.columns[1].default_value = 7;
    Scene hub = with_row(table);
    EXPECT_EQ(hub.commit(by(2).insert({"k", 11, 20})), "in-conflict");
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 20");
    EXPECT_EQ(hub.open("k"), "a: 11 over 7 by 2@2");
}

TEST(Manual, a_rejected_transaction_says_so_whatever_it_would_have_opened) {
    Table table = table_with(ColumnPolicy::manual);
    table.columns[2].policy = ColumnPolicy::counter;
    Scene hub = with_row(table);
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 1, 10, 12).update("k", 2, 20, "x").update("k", 2, 20, 21)),
              "rejected type: column t.b is a counter and holds no number");
    EXPECT_EQ(hub.open("k"), "");
}

TEST(Manual, prediction_shows_what_is_stored_without_knowing_the_candidates) {
    Scene hub = in_conflict();
    hub.commit(by(3).seen(1).at(31).update("k", 1, 12, 15));
    Overlay device({[&](const Table& table, std::string_view key, RowState& state) {
                        hub.find(table, key, state);
                        state.candidates.clear();
                        return state.existence;
                    },
                    [](Seq) { return std::vector<RowName>(); },
                    {}});
    testing::By pending = by(3).update("k", 1, 15, 16);
    pending.changes.table = &hub.table();
    TransactionHeader header;
    header.number.value = 3;
    const RebaseWorld world{.site = {3}, .hub_now = 100, .last_own = 31, .is_refused = {}, .judge = {}};
    const auto predictions = rebase(device, {{&header, &pending.changes, {1}, 1}}, world);
    EXPECT_EQ(predictions[0].outcome.kind, VerdictKind::in_conflict);
    EXPECT_EQ(device.entries()[0].now.values[1], Value(11));
}

// --- deletions ---

TEST(ManualDelete, of_a_row_somebody_updated_unseen_keeps_the_row_and_opens_a_conflict) {
    Scene hub = manual_deletes();
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(1).erase({"k", 10, 20})), "in-conflict");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    EXPECT_EQ(hub.open("k"), "deletion of 'k' 10 20 by 3@3");
    EXPECT_EQ(hub.told, "opened deletion of 'k' 10 20 by 3@3");
    EXPECT_EQ(hub.marks("k"), "2@2/1 1@1/0 2@2/1 1@1/0");  // a delete touches nothing
}

TEST(ManualDelete, is_turned_back_by_an_unseen_update_and_stays_open) {
    Scene hub = manual_deletes();
    hub.commit(by(3).seen(1).erase({"k", 10, 20}));
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", 1, 10, 11)), "in-conflict");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    EXPECT_EQ(hub.open("k"), "deletion of 'k' 10 20 by 3@2");
    EXPECT_EQ(hub.row("k").candidates[0].number.value, 0u);  // a tombstone does not know its author's number
}

TEST(ManualDelete, of_what_its_author_saw_stands) {
    Scene hub = manual_deletes();
    EXPECT_EQ(hub.commit(by(3).seen(1).erase({"k", 10, 20})), "accepted");
    EXPECT_EQ(hub.show("k"), "dead 'k' 10 20");
    EXPECT_EQ(hub.commit(by(2).seen(2).update("k", 1, 10, 11)), "rejected primary-key: the row of table t does not exist (any more)");
}

TEST(ManualDelete, is_decided_by_any_write_of_one_who_saw_the_conflict) {
    const auto conflict = [] {
        Scene hub = manual_deletes();
        hub.commit(by(2).seen(1).update("k", 1, 10, 11));
        hub.commit(by(3).seen(1).erase({"k", 10, 20}));
        return hub;
    };
    Scene keep = conflict();
    EXPECT_EQ(keep.commit(by(4).seen(3).touch("k")), "accepted");
    EXPECT_EQ(keep.told, "resolved deletion of 'k' 10 20 by 3@3");
    EXPECT_EQ(keep.marks("k"), "4@4/2 1@1/0 2@2/1 1@1/0");  // touched: a delete by one who does not know is in conflict again

    Scene change = conflict();
    EXPECT_EQ(change.commit(by(3).seen(3).update("k", 2, 20, 21)), "accepted");
    EXPECT_EQ(change.open("k"), "");

    Scene erase = conflict();
    EXPECT_EQ(erase.commit(by(4).seen(3).erase({"k", 11, 20})), "accepted");
    EXPECT_EQ(erase.show("k"), "dead 'k' 11 20");
    EXPECT_EQ(erase.open("k"), "");
    EXPECT_EQ(erase.told, "resolved deletion of 'k' 10 20 by 3@3");

    Scene unaware = conflict();
    EXPECT_EQ(unaware.commit(by(2).seen(1).update("k", 2, 20, 21)), "accepted");
    EXPECT_EQ(unaware.open("k"), "deletion of 'k' 10 20 by 3@3");
    EXPECT_EQ(unaware.commit(by(2).seen(2).erase({"k", 11, 21})), "accepted");  // deletes as well: nothing is left to decide
    EXPECT_EQ(unaware.told, "equal deletion of 'k' 10 20 by 3@3");
}

TEST(ManualDelete, of_the_stored_and_of_another_device_are_two_candidates) {
    Scene hub = manual_deletes();
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    hub.commit(by(3).seen(1).erase({"k", 10, 20}));
    EXPECT_EQ(hub.commit(by(4).seen(1).erase({"k", 10, 20})), "in-conflict");
    EXPECT_EQ(hub.open("k"), "deletion of 'k' 10 20 by 3@3, deletion of 'k' 10 20 by 4@4");
}

TEST(ManualDelete, of_several_rows_is_one_decision_of_the_merge_and_one_conflict_a_row) {
    Scene hub = manual_deletes();
    hub.commit(by(1).insert({"l", 1, 2}));
    hub.commit(by(2).seen(2).update("l", 1, 1, 3));
    EXPECT_EQ(hub.commit(by(3).seen(2).erase({"k", 10, 20}).erase({"l", 1, 2})), "in-conflict");
    EXPECT_EQ(hub.open("k"), "deletion of 'k' 10 20 by 3@4");
    EXPECT_EQ(hub.open("l"), "deletion of 'l' 1 2 by 3@4");

    Scene back = manual_deletes();
    back.commit(by(1).insert({"l", 1, 2}));
    back.commit(by(3).seen(2).erase({"k", 10, 20}).erase({"l", 1, 2}));
    EXPECT_EQ(back.commit(by(2).seen(2).update("l", 1, 1, 3)), "in-conflict");
    EXPECT_EQ(back.show("k"), "alive 'k' 10 20");
    EXPECT_EQ(back.open("k"), "deletion of 'k' 10 20 by 3@3");
    EXPECT_EQ(back.open("l"), "deletion of 'l' 1 2 by 3@3");
}

TEST(ManualDelete, is_taken_back_by_an_insert_over_it_of_the_same_site) {
    Scene hub = manual_deletes();
    hub.commit(by(2).seen(1).at(20).update("k", 1, 10, 11));
    hub.commit(by(3).seen(1).at(30).erase({"k", 10, 20}));
    EXPECT_EQ(hub.commit(by(3).seen(1).at(31).insert_over_delete({"k", 10, 20}, {"k", 10, 25})), "merged");
    EXPECT_EQ(hub.told, "folded deletion of 'k' 10 20 by 3@3");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 25");
}

TEST(ManualDelete, a_retry_gives_way_to_a_later_own_write_of_the_row) {
    Scene hub = manual_deletes();
    hub.commit(by(2).seen(1).at(30).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(2).seen(1).at(20).retry().erase({"k", 10, 20})), "merged");
    EXPECT_EQ(hub.open("k"), "");
}

TEST(ManualDelete, a_retry_does_not_take_back_a_later_own_deletion) {
    Scene hub = manual_deletes();
    hub.commit(by(3).seen(1).at(40).erase({"k", 10, 20}));    // accepted first …
    hub.commit(by(2).seen(1).at(20).update("k", 1, 10, 11));  // … turned back: its stamp is not known any more
    EXPECT_EQ(hub.commit(by(3).seen(1).at(30).retry().update("k", 2, 20, 21)), "accepted");
    EXPECT_EQ(hub.open("k"), "deletion of 'k' 10 20 by 3@2");
    EXPECT_EQ(hub.commit(by(3).seen(3).at(50).update("k", 2, 21, 22)), "accepted");
    EXPECT_EQ(hub.open("k"), "");
}

// --- a change of the key: a delete and an insert in one transaction ---

By moves(uint64_t site, uint64_t seen, Row from, Row to) { return by(site).seen(seen).erase(std::move(from)).insert(std::move(to)); }

TEST(KeyChange, against_an_edit_that_came_first_both_rows_live_and_a_person_is_told) {
    Scene hub = with_row(table_with(ColumnPolicy::lww));
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(moves(3, 1, {"k", 10, 20}, {"new", 10, 20})), "in-conflict");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    EXPECT_EQ(hub.show("new"), "alive 'new' 10 20");
    EXPECT_EQ(hub.open("k"), "deletion of 'k' 10 20 by 3@3");
    hub.commit(by(2).seen(3).erase({"k", 11, 20}));
    EXPECT_EQ(hub.show("k"), "dead 'k' 11 20");
    EXPECT_EQ(hub.open("k"), "");
}

TEST(KeyChange, against_an_edit_that_comes_later_too) {
    Scene hub = with_row(table_with(ColumnPolicy::lww));
    EXPECT_EQ(hub.commit(moves(3, 1, {"k", 10, 20}, {"new", 10, 20})), "accepted");
    EXPECT_TRUE(hub.row("k").meta.moved);
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", 1, 10, 11)), "in-conflict");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 20");
    EXPECT_EQ(hub.open("k"), "deletion of 'k' 10 20 by 3@2");
    EXPECT_FALSE(hub.row("k").meta.moved);
}

TEST(KeyChange, that_nobody_contends_for_asks_nobody) {
    Scene hub = with_row(table_with(ColumnPolicy::lww));
    EXPECT_EQ(hub.commit(moves(3, 1, {"k", 10, 20}, {"new", 10, 20})), "accepted");
    EXPECT_EQ(hub.commit(by(2).seen(2).insert({"k", 1, 2})), "accepted");
    EXPECT_FALSE(hub.row("k").meta.moved);
    Table table = table_with(ColumnPolicy::lww);
    table.delete_mode = DeleteMode::delete_wins;
    Scene deleting = with_row(table);
    deleting.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(deleting.commit(moves(3, 1, {"k", 10, 20}, {"new", 10, 20})), "accepted");
    EXPECT_FALSE(deleting.row("k").meta.moved);
}

TEST(KeyChange, a_delete_beside_no_insert_still_loses_without_a_question) {
    Scene hub = with_row(table_with(ColumnPolicy::lww));
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(1).erase({"k", 10, 20})), "merged");
    EXPECT_EQ(hub.open("k"), "");
}

}  // namespace
}  // namespace tombolo::merge
