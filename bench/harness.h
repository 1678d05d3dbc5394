// What every benchmark here shares: alternating runs, medians, one line a measure.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tombolo::bench {

inline constexpr int rounds = 5;

// With TOMBOLO_BENCH_CLOCK=cpu, the processor's time instead of the clock's: on a machine that is busy with other things, and for
// what one process does alone (capture, apply).
inline double now_milliseconds() {
    static const char* const choice = std::getenv("TOMBOLO_BENCH_CLOCK");
    timespec now{};
    clock_gettime(choice != nullptr && std::string_view(choice) == "cpu" ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

inline double milliseconds(const std::function<void()>& work) {
    const double begin = now_milliseconds();
    work();
    return now_milliseconds() - begin;
}

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

inline double percentile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

inline const char* met(double value, double target) { return value <= target ? "met" : "missed"; }

struct Labels {
    const char* plain = "plain";
    const char* ours = "ours";
};

inline void report(const std::string& what, const char* unit, double plain, double ours, double target, Labels labels = {}) {
    std::printf("%-50s %s %9.1f %-5s %s %9.1f %-5s %6.3fx  target %.2fx  %s\n", what.c_str(), labels.plain, plain, unit, labels.ours, ours, unit,
                ours / plain, target, met(ours / plain, target));
    std::fflush(stdout);
}

// `plain` and `ours` return milliseconds of one fresh run each; they take turns, so that both meet the same weather.
inline void compare(const std::string& what, double target, const std::function<double()>& plain, const std::function<double()>& ours,
                    int times = rounds, Labels labels = {}) {
    std::vector<double> a;
    std::vector<double> b;
    for (int i = 0; i < times; ++i) {
        a.push_back(plain());
        b.push_back(ours());
    }
    report(what, "ms", median(a), median(b), target, labels);
}

}  // namespace tombolo::bench
