// Virtual time: things happen in order of their time, and in order of arrangement within one microsecond.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <utility>

#include "world/clock.h"
#include "world/random.h"

namespace tombolo::sim {

using Time = int64_t;  // microseconds since the simulation began

class Schedule {
public:
    Time now() const { return now_; }
    void at(Time time, std::function<void()> what) { queue_.emplace(std::pair{std::max(time, now_), ++order_}, std::move(what)); }
    void after(Time delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
    bool empty() const { return queue_.empty(); }
    Time next() const { return queue_.begin()->first.first; }
    void step() {
        auto first = queue_.extract(queue_.begin());
        now_ = first.key().first;
        first.mapped()();
    }

private:
    Time now_ = 0;
    uint64_t order_ = 0;
    std::map<std::pair<Time, uint64_t>, std::function<void()>> queue_;
};

class SeededRandom final : public world::Random {
public:
    explicit SeededRandom(uint64_t seed) : engine_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    void fill(void* bytes, size_t size) override {
        auto* out = static_cast<unsigned char*>(bytes);
        for (size_t i = 0; i < size; i += 8) {
            uint64_t word = engine_();
            for (size_t k = i; k < size && k < i + 8; ++k, word >>= 8)
                out[k] = static_cast<unsigned char>(word);
        }
    }
    bool chance(uint64_t in_thousand) { return below(1000) < in_thousand; }
    int64_t between(int64_t low, int64_t high) { return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low + 1))); }

private:
    std::mt19937_64 engine_;
};

// One machine's clocks: the wall clock may be wrong and may jump; boot time is right, and starts anew with every boot.
class MachineClock final : public world::Clock {
public:
    static constexpr WallTime beginning = 1'700'000'000'000'000;  // wall time of virtual time 0 where the clock is right

    MachineClock(const Schedule& schedule, SeededRandom& random) : schedule_(schedule), boot_id_(random.id<BootId>()) {}
    WallTime wall() override { return beginning + schedule_.now() + offset_; }
    BootTime boot() override { return schedule_.now() - booted_at_ + 1; }
    BootId boot_id() override { return boot_id_; }

    void set_offset(int64_t microseconds) { offset_ = microseconds; }
    void reboot(SeededRandom& random) {
        booted_at_ = schedule_.now();
        boot_id_ = random.id<BootId>();
    }
    Time to_virtual(BootTime boot) const { return boot >= INT64_MAX / 2 ? INT64_MAX : booted_at_ + boot - 1; }

private:
    const Schedule& schedule_;
    int64_t offset_ = 0;
    Time booted_at_ = 0;
    BootId boot_id_;
};

}  // namespace tombolo::sim
