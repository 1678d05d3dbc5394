// What hardly ever happens and must be right all the same: rows older than a column, transactions over several tables, nobody who
// keeps a history, values and texts at the edges. With the other tests, every branch of merge goes both ways (tools/merge_coverage.sh).
#include <gtest/gtest.h>

#include <cmath>

#include "base/limits.h"
#include "merge/atoms_test.h"
#include "merge/edit_text.h"
#include "merge/json_number.h"
#include "merge/json_value.h"
#include "merge/policies.h"
#include "merge/rebase.h"
#include "merge/scene_test.h"
#include "merge/text_atoms.h"
#include "merge/three_way.h"
#include "model/text_edit.h"

namespace tombolo::merge::testing {
namespace {

Table with_mode(DeleteMode mode, ColumnPolicy policy = ColumnPolicy::lww) {
    Table table = table_with(policy);
    table.delete_mode = mode;
    return table;
}

// As Scene::commit, but nobody is told.
std::string commit_untold(Scene& hub, By transaction, uint64_t seq) {
    transaction.writer.seq.value = seq;
    transaction.writer.number.value = 100 + seq;
    transaction.changes.table = &hub.table();
    return std::string(to_string(merge_transaction(hub, transaction.changes, transaction.writer).kind));
}

// --- nobody keeps a history ---

TEST(Untold, candidates_close_and_are_orphaned_as_ever) {
    Scene hub = with_row(ColumnPolicy::manual);
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    hub.commit(by(3).seen(1).update("k", 1, 10, 12));
    ASSERT_EQ(hub.open("k"), "a: 12 over 10 by 3@3");
    Scene renewed = hub;
    EXPECT_EQ(commit_untold(hub, by(4).seen(3).update("k", 1, 11, 13), 4), "accepted");
    EXPECT_EQ(hub.open("k"), "");
    EXPECT_EQ(commit_untold(renewed, by(4).seen(3).erase({"k", 11, 20}), 4), "accepted");
    EXPECT_EQ(renewed.open("k"), "a: 12 over 10 by 3@3");
    EXPECT_EQ(commit_untold(renewed, by(4).seen(4).insert({"k", 1, 2}), 5), "accepted");
    EXPECT_EQ(renewed.open("k"), "");
}

TEST(Untold, what_a_deletion_beats_and_what_beats_a_deletion) {
    Scene hub = with_row(with_mode(DeleteMode::delete_wins));
    hub.commit(by(2).seen(1).erase({"k", 10, 20}));
    EXPECT_EQ(commit_untold(hub, by(3).seen(1).update("k", 1, 10, 11), 3), "merged");
    EXPECT_EQ(hub.show("k"), "dead 'k' 10 20");
    Scene kept = with_row(ColumnPolicy::lww);
    kept.commit(by(2).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(commit_untold(kept, by(3).seen(1).erase({"k", 10, 20}), 3), "merged");
    EXPECT_EQ(kept.show("k"), "alive 'k' 11 20");
}

// --- what the history is told ---

TEST(Told, a_cell_that_was_seen_is_lost_with_its_row) {
    Table table = table_with(ColumnPolicy::lww);
    table.whole_rows = true;
    Scene hub = with_row(table);
    hub.commit(by(2).at(60).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).at(50).seen(1).update("k", {1, 2}, {10, 20}, {12, 22})), "merged");
    EXPECT_EQ(hub.aside, "a: 12 over 10 by 3, now 11 by 2, b: 22 over 20 by 3, now 20 by 1");
}

TEST(Told, nothing_of_an_update_beaten_by_an_own_deletion_or_one_that_was_seen) {
    Scene own = with_row(with_mode(DeleteMode::delete_wins));
    own.commit(by(2).seen(1).erase({"k", 10, 20}));
    EXPECT_EQ(own.commit(by(2).seen(1).update("k", 1, 10, 11)), "merged");
    EXPECT_EQ(own.aside + own.meetings, "");
    EXPECT_EQ(own.commit(by(3).seen(2).update("k", 1, 10, 11)), "merged");
    EXPECT_EQ(own.aside + own.meetings, "");
}

// --- a row that was made before its table had column b ---

void make_older(Scene& hub, bool reborn) {
    RowState row{Existence::alive, {Value("k"), Value(10)}, {}, {}};
    row.meta.birth = {{1}, {1}};
    row.meta.touch = {{1}, {1}, {}, 1};
    row.meta.reborn = reborn;
    hub.write(hub.table(), key_of("k"), Existence::unknown, row);
}

TEST(OlderRow, equals_an_insert_with_nothing_in_the_new_column) {
    Scene hub(table_with(ColumnPolicy::lww));
    make_older(hub, false);
    EXPECT_EQ(hub.commit(by(2).insert({"k", 10, nullptr})), "accepted");
    EXPECT_EQ(hub.commit(by(2).insert({"k", 10, 1})), "rejected primary-key: table t has another row with this primary key");
}

TEST(OlderRow, beats_an_update_of_the_new_column_meant_for_an_earlier_life) {
    Scene hub(with_mode(DeleteMode::delete_wins));
    make_older(hub, true);
    EXPECT_EQ(hub.commit(by(2).update("k", 2, 20, 21)), "merged");
    EXPECT_EQ(hub.aside, "b: 21 over 20 by 2, now NULL by 1");
}

TEST(OlderRow, is_deleted_with_what_it_has) {
    Scene hub(with_mode(DeleteMode::delete_wins));
    make_older(hub, false);
    EXPECT_EQ(hub.commit(by(2).erase({"k", 9, 20})), "accepted");
    EXPECT_EQ(hub.aside, "a: 10 over 9 by 1, now NULL by 2") << "of a column that it has not, nothing is put aside";
}

// --- retries, own rows ---

TEST(RareRetry, overwrites_an_own_earlier_write) {
    Scene hub = with_row(ColumnPolicy::device);
    hub.commit(by(2).at(20).seen(1).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(2).at(30).seen(1).retry().update("k", 1, 11, 12)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 12 20");
}

TEST(RareRetry, is_not_superseded_by_what_another_site_has_waiting) {
    Scene hub = with_row(ColumnPolicy::manual);
    hub.commit(by(2).seen(1).update("k", 1, 10, 11));
    hub.commit(by(3).at(90).seen(1).update("k", 1, 10, 12));
    EXPECT_EQ(hub.commit(by(4).at(40).seen(1).retry().update("k", 1, 10, 13)), "in-conflict");
    EXPECT_EQ(hub.open("k"), "a: 12 over 10 by 3@3, a: 13 over 10 by 4@4");
}

TEST(RareInsert, over_a_lost_delete_of_a_row_that_the_same_site_had_made) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(2).at(20).seen(1).update("k", 2, 20, 22));
    EXPECT_EQ(hub.commit(by(1).at(30).erase({"k", 10, 20})), "merged");
    EXPECT_EQ(hub.commit(by(1).at(31).insert_over_delete({"k", 10, 20}, {"k", 11, 20})), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 11 22");
}

TEST(Refusal, of_one_cell_leaves_the_others_alone) {
    Scene hub = with_row(ColumnPolicy::counter);
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", {1, 2}, {10, 20}, {"ten", "twenty"})).substr(0, 13), "rejected type");
    EXPECT_EQ(hub.show("k"), "alive 'k' 10 20");
}

// --- one transaction, several deletes and inserts ---

TEST(SeveralRows, the_first_delete_that_loses_decides_for_all) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(1).insert({"l", 1, 2}));
    hub.commit(by(2).seen(2).update("k", 1, 10, 11));
    EXPECT_EQ(hub.commit(by(3).seen(2).erase({"k", 10, 20}).erase({"l", 1, 2})), "merged");
    EXPECT_EQ(hub.show("l"), "alive 'l' 1 2");
}

TEST(SeveralRows, one_that_is_dead_already_protects_no_other) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(1).insert({"l", 1, 2}));
    hub.commit(by(2).seen(2).erase({"l", 1, 2}));
    EXPECT_EQ(hub.commit(by(3).seen(2).erase({"k", 10, 20}).erase({"l", 1, 2})), "accepted");
    EXPECT_EQ(hub.show("k"), "dead 'k' 10 20");
}

TEST(SeveralRows, one_that_is_hidden_protects_no_other) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(1).insert({"l", 1, 2}));
    hub.commit(by(2).seen(2).update("l", 1, 1, 3));
    hub.hidden = key_of("l");
    EXPECT_EQ(hub.commit(by(3).seen(2).erase({"k", 10, 20}).erase({"l", 1, 2})), "accepted");
    EXPECT_EQ(hub.show("k"), "dead 'k' 10 20");
    EXPECT_EQ(hub.show("l"), "alive 'l' 3 2");
}

TEST(SeveralRows, two_inserts_beside_a_delete_are_one_reason_to_ask) {
    Scene hub = with_row(ColumnPolicy::lww);
    EXPECT_EQ(hub.commit(by(3).seen(1).erase({"k", 10, 20}).insert({"x", 1, 1}).insert({"y", 2, 2})), "accepted");
    EXPECT_TRUE(hub.row("k").meta.moved);
}

TEST(SeveralRows, all_that_died_together_come_back_together) {
    Scene hub = with_row(ColumnPolicy::lww);
    hub.commit(by(1).insert({"l", 1, 2}).insert({"m", 3, 4}));
    hub.commit(by(3).seen(2).erase({"k", 10, 20}).erase({"l", 1, 2}).erase({"m", 3, 4}));
    EXPECT_EQ(hub.commit(by(2).seen(2).update("l", 1, 1, 5)), "accepted");
    EXPECT_EQ(hub.show("k") + ", " + hub.show("l") + ", " + hub.show("m"), "alive 'k' 10 20, alive 'l' 5 2, alive 'm' 3 4");
}

// --- several tables ---

class TwoTables final : public Rows, public ChangeSource {
public:
    TwoTables() {
        log.name = "log";
        log.delete_mode = DeleteMode::delete_wins;
    }
    Table tasks = table_with(ColumnPolicy::lww), log = table_with(ColumnPolicy::lww);
    std::vector<RowName> dead_together;

    void have(const Table& table, const Value& key, Existence existence, uint64_t touched_at, uint64_t died_at = 0) {
        RowState row{existence, {key, Value(1), Value(2)}, {}, {}};
        row.meta.birth = {{1}, {1}};
        row.meta.touch = {{1}, {touched_at}, {}, 1};
        if (died_at != 0) row.meta.death = {{1}, {died_at}};
        rows_[{table.name, key_of(key)}] = row;
    }
    void change(const Table& table, ChangeKind kind, const Value& key) {
        keys_.push_back(key_of(key));
        ChangeView change;
        change.table = &table;
        change.kind = kind;
        change.key = keys_.back();
        changes_.push_back(change);
    }
    Outcome run(uint64_t seen) {
        return merge_transaction(*this, *this, {.site = {2}, .seen = {seen}, .seq = {9}, .stamp = 90, .retry = false, .number = {1}});
    }
    bool lives(const Table& table, const Value& key) { return rows_.at({table.name, key_of(key)}).existence == Existence::alive; }

    void rewind() override { at_ = 0; }
    const ChangeView* next() override { return at_ < changes_.size() ? &changes_[at_++] : nullptr; }
    Existence find(const Table& table, std::string_view key, RowState& state) override {
        const auto found = rows_.find({table.name, std::string(key)});
        state = found == rows_.end() ? RowState{} : found->second;
        return state.existence;
    }
    void write(const Table& table, std::string_view key, Existence, const RowState& after) override { rows_[{table.name, std::string(key)}] = after; }
    std::vector<RowName> dead_by(Seq) override { return dead_together; }

private:
    std::map<std::pair<std::string, std::string>, RowState> rows_;
    std::vector<ChangeView> changes_;
    std::deque<std::string> keys_;
    size_t at_ = 0;
};

TEST(SeveralTables, deletes_of_a_table_where_they_win_do_not_lose_with_others_nor_make_them_lose) {
    TwoTables scene;
    scene.have(scene.log, "x", Existence::alive, 5);  // unseen
    scene.have(scene.tasks, "k", Existence::alive, 1);
    scene.change(scene.tasks, ChangeKind::erase, "k");
    scene.change(scene.log, ChangeKind::erase, "x");
    EXPECT_EQ(scene.run(1).kind, VerdictKind::accepted);
    EXPECT_FALSE(scene.lives(scene.tasks, "k"));
    EXPECT_FALSE(scene.lives(scene.log, "x"));
}

TEST(SeveralTables, rows_of_another_table_that_died_together_return_whatever_their_key) {
    TwoTables scene;
    scene.have(scene.tasks, "k", Existence::dead, 1, 4);
    scene.have(scene.log, "k", Existence::dead, 1, 4);
    scene.have(scene.log, "alive", Existence::alive, 1);
    scene.dead_together = {{&scene.tasks, key_of("k")}, {&scene.log, key_of("k")}, {&scene.log, key_of("alive")}};  // one returned meanwhile
    scene.change(scene.tasks, ChangeKind::update, "k");
    EXPECT_EQ(scene.run(1).kind, VerdictKind::accepted);
    EXPECT_TRUE(scene.lives(scene.tasks, "k"));
    EXPECT_TRUE(scene.lives(scene.log, "k"));
    EXPECT_TRUE(scene.lives(scene.log, "alive"));
}

// --- rebase ---

Ground over(Scene& hub) {
    return {.load = [&hub](const Table& table, std::string_view key, RowState& state) { return hub.find(table, key, state); },
            .dead_by = [&hub](Seq death) { return hub.dead_by(death); },
            .is_hidden = {}};
}

TEST(RareRebase, a_retry_keeps_its_stamp_and_needs_that_stand_are_no_hindrance) {
    Scene hub = with_row(ColumnPolicy::lww);
    std::vector<By> writes;
    writes.push_back(by(2).seen(1).update("k", 1, 10, 11));
    writes.push_back(by(2).seen(1).update("k", 2, 20, 21));
    TransactionHeader headers[2];
    std::vector<Pending> pending;
    for (size_t i = 0; i < 2; ++i) {
        writes[i].changes.table = &hub.table();
        headers[i].number.value = i + 1;
        headers[i].written_at = 500;
        pending.push_back({&headers[i], &writes[i].changes, {1}, 1});
    }
    headers[0].retry = true;
    headers[0].stamp = 7;
    headers[1].depends = {{1}};
    for (const bool asked : {false, true}) {
        Overlay overlay(over(hub));
        RebaseWorld world{.site = {2}, .hub_now = 1000, .last_own = 0, .is_refused = {}, .judge = {}};
        if (asked) world.is_refused = [](TransactionNumber) { return false; };
        const auto predictions = rebase(overlay, pending, world);
        EXPECT_EQ(predictions[0].stamp, 7);
        EXPECT_EQ(predictions[1].stamp, 500);
        EXPECT_TRUE(predictions[0].shown() && predictions[1].shown());
    }
}

TEST(RareRebase, hidden_rows_stay_as_they_are) {
    Scene hub = with_row(ColumnPolicy::lww);
    By write = by(2).seen(1).update("k", 1, 10, 11);
    write.changes.table = &hub.table();
    TransactionHeader header;
    header.number.value = 1;
    for (const bool hidden : {false, true}) {
        Ground ground = over(hub);
        ground.is_hidden = [hidden](const Table&, std::string_view) { return hidden; };
        Overlay overlay(std::move(ground));
        rebase(overlay, {{&header, &write.changes, {1}, 1}}, {.site = {2}, .hub_now = 1000, .last_own = 0, .is_refused = {}, .judge = {}});
        EXPECT_EQ(overlay.find_entry(hub.table(), key_of("k")) == nullptr, hidden);
    }
}

TEST(RareOverlay, knows_which_of_its_own_rows_died_together) {
    Scene hub = with_row(ColumnPolicy::lww);
    Overlay overlay(over(hub));
    overlay.begin({1});
    for (const auto& [key, seq] : {std::pair{"x", 8}, std::pair{"y", 9}}) {
        RowState row{Existence::dead, {Value(key)}, {}, {}};
        row.meta.death = {{2}, {static_cast<uint64_t>(seq)}};
        overlay.write(hub.table(), key_of(key), Existence::unknown, row);
    }
    overlay.commit();
    ASSERT_EQ(overlay.dead_by({8}).size(), 1U);
    EXPECT_EQ(overlay.dead_by({8})[0].key, key_of("x"));
}

// --- values ---

TEST(RareValues, a_real_that_is_no_number_is_ordered_as_null) {
    const double nan = std::nan("");
    EXPECT_EQ(compare_values(ValueView::real(nan), ValueView()), 0);
    EXPECT_LT(compare_values(ValueView::real(nan), ValueView::integer(0)), 0);
}

TEST(RareValues, an_exponent_of_many_digits_is_unusable) {
    EXPECT_EQ(canonical_number("1e12345678901"), std::nullopt);
    EXPECT_FALSE(parse_json("1e00000000001")) << "nobody writes it so";
    EXPECT_TRUE(parse_json("1e0000000001"));
}

TEST(RareValues, what_is_no_set_is_not_merged_as_one) {
    EXPECT_FALSE(merge_sets("[1]", "{}", "[2]"));
    EXPECT_FALSE(merge_sets("{}", "[1]", "[2]"));
}

// --- texts ---

AtomKind kind(std::string_view utf8) {
    AtomTable table;
    return table.kind(cut_atoms(utf8, table).atoms.at(0));
}

TEST(RareAtoms, are_cut_where_characters_end) {
    EXPECT_EQ(atoms("\rx"), "\r|x");
    EXPECT_EQ(atoms("\u2028\u0301\u2029\u0301"), "\u2028|\u0301|\u2029|\u0301") << "line ends, nothing joins them";
    EXPECT_EQ(atoms("\u2764\u200D\u2764"), "\u2764\u200D\u2764");
    EXPECT_EQ(atoms("\u2764\u200D\u3042"), "\u2764\u200D|\u3042") << "behind the arrows and signs";
    EXPECT_EQ(atoms("\U0001F469\u200D\U00020000"), "\U0001F469\u200D|\U00020000") << "no pictograph";
    EXPECT_EQ(atoms("\U0001F1E9x\U0001F1E9\U0001F44D"), "\U0001F1E9|x|\U0001F1E9|\U0001F44D") << "half a flag";
}

TEST(RareAtoms, have_a_kind) {
    for (const char* space : {" ", "\t", "\u00A0", "\u3000", "\u2000", "\u200A"})
        EXPECT_EQ(kind(space), AtomKind::space) << space;
    for (const char* line_end : {"\n", "\r", "\r\n", "\u2028", "\u2029"})
        EXPECT_EQ(kind(line_end), AtomKind::line_end);
    for (const char* word : {"_", "7", "Q", "z", "\u00e9", "\u0436"})
        EXPECT_EQ(kind(word), AtomKind::word) << word;
    for (const char* other : {"-", "\u00BF", "\u2014", "\u4E2D", "/", ":", "@", "[", "`", "{"})
        EXPECT_EQ(kind(other), AtomKind::other) << other;
}

TEST(RareEdit, of_texts_that_are_too_large_to_compare_is_one_stretch) {
    const std::string front(100, 'f');
    const std::string base = front + std::string(limits::text_merge_bytes_max + 1, 'a'), value = front + "b";
    const auto edit = edit_text(base, value);
    ASSERT_TRUE(edit);
    EXPECT_EQ(apply_edit(*edit, base), value);
    EXPECT_EQ(undo_edit(*edit, value), base);
    EXPECT_FALSE(edit_text("\xFF", "a"));
}

}  // namespace
}  // namespace tombolo::merge::testing
