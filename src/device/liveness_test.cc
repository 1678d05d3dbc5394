// Every state that a driver can be brought into, and every event in each of them. In each of them: whoever may
// talk to the hub has a deadline armed, whoever may not talks to nobody; and once the network, the hub and the token are good, time
// alone brings everything pending to the hub, within the bound.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

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
    World(ReplicaScene& where, SyncPolicy rule) : scene(where), policy(rule) {
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
        losses = 1;
        event([&] { driver->lost(cause, Error(ErrorCode::unreachable, "lost")); });
    }
    void answer_ping() {
        if (welcomed && pinged) hear(wire::Pong{*std::exchange(pinged, std::nullopt), {scene.cursor()}, 0});
    }
    void write() {
        if (pending()) return;  // one pending transaction stands for many
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
        for (const bool yes : {wired, greeted, welcomed, pinged.has_value(), pending(), paused, hint.online == false,
                               policy == SyncPolicy::unmetered && hint.metered == true, driver->standing_error().has_value(), losses > 0})
            name += yes ? '1' : '0';
        return name;
    }

    ReplicaScene& scene;
    SyncPolicy policy;
    std::optional<Driver> driver;
    std::string token = "old";
    NetworkHint hint;
    bool wired = false, greeted = false, welcomed = false, paused = false;
    std::optional<uint64_t> pinged;
    int written = 0, accepted = 0, losses = 0;
};

struct Event {
    const char* name;
    std::function<bool(const World&)> possible;  // elsewhere it would change nothing
    std::function<void(World&)> happens;
};

const std::vector<Event>& events() {
    const auto always = [](const World&) { return true; };
    const auto wired = [](const World& w) { return w.wired; };
    const auto awaits_welcome = [](const World& w) { return w.greeted && !w.welcomed; };
    static const std::vector<Event> all = {
        {"start", always, [](World& w) { w.event([&] { w.driver->start(); }); }},
        {"stop", always, [](World& w) { w.event([&] { w.driver->stop(); }); }},
        {"pause", always, [](World& w) { w.paused = true, w.event([&] { w.driver->pause(); }); }},
        {"resume", always, [](World& w) { w.paused = false, w.event([&] { w.driver->resume(); }); }},
        {"sync_now", always, [](World& w) { w.event([&] { w.driver->sync_now(); }); }},
        {"write", [](const World& w) { return !w.pending(); }, [](World& w) { w.write(); }},
        {"link down", always, [](World& w) { w.link(false); }},
        {"link up", always, [](World& w) { w.link(true); }},
        {"metered", always, [](World& w) { w.meter(true); }},
        {"unmetered", always, [](World& w) { w.meter(false); }},
        {"opened", [](const World& w) { return w.wired && !w.greeted; }, [](World& w) { w.open(); }},
        {"welcome", awaits_welcome, [](World& w) { w.welcome(); }},
        {"needs-auth", awaits_welcome, [](World& w) { w.refuse("needs-auth", 0); }},
        {"overloaded", awaits_welcome, [](World& w) { w.refuse("unreachable", 3 * limits::second); }},
        {"silent", wired, [](World& w) { w.lose(CloseCause::silent); }},
        {"refused", wired, [](World& w) { w.lose(CloseCause::refused); }},
        {"closed", wired, [](World& w) { w.lose(CloseCause::closed); }},
        {"foreign", wired, [](World& w) { w.lose(CloseCause::foreign); }},
        {"pong", [](const World& w) { return w.welcomed && w.pinged; }, [](World& w) { w.answer_ping(); }},
        {"time", [](const World& w) { return w.driver->deadline() != never; }, [](World& w) { w.time(); }},
        {"accept", [](const World& w) { return w.welcomed && w.pending(); }, [](World& w) { w.accept(); }},
    };
    return all;
}

using Path = std::vector<size_t>;  // what happened since the file was made
constexpr size_t all_is_good = SIZE_MAX;

std::string describe(const Path& path) {
    std::string text;
    for (const size_t step : path)
        text += std::string(text.empty() ? "" : ", ") + (step == all_is_good ? "(all is good)" : events()[step].name);
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

// One walk until every event has happened in every state that was ever reached. Where nothing is untried it goes to the nearest state
// where something is; now and then with a new file, so that what leads to a state can be told, and done again.
class Walk {
public:
    explicit Walk(SyncPolicy policy) : policy_(policy) { scene_.remember(); }

    void run() {
        begin_anew();
        while (untried_ > 0 && !::testing::Test::HasFatalFailure()) {
            std::deque<size_t>& untried = states_[at_].untried;
            const Steps way = untried.empty() && wandered_ < wander_max ? way_to_untried() : Steps();
            if (!untried.empty() && path_.size() < path_end_) {
                const size_t step = untried.front();
                untried.pop_front();
                --untried_;
                wandered_ = 0;
                take(step);
            } else if (!way.empty() && path_.size() < path_end_) {
                follow(way);
            } else {
                go_the_way_it_was_reached();
            }
        }
    }
    size_t states() const { return states_.size(); }
    size_t steps() const { return steps_; }

private:
    static constexpr size_t path_max = 500;   // with one file
    static constexpr size_t wander_max = 30;  // steps that bring nothing new
    static constexpr size_t nowhere = SIZE_MAX;

    struct State {
        std::deque<size_t> untried;
        std::vector<std::set<size_t>> leads_to;  // by event; numbers that are not in the name can make it one or the other
        Path reached_by;
    };
    struct Step {
        size_t event, leads_to;
    };
    using Steps = std::vector<Step>;

    void begin_anew() {
        world_.reset();
        scene_.go_back();
        world_.emplace(scene_, policy_);
        path_.clear();
        path_end_ = path_max;
        wandered_ = 0;
        arrive();
    }
    void go_the_way_it_was_reached() {
        const auto somewhere = std::min_element(states_.begin(), states_.end(), [](const State& a, const State& b) {
            return std::make_pair(a.untried.empty(), a.reached_by.size()) < std::make_pair(b.untried.empty(), b.reached_by.size());
        });
        const size_t to = static_cast<size_t>(somewhere - states_.begin());
        begin_anew();
        for (const size_t step : Path(somewhere->reached_by)) {
            path_.push_back(step);
            if (step == all_is_good)
                check_recovers(*world_, path_);
            else
                events()[step].happens(*world_);
        }
        at_ = numbers_.at(world_->name());
        path_end_ = path_.size() + path_max;
        ASSERT_EQ(at_, to) << "the same events led elsewhere: " << describe(path_);
    }
    void take(size_t event) {
        ++steps_;
        path_.push_back(event);
        events()[event].happens(*world_);
        const size_t from = at_;
        const size_t to = arrive();
        states_[from].leads_to[event].insert(to);
    }
    void follow(const Steps& way) {
        for (const Step& step : way) {
            ++wandered_;
            take(step.event);
            if (at_ != step.leads_to) return;
        }
    }
    // A state that is new is put to the test, and the walk goes on from where that ends. Returns where it arrived.
    size_t arrive() {
        const auto [found, is_new] = numbers_.try_emplace(world_->name(), states_.size());
        at_ = found->second;
        if (!is_new) {
            if (path_.size() < states_[at_].reached_by.size()) states_[at_].reached_by = path_;
            return at_;
        }
        add_state();
        check_armed(*world_, path_);
        if (::testing::Test::HasFatalFailure()) return at_;
        path_.push_back(all_is_good);
        check_recovers(*world_, path_);
        const size_t arrived = at_;
        if (!::testing::Test::HasFatalFailure()) arrive();
        return arrived;
    }
    void add_state() {
        State& state = states_.emplace_back();
        state.leads_to.resize(events().size());
        state.reached_by = path_;
        for (size_t event = 0; event < events().size(); ++event)
            if (events()[event].possible(*world_)) state.untried.push_back(event);
        untried_ += state.untried.size();
    }
    // A shortest one of those known; empty: there is none.
    Steps way_to_untried() const {
        std::vector<std::pair<size_t, size_t>> came_by(states_.size(), {nowhere, nowhere});  // state and event
        std::deque<size_t> open{at_};
        for (; !open.empty(); open.pop_front()) {
            const State& state = states_[open.front()];
            if (!state.untried.empty()) break;
            for (size_t event = 0; event < state.leads_to.size(); ++event) {
                for (const size_t next : state.leads_to[event]) {
                    if (next == at_ || came_by[next].first != nowhere) continue;
                    came_by[next] = {open.front(), event};
                    open.push_back(next);
                }
            }
        }
        Steps way;
        if (open.empty()) return way;
        for (size_t state = open.front(); state != at_; state = came_by[state].first)
            way.push_back({came_by[state].second, state});
        std::reverse(way.begin(), way.end());
        return way;
    }

    SyncPolicy policy_;
    ReplicaScene scene_{std::vector<std::string>{"CREATE TABLE t(id TEXT PRIMARY KEY, a)"}};
    std::optional<World> world_;
    std::unordered_map<std::string, size_t> numbers_;  // by World::name
    std::vector<State> states_;
    size_t untried_ = 0;  // events, over all states
    size_t at_ = 0;
    Path path_;
    size_t path_end_ = 0;
    size_t wandered_ = 0;
    size_t steps_ = 0;
};

class Liveness : public ::testing::TestWithParam<SyncPolicy> {};

TEST_P(Liveness, HoldsInEveryReachableState) {
    Walk walk(GetParam());
    walk.run();
    RecordProperty("states", static_cast<int>(walk.states()));
    RecordProperty("steps", static_cast<int>(walk.steps()));
    EXPECT_GT(walk.states(), 100U);
}

INSTANTIATE_TEST_SUITE_P(Policies, Liveness, ::testing::Values(SyncPolicy::always, SyncPolicy::unmetered, SyncPolicy::manually));

}  // namespace
}  // namespace tombolo::device
