// The driver with a scripted network: when it connects, how long it waits, what it tells.
#include "device/driver.h"

#include <gtest/gtest.h>

#include "device/session_scene_test.h"

namespace tombolo::device {
namespace {

using testing::Checkpoint;
using testing::ReplicaScene;
using testing::welcome_for;
using world::CloseCause;

constexpr BootTime never = INT64_MAX;

struct DriverTest : ::testing::Test {
    ReplicaScene scene{std::vector<std::string>{"CREATE TABLE t(id TEXT PRIMARY KEY, a)"}};
    std::unique_ptr<Driver> driver;
    int connects = 0, disconnects = 0, told = 0;
    bool open = false;  // a connection is open or being opened
    std::vector<std::string> sent;

    void SetUp() override { make(); }
    std::string token = "token";
    int tokens_asked = 0;
    bool asks_who_is_there = false;  // at the newest connect

    void make() {
        driver = std::make_unique<Driver>(*scene.replica, scene.world.clock, scene.world.random, [this] {
            ++tokens_asked;
            return token;
        });
        open = false;
    }
    void carry_out() {
        for (Action& action : driver->take_actions()) {
            if (const auto* connect = std::get_if<Connect>(&action)) {
                asks_who_is_there = connect->ask_who_is_there;
                EXPECT_FALSE(open) << "two connections at once";
                ++connects;
                open = true;
            } else if (std::holds_alternative<Disconnect>(action)) {
                ++disconnects;
                open = false;
            } else if (std::holds_alternative<TellStatus>(action)) {
                ++told;
            } else if (auto* send = std::get_if<Send>(&action)) {
                sent.push_back(std::move(send->message));
            }
        }
    }
    void start() { driver->start(), carry_out(); }
    void lose(CloseCause cause) {
        open = false;
        driver->lost(cause, Error(ErrorCode::unreachable, "lost"));
        carry_out();
    }
    void hear(const wire::Message& message) { driver->received(wire::encode(message)), carry_out(); }
    void hear(Checkpoint checkpoint) {
        for (const std::string& part : checkpoint.take_parts())
            driver->received(part), carry_out();
        hear(wire::Message(checkpoint.end));
    }
    void greet(uint64_t head = 0) {
        driver->opened(), carry_out();
        hear(welcome_for(scene, head));
    }
    void pass(int64_t time) {
        scene.world.clock.boot_now += time;
        scene.world.clock.wall_now += time;
        driver->time_passed(), carry_out();
    }
    void signal(const NetworkHint& says, bool moved = false) {
        world::NetworkSignal signal;
        signal.says = says;
        signal.moved = moved;
        driver->network_signal(world::SignalSource::kernel, signal), carry_out();
    }
    static NetworkHint link(bool up) {
        NetworkHint hint;
        hint.online = up;
        return hint;
    }
    int64_t until_deadline() const { return driver->deadline() - scene.world.clock.boot_now; }
    const Status& status() { return driver->status(); }
};

TEST_F(DriverTest, BackoffDoublesToItsBound) {
    start();
    int64_t whole = limits::backoff_first;
    for (int i = 0; i < 12; ++i) {
        lose(CloseCause::silent);
        EXPECT_GE(until_deadline(), whole / 2) << i;
        EXPECT_LE(until_deadline(), whole) << i;
        EXPECT_EQ(connects, i + 1);
        pass(until_deadline());
        EXPECT_EQ(connects, i + 2);
        whole = std::min(2 * whole, limits::backoff_max_silent);
    }
    for (int i = 0; i < 3; ++i) {
        lose(CloseCause::refused);
        EXPECT_LE(until_deadline(), limits::backoff_max_refused);
        EXPECT_GE(until_deadline(), limits::backoff_max_refused / 2);
        pass(until_deadline());
    }
    lose(CloseCause::silent);
    driver->network_came_up(), carry_out();
    EXPECT_TRUE(open) << "at once";
}

TEST_F(DriverTest, AfterALiveConnectionTheFirstRetryIsSpread) {
    int64_t least = never;
    int64_t most = 0;
    for (int i = 0; i < 40; ++i) {
        make();
        start();
        greet();
        EXPECT_TRUE(driver->live());
        lose(CloseCause::closed);
        least = std::min(least, until_deadline());
        most = std::max(most, until_deadline());
    }
    EXPECT_GE(least, 1);
    EXPECT_LT(least, limits::second);
    EXPECT_GT(most, 3 * limits::second);
    EXPECT_LE(most, 4 * limits::second);
    pass(until_deadline());
    lose(CloseCause::silent);
    EXPECT_LE(until_deadline(), limits::second) << "then the ordinary backoff";
}

TEST_F(DriverTest, StatesAndWhatIsKnown) {
    EXPECT_EQ(status().state, SessionState::offline);
    EXPECT_EQ(status().network, NetworkState::unknown);
    EXPECT_FALSE(status().hub_seq.has_value() && *status().hub_seq != 0);
    start();
    EXPECT_EQ(status().state, SessionState::connecting);
    greet(2);
    EXPECT_EQ(status().state, SessionState::syncing) << "the cursor is behind the head";
    EXPECT_EQ(status().hub_seq, 2U);
    EXPECT_EQ(status().network, NetworkState::available);
    hear(scene.to(2).row("t", {"x", 1}));
    EXPECT_EQ(status().state, SessionState::live);
    EXPECT_EQ(status().cursor, 2U);
    EXPECT_EQ(status().epoch, testing::scene_epoch.value);
    EXPECT_EQ(status().last_sync_at, scene.world.clock.wall_now);
    scene.run("UPDATE t SET a = 2");
    driver->local_commit(), carry_out();
    EXPECT_EQ(status().state, SessionState::syncing);
    EXPECT_EQ(status().pending_transactions, 1);
    EXPECT_EQ(status().pending_rows, 1);
    hear(scene.rejecting(3, 1));
    EXPECT_EQ(status().state, SessionState::live);
    EXPECT_EQ(status().pending_transactions, 0);
    EXPECT_EQ(status().rejected, 1);
    driver->stop(), carry_out();
    EXPECT_EQ(status().state, SessionState::offline);
    EXPECT_EQ(driver->deadline(), never);
    EXPECT_FALSE(open);

    // The same after a restart, as far as it is in the file.
    const Status before = status();
    driver.reset();
    scene.restart();
    make();
    EXPECT_EQ(status().site, before.site);
    EXPECT_EQ(status().space, before.space);
    EXPECT_EQ(status().hub, before.hub);
    EXPECT_EQ(status().cursor, before.cursor);
    EXPECT_EQ(status().epoch, before.epoch);
    EXPECT_EQ(status().hub_seq, before.hub_seq);
    EXPECT_EQ(status().last_sync_at, before.last_sync_at);
    EXPECT_EQ(status().rejected, before.rejected);
    EXPECT_EQ(status().pending_transactions, before.pending_transactions);
}

TEST_F(DriverTest, TheNetworkByItsNewestEvidence) {
    start();
    lose(CloseCause::silent);
    EXPECT_EQ(status().network, NetworkState::limited);
    pass(until_deadline());
    lose(CloseCause::foreign);
    EXPECT_EQ(status().network, NetworkState::portal);
    pass(until_deadline());
    greet();
    EXPECT_EQ(status().network, NetworkState::available);
    lose(CloseCause::closed);
    EXPECT_EQ(status().network, NetworkState::available) << "the hub had just answered, and the portal is history";
    pass(until_deadline());
    pass(limits::millisecond);
    lose(CloseCause::refused);
    EXPECT_EQ(status().network, NetworkState::limited) << "a link, and no answer of the hub";
    pass(until_deadline());
    driver->opened(), carry_out();
    hear(wire::Refuse{"needs-auth", "who are you", 0});
    EXPECT_EQ(status().network, NetworkState::available) << "a refusal is an answer";
}

TEST_F(DriverTest, NeedsAuthStandsAndIsTriedSlowly) {
    start();
    driver->opened(), carry_out();
    hear(wire::Refuse{"needs-auth", "the token has expired", 0});
    EXPECT_EQ(status().state, SessionState::needs_auth);
    EXPECT_EQ(status().cause, "the hub says: the token has expired");
    EXPECT_EQ(status().last_error->code, "needs-auth");
    ASSERT_TRUE(driver->standing_error().has_value());
    EXPECT_FALSE(open);
    EXPECT_LE(until_deadline(), limits::backoff_max_refused);
    pass(until_deadline());
    greet();
    EXPECT_FALSE(driver->standing_error().has_value());
    EXPECT_TRUE(driver->live());
    hear(wire::Welcome());
    EXPECT_EQ(status().state, SessionState::error) << "out of turn";
    EXPECT_FALSE(open);
    pass(until_deadline());
    driver->opened(), carry_out();
    hear(wire::Refuse{"unreachable", "shutting down", 3 * limits::second});
    EXPECT_EQ(until_deadline(), 3 * limits::second) << "as the hub asked";
}

TEST_F(DriverTest, AnExpiredTokenIsReplacedWithoutAFailure) {
    start();
    driver->opened(), carry_out();
    token = "fresh";
    hear(wire::Refuse{"needs-auth", "the token has expired", 0});
    EXPECT_TRUE(open) << "at once, with the new one";
    EXPECT_EQ(connects, 2);
    EXPECT_FALSE(driver->standing_error().has_value());
    EXPECT_NE(status().state, SessionState::needs_auth);
    EXPECT_FALSE(status().last_error.has_value());
    sent.clear();
    driver->opened(), carry_out();
    EXPECT_EQ(std::get<wire::Hello>(wire::decode(sent.at(0), limits::message_bytes_max)).token, "fresh");
    token = "fresher";
    hear(wire::Refuse{"needs-auth", "no", 0});
    EXPECT_FALSE(open) << "a hub that takes none is not asked in a circle";
    EXPECT_EQ(status().state, SessionState::needs_auth);
    pass(until_deadline());
    greet();
    EXPECT_TRUE(driver->live());
    lose(CloseCause::closed);
    pass(until_deadline());
    token = "freshest";
    driver->opened(), carry_out();
    hear(wire::Refuse{"needs-auth", "the token has expired", 0});
    EXPECT_TRUE(open) << "hours later the next one";
}

TEST_F(DriverTest, PausedAndResumed) {
    start();
    greet();
    driver->pause(), carry_out();
    EXPECT_FALSE(open);
    EXPECT_EQ(status().state, SessionState::offline);
    EXPECT_EQ(status().cause, "paused by the application");
    scene.run("INSERT INTO t VALUES ('1', 0)");
    driver->local_commit(), carry_out();
    signal(link(true), true);
    pass(60 * limits::second);
    EXPECT_FALSE(open);
    EXPECT_EQ(driver->deadline(), never) << "nothing is done but at the application's word";
    EXPECT_EQ(status().network, NetworkState::unknown) << "the hub's answer is old";
    driver->sync_now(), carry_out();
    EXPECT_TRUE(open);
    greet();
    EXPECT_TRUE(open) << "not everything is exchanged";
    hear(scene.accepting(1, {1}));
    EXPECT_FALSE(open);
    EXPECT_EQ(status().state, SessionState::offline);
    EXPECT_EQ(status().pending_transactions, 0);
    EXPECT_GE(driver->complete_as_of(), scene.world.clock.boot_now - limits::second);
    driver->resume(), carry_out();
    EXPECT_TRUE(open);
}

TEST_F(DriverTest, ManuallyMeansWhenAsked) {
    driver->set_policy(SyncPolicy::manually);
    start();
    EXPECT_EQ(connects, 0);
    driver->sync_now(), carry_out();
    EXPECT_EQ(connects, 1);
    lose(CloseCause::silent);
    EXPECT_LE(until_deadline(), limits::backoff_first) << "asked for and not done: retried";
    pass(until_deadline());
    greet();
    EXPECT_FALSE(open);
    EXPECT_EQ(status().cause, "syncs when asked to");
}

TEST_F(DriverTest, AMeteredNetworkIsLeftAlone) {
    driver->set_policy(SyncPolicy::unmetered);
    NetworkHint hint = link(true);
    hint.metered = true;
    signal(hint);
    start();
    EXPECT_EQ(connects, 0);
    EXPECT_EQ(status().cause, "waits for a network that is not metered");
    EXPECT_EQ(status().metered, true);
    hint.metered = false;
    signal(hint);
    EXPECT_TRUE(open);
    greet();
    EXPECT_TRUE(driver->live());
    hint.metered = true;
    signal(hint);
    EXPECT_FALSE(open);
}

TEST_F(DriverTest, WhatTheSystemSaysPromptsAndDecidesNothing) {
    start();
    signal(link(false), true);
    lose(CloseCause::silent);
    EXPECT_EQ(status().network, NetworkState::none);
    for (int i = 0; i < 6; ++i)
        pass(until_deadline()), lose(CloseCause::silent);
    EXPECT_LE(until_deadline(), limits::backoff_max_silent) << "it is tried all the same";
    pass(until_deadline());
    greet();
    EXPECT_TRUE(driver->live()) << "and the hub's answer is what counts";
    EXPECT_EQ(status().network, NetworkState::available);
    sent.clear();
    signal(link(false), true);
    EXPECT_EQ(testing::describe(sent), "Ping") << "an open connection is put to the test";
    EXPECT_LE(until_deadline(), limits::heartbeat_answer);
    pass(limits::heartbeat_answer);
    EXPECT_FALSE(open);
    EXPECT_EQ(status().network, NetworkState::none);
    EXPECT_EQ(status().hub_reach, HubReach::unreachable);
    signal(link(true), true);
    EXPECT_TRUE(open) << "a network that comes up ends the wait";
    EXPECT_TRUE(asks_who_is_there) << "it may be somebody's portal";
    const int before = connects;
    signal(link(true), true);
    EXPECT_EQ(connects, before) << "an attempt that is young goes on";
    pass(limits::second);
    signal(link(true), true);
    EXPECT_EQ(connects, before + 1) << "an old one is made anew";
    greet();
    lose(CloseCause::closed);
    pass(until_deadline());
    EXPECT_FALSE(asks_who_is_there) << "the hub was there a moment ago";
}

TEST_F(DriverTest, AnOverloadedHubIsLeftInPeace) {
    start();
    driver->opened(), carry_out();
    hear(wire::Refuse{"unreachable", "too many", 20 * limits::second});
    EXPECT_EQ(status().hub_reach, HubReach::failing);
    EXPECT_EQ(until_deadline(), 20 * limits::second);
    signal(link(true), true);
    EXPECT_FALSE(open) << "also when a network comes up";
    driver->sync_now(), carry_out();
    EXPECT_TRUE(open) << "a person who asks is no herd";
    driver->opened(), carry_out();
    hear(wire::Refuse{"unreachable", "come back next year", 400 * limits::day});
    pass(limits::proof_age_max);
    EXPECT_EQ(until_deadline(), limits::retry_after_max - limits::proof_age_max) << "not for ever";
}

TEST_F(DriverTest, AHostThatAsksForAPauseIsLeftInPeace) {
    start();
    driver->asked_to_wait(40 * limits::second);
    lose(CloseCause::refused);
    pass(limits::proof_age_max);
    EXPECT_EQ(until_deadline(), 40 * limits::second - limits::proof_age_max);
    pass(until_deadline());
    EXPECT_TRUE(open);
    lose(CloseCause::refused);
    EXPECT_LE(until_deadline(), limits::backoff_max_refused) << "it was asked for one attempt only";
}

TEST_F(DriverTest, TheSpreadOfAFleetGrowsWithIt) {
    start();
    greet();
    hear(wire::Pong{0, {scene.cursor()}, 0, 20 * limits::second});
    int64_t latest = 0;
    for (int i = 0; i < 20; ++i) {
        lose(CloseCause::closed);
        latest = std::max(latest, until_deadline());
        EXPECT_LT(until_deadline(), 20 * limits::second);
        pass(until_deadline());
        greet();
        hear(wire::Pong{0, {scene.cursor()}, 0, 20 * limits::second});
    }
    EXPECT_GT(latest, 10 * limits::second) << "Welcome said 4 s";
}

TEST_F(DriverTest, ProgressOfWhatIsSent) {
    start();
    greet();
    for (int i = 1; i <= 4; ++i)
        scene.run("INSERT INTO t VALUES (" + std::to_string(i) + ", 0)");
    driver->local_commit(), carry_out();
    EXPECT_EQ(status().progress.rows_up_total, 4);
    EXPECT_EQ(status().progress.rows_up_done, 0);
    hear(scene.accepting(1, {1}));
    EXPECT_EQ(status().progress.rows_up_done, 1);
    EXPECT_EQ(status().progress.bytes_up_total, 4 * status().progress.bytes_up);
    hear(scene.accepting(2, {2, 3, 4}));
    EXPECT_EQ(status().progress.rows_up_total, 0);
}

TEST_F(DriverTest, ManyPendingAreNotCountedAtEveryEvent) {
    start();
    greet();
    for (int i = 1; i <= 100; ++i)
        scene.run("INSERT INTO t VALUES (" + std::to_string(i) + ", 0)");
    driver->local_commit(), carry_out();
    EXPECT_EQ(status().pending_transactions, 100);
    scene.run("INSERT INTO t VALUES ('one more', 0)");
    driver->local_commit(), carry_out();
    EXPECT_EQ(status().pending_transactions, 100);
    EXPECT_LE(until_deadline(), 50 * limits::millisecond);
    pass(until_deadline());
    EXPECT_EQ(status().pending_transactions, 101);
    EXPECT_EQ(status().pending_rows, 101);
    std::vector<uint64_t> all(101);
    for (uint64_t i = 0; i < 101; ++i)
        all[i] = i + 1;
    hear(scene.accepting(1, all));
    pass(until_deadline());
    EXPECT_EQ(status().pending_transactions, 0);
    EXPECT_TRUE(driver->live());
}

// Unless stopped, a connection is open or being opened, or a deadline is armed; and a due deadline moves things on.
TEST_F(DriverTest, AlwaysConnectedOrArmed) {
    testing::CountingRandom random;
    for (int round = 0; round < 10; ++round) {
        start();
        for (int step = 0; step < 200; ++step) {
            switch (random.below(9)) {
                case 0: lose(static_cast<CloseCause>(random.below(4))); break;
                case 1:
                    if (open) driver->opened(), carry_out();
                    break;
                case 2:
                    if (open) hear(welcome_for(scene, scene.cursor()));
                    break;
                case 3:
                    if (open) hear(wire::Pong{random.below(3), {random.below(3)}, 0});
                    break;
                case 4:
                    scene.run("INSERT INTO t VALUES (random(), 0)");
                    driver->local_commit(), carry_out();
                    break;
                case 5:
                    if (open) hear(scene.to(scene.cursor() + 1));
                    break;
                case 6: pass(static_cast<int64_t>(random.below(10 * limits::second))); break;
                case 7: driver->network_came_up(), carry_out(); break;
                default:
                    if (until_deadline() > 0 && driver->deadline() != never) pass(until_deadline());
                    EXPECT_TRUE(driver->deadline() > scene.world.clock.boot_now) << "a deadline that stays due";
            }
            ASSERT_TRUE(open || driver->deadline() != never) << "round " << round << " step " << step;
            ASSERT_NE(driver->deadline(), never) << "an open connection has a deadline too";
        }
        driver->stop(), carry_out();
        ASSERT_FALSE(open);
        ASSERT_EQ(status().state, SessionState::offline);
    }
    EXPECT_GT(connects, 50);
    EXPECT_GT(told, 100);
}

}  // namespace
}  // namespace tombolo::device
