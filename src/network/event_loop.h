// The one thread's loop on which sockets, timers and posted tasks meet. Everything that is made on a loop is used on the thread
// that runs it, and must be gone before the loop is; only post() and stop() may be called from anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace tombolo::network {

class EventLoop {
public:
    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // Runs tasks until stop(); may be run again. An exception of a task leaves through here.
    void run();
    void stop();
    // Runs `task` on the loop, after what is queued; never at once.
    void post(std::function<void()> task);
    // Calls `task` on the loop at each SIGINT or SIGTERM, in place of the end of the process.
    void on_stop_signal(std::function<void()> task);

    struct State;
    State& state() { return *state_; }  // for the sockets of this module

private:
    std::unique_ptr<State> state_;
};

// One shot; start() again moves it. The task is not called after cancel(), nor after the timer is gone.
class Timer {
public:
    explicit Timer(EventLoop& loop);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    void start(int64_t microseconds, std::function<void()> task);
    void cancel();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace tombolo::network
