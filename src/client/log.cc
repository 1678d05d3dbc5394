#include "client/log.h"

#include <atomic>
#include <mutex>

namespace tombolo {

namespace {

// The one process-wide state of the library: what set_log was told.
struct LogState {
    std::mutex mutex;
    LogSink sink;
    std::atomic<int> level{-1};  // nothing is wanted
};

LogState& state() {
    static LogState instance;
    return instance;
}

}  // namespace

void set_log(LogSink sink, LogLevel level) {
    LogState& log = state();
    const std::lock_guard lock(log.mutex);
    log.level = sink ? static_cast<int>(level) : -1;
    log.sink = std::move(sink);
}

namespace client {

bool log_wanted(LogLevel level) { return static_cast<int>(level) <= state().level.load(std::memory_order_relaxed); }

void log_line(LogLevel level, std::string_view line) {
    LogState& log = state();
    const std::lock_guard lock(log.mutex);
    if (log.sink && static_cast<int>(level) <= log.level) log.sink(level, line);
}

}  // namespace client
}  // namespace tombolo
