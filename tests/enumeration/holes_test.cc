// The counterexamples that shaped the rules of merge and rebase, each as its shortest history. The numbers are those of
// docs/internals/merge.md, which tells what went wrong without the rule.
//
// A history is run on the model; its checks (truth.h, and in drain) throw where a promise breaks. Where the rule lies outside
// merge, the second half of the test leaves it out and expects the checks to notice.
#include <gtest/gtest.h>

#include <sstream>

#include "tests/enumeration/model.h"
#include "tests/enumeration/walk.h"

namespace tombolo::enumeration {
namespace {

// Events by name, blank-separated: "A.a B.del A.push B.pull". A device is a letter; the row is p unless the event ends in ":q".
//   move                  the key of p changes to that of q: p is deleted, q inserted
//   a b del ins same      writes: column a or b, delete, insert, insert of what everybody inserts
//   x:bad                 an update of a that the hub refuses
//   push pull cut sync retryN; hub.allow
class History {
public:
    explicit History(const Settings& settings) : world_(settings), state_(start(world_)) {}

    // The final state as text, after draining.
    std::string run(const std::string& events) {
        std::istringstream in(events);
        for (std::string event; in >> event;)
            happen(event);
        state_.hub.allowed = true;
        drain(world_, state_);
        return show(world_, state_);
    }
    const Answer& answer(int device, int number) const { return state_.hub.answers[static_cast<size_t>(device)][static_cast<size_t>(number)]; }
    State& state() { return state_; }
    const World& world() const { return world_; }

private:
    void happen(const std::string& event) {
        if (event == "hub.allow") {
            state_.hub.allowed = true;
            return;
        }
        const int device = event[0] - 'A';
        std::string what = event.substr(2);
        int row = 0;
        bool bad = false;
        if (what.size() > 2 && what.substr(what.size() - 2) == ":q") row = 1, what.resize(what.size() - 2);
        if (what.size() > 4 && what.substr(what.size() - 4) == ":bad") bad = true, what.resize(what.size() - 4);
        if (what == "push") return push(world_, state_, device);
        if (what == "pull") return pull(world_, state_, device);
        if (what == "cut") return cut(state_, device);
        if (what.rfind("retry", 0) == 0) return retry(world_, state_, device, what[5] - '0');
        if (what == "sync") {
            while (can_push(state_, device))
                push(world_, state_, device);
            return pull(world_, state_, device);
        }
        if (what == "del-both") return write_both(device, Write::erase);
        if (what == "move") return write_both(device, Write::insert);
        write(world_, state_, device, {change_for(world_, state_, device, row, kind(what))}, bad);
    }
    void write_both(int device, Write second) {
        write(world_, state_, device, {change_for(world_, state_, device, 0, Write::erase), change_for(world_, state_, device, 1, second)});
    }
    static Write kind(const std::string& what) {
        if (what == "a") return Write::update_a;
        if (what == "b") return Write::update_b;
        if (what == "del") return Write::erase;
        if (what == "ins") return Write::insert;
        if (what == "same") return Write::insert_common;
        throw std::logic_error("no such event: " + what);
    }

    const World world_;
    State state_;
};

std::string run(const Settings& settings, const std::string& events) { return History(settings).run(events); }

Settings with(ColumnPolicy policy) {
    Settings settings;
    settings.policy = policy;
    return settings;
}
Settings empty(ColumnPolicy policy = ColumnPolicy::lww) {
    Settings settings = with(policy);
    settings.filled = {};
    return settings;
}

// Without the rule `left_out`, the checks find something in `events`.
testing::AssertionResult is_noticed(Settings settings, bool Repairs::*left_out, const std::string& events) {
    settings.repairs.*left_out = false;
    try {
        const std::string end = run(settings, events);
        return testing::AssertionFailure() << "nobody noticed: " << end;
    } catch (const Violation& violation) {
        return testing::AssertionSuccess() << violation.what();
    }
}

// Without the rule `left_out`, a walk over the scope finds something.
testing::AssertionResult is_found(Scope scope, bool Repairs::*left_out) {
    scope.settings.repairs.*left_out = false;
    const Result result = walk(scope);
    if (result.finding) return testing::AssertionSuccess() << result.finding->history << ": " << result.finding->what;
    return testing::AssertionFailure() << result.counts.histories << " histories, and nobody noticed";
}

TEST(Hole1, a_pending_increment_in_the_checkpoint_is_not_shown_twice) {
    const Settings settings = with(ColumnPolicy::counter);
    const char* events = "A.a A.push A.cut A.pull";
    EXPECT_EQ(run(settings, events), "hub 2,2 | A 2,2 | B 2,2");
    EXPECT_TRUE(is_noticed(settings, &Repairs::verdicts_in_checkpoint, events));
}

TEST(Hole2, a_write_that_waits_while_another_arrives_still_opens_its_conflict) {
    const Settings settings = with(ColumnPolicy::manual);
    const char* events = "A.a B.a A.push B.pull B.push";
    History history(settings);
    EXPECT_EQ(history.run(events), "hub 100,2 | A 100,2 | B 100,2");
    EXPECT_EQ(history.state().hub.rows[0].open_count, 1);
    Settings moved = settings;
    moved.repairs.seen_is_frozen = false;
    EXPECT_EQ(run(moved, events), "hub 200,2 | A 200,2 | B 200,2") << "with `seen` moved up A's value is gone, and nothing in the hub's state tells";
}

TEST(Hole3, a_delete_does_not_kill_an_update_that_arrived_after_it_was_written) {
    const Settings settings = with(ColumnPolicy::lww);
    const char* events = "A.a B.del A.push B.pull B.push";
    EXPECT_EQ(run(settings, events), "hub 100,2 | A 100,2 | B 100,2");
    Settings moved = settings;
    moved.repairs.seen_is_frozen = false;
    EXPECT_EQ(run(moved, events), "hub - | A - | B -") << "with `seen` moved up the update is killed, and nothing in the hub's state tells";
}

TEST(Hole4, a_losing_write_leaves_the_cell_so_the_winner_may_edit_again) {
    EXPECT_EQ(run(with(ColumnPolicy::hub), "B.a B.push A.a A.push B.a B.push"), "hub 300,2 | A 300,2 | B 300,2");
}

TEST(Hole5, an_accepted_write_that_did_not_move_a_max_is_not_forgotten) {
    Settings settings = with(ColumnPolicy::max);
    History history(settings);
    const World& world = history.world();
    State& state = history.state();
    const auto put = [&](int device, int64_t value) {
        Change change = change_for(world, state, device, 0, Write::update_a);
        change.values[0] = value;
        write(world, state, device, {change});
        push(world, state, device);
    };
    put(1, 11);
    put(0, 10);  // stays below
    EXPECT_EQ(state.hub.rows[0].values[0], 11);
    put(1, 9);  // a lowering whose author had not seen the 10
    EXPECT_EQ(state.hub.rows[0].values[0], 11);
}

TEST(Hole6, a_row_remembers_an_update_whose_cells_all_lost) {
    const Settings settings = with(ColumnPolicy::lww);
    EXPECT_EQ(run(settings, "B.a A.a A.del A.push B.push A.push"), "hub 200,2 | A 200,2 | B 200,2");
    EXPECT_EQ(run(settings, "B.a A.a A.del A.push A.push B.push"), "hub 200,2 | A 200,2 | B 200,2");
}

TEST(Hole7, a_row_that_a_losing_write_touched_is_in_the_feed) {
    const Settings settings = with(ColumnPolicy::hub);
    const char* events = "A.a A.del A.push A.pull B.a B.push A.pull";
    EXPECT_EQ(run(settings, events), "hub 100,2 | A 100,2 | B 100,2");
    EXPECT_TRUE(is_noticed(settings, &Repairs::touched_rows_are_sent, events));
}

TEST(Hole8, a_later_write_with_a_slow_clock_wins_and_the_order_of_pushes_does_not_matter) {
    Settings settings = with(ColumnPolicy::lww);
    settings.devices = 3;
    settings.clock_error = {-1000, 0, -1000};
    EXPECT_EQ(run(settings, "C.a B.a B.push A.pull A.a A.push C.push"), "hub 300,2 | A 300,2 | B 300,2 | C 300,2");
    EXPECT_EQ(run(settings, "C.a B.a B.push A.pull A.a C.push A.push"), "hub 300,2 | A 300,2 | B 300,2 | C 300,2");
    EXPECT_TRUE(is_noticed(settings, &Repairs::effective_stamps, "B.a B.push A.pull A.a A.push"));
}

TEST(Hole9, a_device_knows_its_own_last_stamp_from_the_verdict) {
    Settings settings = with(ColumnPolicy::lww);
    settings.clock_error = {-1000, -1000, 0};
    const char* events = "A.a A.a B.a A.push B.push A.pull";  // A's second is after its first, which has left the outbox
    EXPECT_EQ(run(settings, events), "hub 200,2 | A 200,2 | B 200,2");
    EXPECT_TRUE(is_noticed(settings, &Repairs::verdict_brings_stamp, events));
}

TEST(Hole10, a_tombstone_keeps_the_marks_so_that_an_older_value_does_not_win_on_revival) {
    const Settings settings = with(ColumnPolicy::lww);
    const char* events = "B.a A.a A.push A.del A.push B.push";
    EXPECT_EQ(run(settings, events), "hub 200,2 | A 200,2 | B 200,2");
    EXPECT_TRUE(is_noticed(settings, &Repairs::tombstones_keep_marks, events));
}

TEST(Hole11, an_update_of_a_refused_insert_does_not_hit_a_strangers_row) {
    const Settings settings = empty();
    const char* events = "A.ins A.push B.ins B.a B.push B.push";
    EXPECT_EQ(run(settings, events), "hub 100,101 | A 100,101 | B 100,101 rejected 2");
    History history(settings);
    history.run(events);
    EXPECT_EQ(history.answer(1, 1).code, RejectCode::primary_key);
    EXPECT_EQ(history.answer(1, 2).code, RejectCode::depends);
    Settings without = settings;
    without.repairs.dependence = false;
    EXPECT_EQ(run(without, events), "hub 300,101 | A 300,101 | B 300,101 rejected 1") << "the edit of B's own row lands in A's";
}

TEST(Hole11, a_child_of_a_refused_parent_is_not_taken_for_a_strangers_child) {
    Settings settings = empty();
    settings.rows = 2;
    settings.references = true;
    const std::string events = "A.ins A.push B.ins B.ins:q B.push B.push";
    History history(settings);
    history.run(events);
    EXPECT_EQ(history.answer(1, 1).code, RejectCode::primary_key);
    EXPECT_EQ(history.answer(1, 2).code, RejectCode::depends);
    EXPECT_EQ(history.state().hub.rows[1].existence, Existence::unknown);
    EXPECT_TRUE(is_noticed(settings, &Repairs::dependence_on_parents, events));
}

TEST(Hole12, an_edit_of_the_row_that_displaced_an_own_insert_does_not_depend_on_that_insert) {
    const Settings settings = empty();
    const char* events = "A.ins A.push B.ins B.pull B.a B.push B.push";
    EXPECT_EQ(run(settings, events), "hub 300,101 | A 300,101 | B 300,101 rejected 1");
    EXPECT_TRUE(is_noticed(settings, &Repairs::dependence_by_existence, events));
}

TEST(Hole13, an_edit_of_a_row_that_only_an_own_pending_edit_keeps_alive_depends_on_that_edit) {
    const Settings settings = with(ColumnPolicy::lww);
    const char* events = "A.del A.push B.a:bad B.pull B.b B.push B.push";
    History history(settings);
    EXPECT_EQ(history.run(events), "hub - | A - | B - rejected 2");
    EXPECT_EQ(history.answer(1, 1).code, RejectCode::permission);
    EXPECT_EQ(history.answer(1, 2).code, RejectCode::depends);
}

TEST(Hole14, a_refused_number_stays_refused_after_its_retry) {
    const Settings settings = empty();
    const char* events = "A.ins A.push B.ins B.a B.push B.pull B.retry1";
    EXPECT_NO_THROW(run(settings, events));
    EXPECT_TRUE(is_noticed(settings, &Repairs::retired_numbers_stay, events));
}

TEST(Hole15, a_delete_and_a_new_insert_by_one_device_end_as_an_update_where_the_delete_lost) {
    const Settings settings = with(ColumnPolicy::lww);
    const char* events = "A.a A.push B.del B.ins B.push B.push";
    EXPECT_EQ(run(settings, events), "hub 300,301 | A 300,301 | B 300,301");
    Settings without = settings;
    without.repairs.over_own_delete = false;
    EXPECT_EQ(run(without, events), "hub 100,2 | A 100,2 | B 100,2 rejected 1") << "refused as a clash though nobody else inserted";
}

TEST(Hole16, a_plain_edit_by_one_who_had_not_seen_the_conflict_does_not_close_it) {
    History history(with(ColumnPolicy::manual));
    EXPECT_EQ(history.run("B.a B.push A.a A.push B.a B.push"), "hub 300,2 | A 300,2 | B 300,2");
    EXPECT_EQ(history.state().hub.rows[0].open_count, 1);
}

TEST(Hole17, a_new_life_does_not_inherit_strangers_from_the_old) {
    const Settings settings = empty(ColumnPolicy::hub);
    EXPECT_EQ(run(settings, "B.pull A.ins A.push A.del A.push B.ins B.push B.a B.push"), "hub 400,301 | A 400,301 | B 400,301");
}

TEST(Hole18, an_update_of_the_old_life_stays_out_of_the_new_under_delete_wins) {
    Settings settings = with(ColumnPolicy::lww);
    settings.delete_mode = DeleteMode::delete_wins;
    EXPECT_EQ(run(settings, "A.del A.push A.ins A.push B.a B.push"), "hub 200,201 | A 200,201 | B 200,201");
}

TEST(Hole19, the_deletes_of_one_transaction_win_or_lose_together) {
    Settings settings = with(ColumnPolicy::lww);
    settings.rows = 2;
    EXPECT_EQ(run(settings, "B.a B.push A.del-both A.push"), "hub 100,2 1,2 | A 100,2 1,2 | B 100,2 1,2");
    const char* revival = "A.del-both A.push B.a B.pull B.push";
    EXPECT_EQ(run(settings, revival), "hub 200,2 1,2 | A 200,2 1,2 | B 200,2 1,2");
    EXPECT_TRUE(is_noticed(settings, &Repairs::companions_are_kept, "A.del-both A.push B.a B.pull B.b:q")) << "B no longer knows that q died with p";
}

TEST(Hole20, a_retry_does_not_overwrite_an_own_newer_value) {
    const Settings settings = with(ColumnPolicy::lww);
    const char* events = "A.a:bad A.a A.push A.push A.pull hub.allow A.retry1 A.push";
    EXPECT_EQ(run(settings, events), "hub 200,2 | A 200,2 | B 200,2");
    EXPECT_TRUE(is_noticed(settings, &Repairs::retry_keeps_stamp, events));
}

TEST(Hole21, of_two_retries_the_one_written_later_wins) {
    const Settings settings = with(ColumnPolicy::lww);
    EXPECT_EQ(run(settings, "A.a:bad A.a:bad A.push A.push A.pull hub.allow A.retry1 A.retry2 A.push A.push"), "hub 200,2 | A 200,2 | B 200,2");
    EXPECT_EQ(run(settings, "A.a:bad A.a:bad A.push A.push A.pull hub.allow A.retry2 A.retry1 A.push A.push"), "hub 200,2 | A 200,2 | B 200,2");
}

TEST(Hole22, a_change_of_the_key_that_loses_to_an_edit_leaves_a_conflict) {
    Settings settings = with(ColumnPolicy::lww);
    settings.rows = 2;
    settings.filled = {true, false};
    for (const char* events : {"A.move A.push B.a B.push", "A.move B.a B.push A.push"}) {
        History history(settings);
        EXPECT_EQ(history.run(events), "hub 200,2 100,101 | A 200,2 100,101 | B 200,2 100,101") << events;
        const Row& row = history.state().hub.rows[0];
        ASSERT_EQ(row.open_count, 1) << events;
        EXPECT_EQ(row.open[0].column, Candidate::row_itself);
    }
}

// A walk finds by itself what the histories above were told.

TEST(Walk, finds_a_double_increment_without_verdicts_in_the_checkpoint) {
    Scope scope;
    scope.settings = with(ColumnPolicy::counter);
    scope.writes = scope.syncs = 1;
    scope.fine = true;
    EXPECT_TRUE(is_found(scope, &Repairs::verdicts_in_checkpoint));
}

TEST(Walk, finds_a_row_missing_in_the_feed) {
    Scope scope;
    scope.settings = with(ColumnPolicy::hub);
    scope.fine = true;
    EXPECT_TRUE(is_found(scope, &Repairs::touched_rows_are_sent));
}

TEST(Walk, finds_tombstones_without_marks) { EXPECT_TRUE(is_found(Scope(), &Repairs::tombstones_keep_marks)); }

TEST(Walk, finds_raw_clocks) {
    Scope scope;
    scope.settings.clock_error = {-60, 0, 0};
    EXPECT_TRUE(is_found(scope, &Repairs::effective_stamps));
}

TEST(Walk, tells_the_shortest_history) {
    Scope scope;
    scope.settings = with(ColumnPolicy::counter);
    scope.writes = scope.syncs = 1;
    scope.fine = true;
    scope.settings.repairs.verdicts_in_checkpoint = false;
    const Result result = walk(scope);
    ASSERT_TRUE(result.finding);
    EXPECT_EQ(result.finding->history, "A.a(p)  A.push  A.cut  A.pull");
}

}  // namespace
}  // namespace tombolo::enumeration
