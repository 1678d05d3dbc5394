#include <gtest/gtest.h>

#include <csignal>
#include <ctime>
#include <thread>

#include "network/event_loop.h"
#include "network/system_clock.h"
#include "network/system_random.h"

namespace tombolo::network {
namespace {

TEST(SystemClock, TellsMicroseconds) {
    SystemClock clock;
    const auto seconds = static_cast<int64_t>(std::time(nullptr));
    EXPECT_NEAR(static_cast<double>(clock.wall() / 1'000'000), static_cast<double>(seconds), 2);
    const BootTime first = clock.boot();
    EXPECT_GT(first, 0);
    EXPECT_GE(clock.boot(), first);
}

TEST(SystemClock, ABootHasOneId) {
    EXPECT_EQ(SystemClock().boot_id(), SystemClock().boot_id());
    EXPECT_FALSE(SystemClock().boot_id().is_nil());
}

TEST(SystemRandom, FillsEveryByteDifferently) {
    SystemRandom random;
    EXPECT_NE(random.id<SiteId>(), random.id<SiteId>());
    EXPECT_LT(random.below(10), 10U);
}

TEST(EventLoop, RunsTasksOfOtherThreadsInTheirOrder) {
    EventLoop loop;
    std::vector<int> order;
    std::thread other([&] {
        for (int i = 0; i < 100; ++i)
            loop.post([&order, i] { order.push_back(i); });
        loop.post([&loop] { loop.stop(); });
    });
    loop.run();
    other.join();
    ASSERT_EQ(order.size(), 100U);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(EventLoop, MayRunAgain) {
    EventLoop loop;
    int runs = 0;
    for (int i = 0; i < 2; ++i) {
        loop.post([&] {
            ++runs;
            loop.stop();
        });
        loop.run();
    }
    EXPECT_EQ(runs, 2);
}

TEST(EventLoop, TurnsSignalsIntoATask) {
    EventLoop loop;
    loop.on_stop_signal([&loop] { loop.stop(); });
    loop.post([] { std::raise(SIGTERM); });
    loop.run();
}

TEST(Timer, ComesInTimeUnlessCancelledOrMoved) {
    EventLoop loop;
    std::string order;
    Timer cancelled(loop), moved(loop), last(loop);
    {
        Timer forgotten(loop);
        forgotten.start(0, [&] { order += "forgotten "; });
    }
    cancelled.start(0, [&] { order += "cancelled "; });
    cancelled.cancel();
    moved.start(0, [&] { order += "early "; });
    moved.start(2000, [&] { order += "moved "; });
    last.start(4000, [&] {
        order += "last";
        loop.stop();
    });
    loop.run();
    EXPECT_EQ(order, "moved last");
}

TEST(Timer, MayStartAgainFromItsOwnTask) {
    EventLoop loop;
    Timer timer(loop);
    int times = 0;
    std::function<void()> tick = [&] {
        if (++times == 3) return loop.stop();
        timer.start(1, tick);
    };
    timer.start(1, tick);
    loop.run();
    EXPECT_EQ(times, 3);
}

}  // namespace
}  // namespace tombolo::network
