#include "network/event_loop.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>

#include "network/loop_state.h"

namespace tombolo::network {

namespace asio = boost::asio;

EventLoop::EventLoop() : state_(std::make_unique<State>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
    state_->context.restart();
    state_->context.run();
}

void EventLoop::stop() { state_->context.stop(); }

void EventLoop::post(std::function<void()> task) { asio::post(state_->context, std::move(task)); }

namespace {

void wait_for_signal(EventLoop::State& state) {
    state.signals.async_wait([&state](boost::system::error_code error, int) {
        if (error) return;
        wait_for_signal(state);
        state.stop_task();
    });
}

}  // namespace

void EventLoop::on_stop_signal(std::function<void()> task) {
    state_->stop_task = std::move(task);
    state_->signals.add(SIGINT);
    state_->signals.add(SIGTERM);
    wait_for_signal(*state_);
}

// A cancelled wait may already stand in the loop's queue as done; `turn` tells it from the present one.
struct Timer::State {
    explicit State(EventLoop& loop) : timer(loop.state().context) {}
    asio::steady_timer timer;
    uint64_t turn = 0;
};

Timer::Timer(EventLoop& loop) : state_(std::make_shared<State>(loop)) {}
Timer::~Timer() { cancel(); }

void Timer::start(int64_t microseconds, std::function<void()> task) {
    cancel();
    state_->timer.expires_after(std::chrono::microseconds(microseconds));
    state_->timer.async_wait([state = state_, turn = state_->turn, task = std::move(task)](boost::system::error_code error) {
        if (!error && state->turn == turn) task();
    });
}

void Timer::cancel() {
    ++state_->turn;
    state_->timer.cancel();
}

}  // namespace tombolo::network
