// Overlay and rebase: what a device shows while its own writes wait for the hub.
#include "merge/overlay.h"

#include <gtest/gtest.h>

#include "merge/rebase.h"
#include "merge/scene_test.h"
#include "tombolo/error.h"

namespace tombolo::merge {
namespace {
using testing::by;
using testing::By;
using testing::key_of;
using testing::Scene;
using testing::table_with;

constexpr uint64_t self = 2;

Ground over(Scene& hub) {
    return {.load = [&hub](const Table& table, std::string_view key, RowState& state) { return hub.find(table, key, state); },
            .dead_by = [&hub](Seq death) { return hub.dead_by(death); },
            .is_hidden = {}};
}

// A device of site 2 at the hub's head, with pending transactions 1, 2, 3 …
struct Device {
    explicit Device(Scene& scene) : hub(scene) {}

    void write(By transaction, std::vector<TransactionNumber> depends = {}) {
        transaction.changes.table = &hub.table();
        TransactionHeader header;
        header.number.value = transactions.size() + 1;
        header.written_at = transaction.writer.stamp;
        header.depends = std::move(depends);
        header.seen.seq = transaction.writer.seen;
        transactions.push_back({header, std::move(transaction)});
    }
    std::vector<Prediction> rebase(Overlay& overlay, std::function<bool(TransactionNumber)> refused = {}) {
        std::vector<Pending> pending;
        for (auto& [header, transaction] : transactions)
            pending.push_back({&header, &transaction.changes, header.seen.seq, 0});
        return merge::rebase(overlay, pending, {.site = {self}, .hub_now = 1000, .last_own = 0, .is_refused = std::move(refused), .judge = judge});
    }

    Scene& hub;
    std::deque<std::pair<TransactionHeader, By>> transactions;
    std::function<Outcome(const Pending&, const Overlay&)> judge;
};

std::string show(Overlay& overlay, const Table& table, const Value& key) {
    RowState row;
    const Existence existence = overlay.find(table, key_of(key), row);
    std::string out = existence == Existence::alive ? "alive" : existence == Existence::dead ? "dead" : "unknown";
    for (const Value& value : row.values)
        out += " " + testing::text_of(value);
    return out;
}

std::string verdicts(const std::vector<Prediction>& predictions) {
    std::string out;
    for (const Prediction& p : predictions) {
        out += std::to_string(p.number.value) + (p.shown() ? " shown" : " " + std::string(to_string(p.outcome.code))) + "; ";
    }
    return out;
}

TEST(Overlay, takes_a_transactions_writes_back) {
    Scene hub(table_with(ColumnPolicy::lww));
    hub.commit(by(1).insert({"k", 1, 2}));
    Overlay overlay(over(hub));
    RowState row;
    overlay.find(hub.table(), key_of("k"), row);
    overlay.begin({1});
    row.values[1] = 5;
    overlay.write(hub.table(), key_of("k"), Existence::alive, row);
    overlay.commit();
    overlay.begin({2});
    row.values[1] = 6;
    overlay.write(hub.table(), key_of("k"), Existence::alive, row);
    row.existence = Existence::dead;
    overlay.write(hub.table(), key_of("k"), Existence::alive, row);
    EXPECT_EQ(show(overlay, hub.table(), "k"), "dead 'k' 6 2");
    EXPECT_EQ(overlay.find_entry(hub.table(), key_of("k"))->existence_changed_by.value, 2u);
    overlay.rollback();
    EXPECT_EQ(show(overlay, hub.table(), "k"), "alive 'k' 5 2");
    EXPECT_EQ(overlay.find_entry(hub.table(), key_of("k"))->existence_changed_by.value, 0u);
    EXPECT_EQ(overlay.find_entry(hub.table(), key_of("k"))->under.values[1], Value(1));
}

TEST(Overlay, refuses_writes_outside_a_transaction) {
    Scene hub(table_with(ColumnPolicy::lww));
    Overlay overlay(over(hub));
    EXPECT_THROW(overlay.write(hub.table(), key_of("k"), Existence::unknown, {}), Error);
    EXPECT_THROW(overlay.commit(), Error);
}

TEST(Overlay, knows_the_rows_that_died_together_below_and_above) {
    Scene hub(table_with(ColumnPolicy::lww));
    hub.commit(by(1).insert({"k", 1, 2}).insert({"l", 3, 4}));
    hub.commit(by(1).seen(1).erase({"k", 1, 2}).erase({"l", 3, 4}));
    Overlay overlay(over(hub));
    ASSERT_EQ(overlay.dead_by({2}).size(), 2u);
    RowState row;
    overlay.find(hub.table(), key_of("k"), row);
    row.existence = Existence::alive;
    row.meta.death = {};
    overlay.begin({1});
    overlay.write(hub.table(), key_of("k"), Existence::dead, row);
    ASSERT_EQ(overlay.dead_by({2}).size(), 1u);
    EXPECT_EQ(overlay.dead_by({2})[0].key, key_of("l"));
    overlay.rollback();
    EXPECT_EQ(overlay.dead_by({2}).size(), 2u);
}

TEST(Rebase, keeps_pending_increments_on_top_of_what_arrived) {
    Scene hub(table_with(ColumnPolicy::counter));
    hub.commit(by(1).insert({"k", 10, 0}));
    Device device(hub);
    device.write(by(self).seen(1).update("k", 1, 10, 11));
    device.write(by(self).seen(1).update("k", 1, 11, 12));
    hub.commit(by(3).seen(1).update("k", 1, 10, 15));
    Overlay overlay(over(hub));
    EXPECT_EQ(verdicts(device.rebase(overlay)), "1 shown; 2 shown; ");
    EXPECT_EQ(show(overlay, hub.table(), "k"), "alive 'k' 17 0");
}

TEST(Rebase, hides_what_the_hub_would_refuse_and_what_depends_on_it) {
    Scene hub(table_with(ColumnPolicy::lww));
    Device device(hub);
    device.write(by(self).insert({"k", 1, 2}));
    device.write(by(self).update("k", 1, 1, 5), {{1}});
    device.write(by(self).insert({"l", 1, 2}));
    hub.commit(by(3).insert({"k", 8, 9}));
    Overlay overlay(over(hub));
    const auto predictions = device.rebase(overlay);
    EXPECT_EQ(verdicts(predictions), "1 primary-key; 2 depends; 3 shown; ");
    EXPECT_EQ(predictions[1].depends_on.value, 1u);
    EXPECT_EQ(show(overlay, hub.table(), "k"), "alive 'k' 8 9");
    EXPECT_EQ(show(overlay, hub.table(), "l"), "alive 'l' 1 2");
    EXPECT_EQ(overlay.find_entry(hub.table(), key_of("l"))->existence_changed_by.value, 3u);
}

TEST(Rebase, hides_what_depends_on_a_number_that_is_gone) {
    Scene hub(table_with(ColumnPolicy::lww));
    hub.commit(by(3).insert({"k", 8, 9}));
    Device device(hub);
    device.write(by(self).update("k", 1, 1, 5), {{77}});
    Overlay overlay(over(hub));
    EXPECT_EQ(verdicts(device.rebase(overlay, [](TransactionNumber n) { return n.value == 77; })), "1 depends; ");
    EXPECT_EQ(show(overlay, hub.table(), "k"), "alive 'k' 8 9");
}

TEST(Rebase, asks_for_the_constraints_and_takes_a_refused_transaction_back) {
    Scene hub(table_with(ColumnPolicy::lww));
    Device device(hub);
    device.write(by(self).insert({"k", 1, 2}));
    device.write(by(self).insert({"l", 1, 2}));
    device.judge = [&](const Pending&, const Overlay& overlay) {  // as if column a were unique
        int ones = 0;
        for (const auto& entry : overlay.entries())
            ones += entry.state().existence == Existence::alive && entry.state().values[1] == Value(1);
        return ones > 1 ? Outcome{VerdictKind::rejected, RejectCode::unique, "twice"} : Outcome{};
    };
    Overlay overlay(over(hub));
    EXPECT_EQ(verdicts(device.rebase(overlay)), "1 shown; 2 unique; ");
    EXPECT_EQ(show(overlay, hub.table(), "l"), "unknown");
}

TEST(Rebase, gives_rejected_transactions_a_stamp_too) {
    Scene hub(table_with(ColumnPolicy::lww));
    hub.commit(by(3).insert({"k", 8, 9}));
    Device device(hub);
    device.write(by(self).at(50).insert({"k", 1, 2}));
    device.write(by(self).at(50).insert({"l", 1, 2}));
    Overlay overlay(over(hub));
    const auto predictions = device.rebase(overlay);
    EXPECT_EQ(predictions[0].stamp, 50);
    EXPECT_EQ(predictions[1].stamp, 51);
}

TEST(Rebase, own_deletes_of_one_transaction_are_not_mixed_with_those_of_another) {
    Scene hub(table_with(ColumnPolicy::lww));
    hub.commit(by(1).insert({"k", 1, 2}).insert({"l", 3, 4}));
    Device device(hub);
    device.write(by(self).seen(1).erase({"k", 1, 2}));
    device.write(by(self).seen(1).erase({"l", 3, 4}));
    Overlay overlay(over(hub));
    device.rebase(overlay);
    RowState k, l;
    overlay.find(hub.table(), key_of("k"), k);
    overlay.find(hub.table(), key_of("l"), l);
    EXPECT_NE(k.meta.death.seq, l.meta.death.seq);
}

}  // namespace
}  // namespace tombolo::merge
