// Where the library's log lines go: the sink of tombolo::set_log.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "tombolo/options.h"

namespace tombolo::client {

bool log_wanted(LogLevel level);
void log_line(LogLevel level, std::string_view line);

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
    if (log_wanted(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tombolo::client
