// Every state that a driver can be brought into, by every order of events that leads to a new one. In each of them: whoever may
// talk to the hub has a deadline armed, whoever may not talks to nobody; and once the network, the hub and the token are good, time
// alone brings everything pending to the hub, within the bound.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <set>

#include "device/driver.h"
#include "device/session_scene_test.h"

namespace tombolo::device {
namespace {

using testing::ReplicaScene;
using testing::welcome_for;
using world::CloseCause;

constexpr BootTime never = INT64_MAX;
constexpr int64_t recovery_max = 30 * limits::second;  // after an outage of the hub; driver_test.cc bounds the pauses after silence

class World {
public:
    World(ReplicaScene& where, SyncPolicy policy) : scene(where) {
        driver.emplace(*scene.replica, scene.world.clock, scene.world.random, [this] { return token; });
        driver->set_policy(policy);
        carry_out();
    }

    void carry_out() {
        for (Action& action : driver->take_actions()) {
            if (std::holds_alternative<Connect>(action)) {
                EXPECT_FALSE(wired) << "two connections at once";
                wired = true;
                greeted = welcomed = false;
            } else if (std::holds_alternative<Disconnect>(action)) {
                wired = false;
            } else if (const auto* send = std::get_if<Send>(&action)) {
                const wire::Message message = wire::decode(send->message, limits::message_bytes_max);
                if (const auto* ping = std::get_if<wire::Ping>(&message)) pinged = ping->nonce;
            }
        }
        if (!wired) greeted = welcomed = false, pinged.reset();
    }
    template <typename Event>
    void event(const Event& happens) {
        happens();
        carry_out();
    }
    void hear(const wire::Message& message) {
        event([&] { driver->received(wire::encode(message)); });
    }

    // --- what the network, the hub and the application may do ---
    void open() {
        if (!wired || greeted) return;
        greeted = true;
        event([&] { driver->opened(); });
    }
    void welcome() {
        if (!greeted || welcomed) return;
        welcomed = true;
        hear(welcome_for(scene, scene.cursor()));
    }
    void refuse(const char* code, int64_t after) {
        if (greeted && !welcomed) hear(wire::Refuse{code, "no", after});
    }
    void lose(CloseCause cause) {
        if (!wired) return;
        wired = false;
        losses = std::min(losses + 1, 2);
        event([&] { driver->lost(cause, Error(ErrorCode::unreachable, "lost")); });
    }
    void answer_ping() {
        if (welcomed && pinged) hear(wire::Pong{*std::exchange(pinged, std::nullopt), {scene.cursor()}, 0});
    }
    void write() {
        if (written == 1) return;  // one pending transaction stands for many
        ++written;
        scene.run("INSERT INTO t VALUES (hex(randomblob(8)), 0)");
        event([&] { driver->local_commit(); });
    }
    void accept() {
        if (!welcomed || written == accepted) return;
        driver->sent(0);
        testing::Checkpoint checkpoint = scene.accepting(scene.cursor() + 1, {static_cast<uint64_t>(++accepted)});
        for (const std::string& part : checkpoint.take_parts())
            event([&] { driver->received(part); });
        hear(wire::Message(checkpoint.end));
        losses = 0;
    }
    void signal(const NetworkHint& says, bool moved) {
        world::NetworkSignal signal;
        signal.says = says;
        signal.moved = moved;
        event([&] { driver->network_signal(world::SignalSource::kernel, signal); });
    }
    void link(bool up) { hint.online = up, signal(hint, true); }
    void meter(bool metered) { hint.metered = metered, signal(hint, false); }
    void time() {
        const BootTime due = driver->deadline();
        if (due == never) return;
        const int64_t wait = std::max<int64_t>(due - scene.world.clock.boot_now, 0);
        scene.world.clock.boot_now += wait;
        scene.world.clock.wall_now += wait;
        event([&] { driver->time_passed(); });
        EXPECT_GT(driver->deadline(), scene.world.clock.boot_now) << "a deadline that stays due";
    }

    bool pending() const { return written > accepted; }
    bool policy_says_no() const {
        const Driver::Phase phase = driver->phase();
        return phase == Driver::Phase::stopped || phase == Driver::Phase::held;
    }

    // What tells one state from another; the rest of a driver is numbers that only change how long it waits.
    std::string name() {
        const Status& status = driver->status();
        std::string name = std::to_string(static_cast<int>(driver->phase())) + "/" + std::string(to_string(status.state)) + "/" +
                           std::string(to_string(status.network)) + "/" + std::string(to_string(status.hub_reach));
        for (const bool yes : {wired, greeted, welcomed, pinged.has_value(), pending(), accepted > 0, paused, hint.online == false,
                               hint.metered == true, driver->standing_error().has_value(), losses > 0, losses > 1})
            name += yes ? '1' : '0';
        return name;
    }

    ReplicaScene& scene;
    std::optional<Driver> driver;
    std::string token = "old";
    NetworkHint hint;
    bool wired = false, greeted = false, welcomed = false, paused = false;
    std::optional<uint64_t> pinged;
    int written = 0, accepted = 0, losses = 0;
};

// A file as it was made, for each world: made anew only where the one before wrote into it.
class Scenes {
public:
    ReplicaScene& untouched() {
        if (!scene_ || touched_) scene_.emplace(std::vector<std::string>{"CREATE TABLE t(id TEXT PRIMARY KEY, a)"});
        touched_ = false;
        return *scene_;
    }
    void was_written(bool written) { touched_ = written; }

private:
    std::optional<ReplicaScene> scene_;
    bool touched_ = false;
};

struct Event {
    const char* name;
    std::function<void(World&)> happens;
};

const std::vector<Event>& events() {
    static const std::vector<Event> all = {
        {"start", [](World& w) { w.event([&] { w.driver->start(); }); }},
        {"stop", [](World& w) { w.event([&] { w.driver->stop(); }); }},
        {"pause", [](World& w) { w.paused = true, w.event([&] { w.driver->pause(); }); }},
        {"resume", [](World& w) { w.paused = false, w.event([&] { w.driver->resume(); }); }},
        {"sync_now", [](World& w) { w.event([&] { w.driver->sync_now(); }); }},
        {"write", [](World& w) { w.write(); }},
        {"link down", [](World& w) { w.link(false); }},
        {"link up", [](World& w) { w.link(true); }},
        {"metered", [](World& w) { w.meter(true); }},
        {"unmetered", [](World& w) { w.meter(false); }},
        {"opened", [](World& w) { w.open(); }},
        {"welcome", [](World& w) { w.welcome(); }},
        {"needs-auth", [](World& w) { w.refuse("needs-auth", 0); }},
        {"overloaded", [](World& w) { w.refuse("unreachable", 3 * limits::second); }},
        {"silent", [](World& w) { w.lose(CloseCause::silent); }},
        {"refused", [](World& w) { w.lose(CloseCause::refused); }},
        {"closed", [](World& w) { w.lose(CloseCause::closed); }},
        {"foreign", [](World& w) { w.lose(CloseCause::foreign); }},
        {"pong", [](World& w) { w.answer_ping(); }},
        {"accept", [](World& w) { w.accept(); }},
        {"time", [](World& w) { w.time(); }},
    };
    return all;
}

using Path = std::vector<size_t>;

std::string describe(const Path& path) {
    std::string text;
    for (const size_t step : path)
        text += std::string(text.empty() ? "" : ", ") + events()[step].name;
    return text;
}

void check_armed(World& world, const Path& path) {
    const bool silent = world.policy_says_no();
    ASSERT_EQ(silent && world.wired, false) << "talks to the hub against the policy: " << describe(path);
    if (!silent) {
        ASSERT_NE(world.driver->deadline(), never) << "nothing is armed: " << describe(path);
    }
}

// Everything is good from here on, and nothing happens but time.
void check_recovers(World& world, const Path& path) {
    if (world.driver->phase() == Driver::Phase::stopped) world.event([&] { world.driver->start(); });
    if (world.driver->phase() == Driver::Phase::held) world.event([&] { world.driver->sync_now(); });
    const BootTime begin = world.scene.world.clock.boot_now;
    const auto done = [&] { return !world.pending() && (world.driver->live() || world.policy_says_no()); };  // asked for once, and done
    for (int steps = 0; steps < 60 && !done(); ++steps) {
        world.open();
        world.welcome();
        world.answer_ping();
        world.accept();
        if (!done()) world.time();
    }
    ASSERT_FALSE(world.pending()) << "stuck: " << describe(path);
    ASSERT_LE(world.scene.world.clock.boot_now - begin, recovery_max) << describe(path);
}

class Liveness : public ::testing::TestWithParam<SyncPolicy> {};

TEST_P(Liveness, HoldsInEveryReachableState) {
    std::set<std::string> seen;
    Scenes scenes;
    std::deque<Path> open{{}};
    size_t states = 0;
    size_t transitions = 0;
    while (!open.empty()) {
        const Path path = std::move(open.front());
        open.pop_front();
        for (size_t step = 0; step < events().size(); ++step) {
            World world(scenes.untouched(), GetParam());
            for (const size_t before : path)
                events()[before].happens(world);
            events()[step].happens(world);
            scenes.was_written(world.written > 0);
            ++transitions;
            Path longer = path;
            longer.push_back(step);
            if (!seen.insert(world.name()).second) continue;
            ++states;
            check_armed(world, longer);
            if (HasFatalFailure()) return;
            check_recovers(world, longer);
            if (HasFatalFailure()) return;
            open.push_back(std::move(longer));
        }
    }
    RecordProperty("states", static_cast<int>(states));
    RecordProperty("transitions", static_cast<int>(transitions));
    EXPECT_GT(states, 100U);
}

INSTANTIATE_TEST_SUITE_P(Policies, Liveness, ::testing::Values(SyncPolicy::always, SyncPolicy::unmetered, SyncPolicy::manually));

}  // namespace
}  // namespace tombolo::device
