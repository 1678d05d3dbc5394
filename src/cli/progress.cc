#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cli/output.h"

namespace tombolo::cli {

namespace {
constexpr int64_t bar_width = 40;
}

ProgressBar::ProgressBar(std::string label) : label_(std::move(label)), terminal_(stdout_is_terminal()) {}

ProgressBar::~ProgressBar() {
    if (shown_.empty()) return;
    fmt::print("\r\x1b[K");
    std::fflush(stdout);
}

void ProgressBar::show(int64_t done, int64_t total) {
    if (!terminal_) return;
    const int64_t filled = total > 0 ? std::clamp<int64_t>(done * bar_width / total, 0, bar_width) : 0;
    std::string line = fmt::format("  {} [{}{}] {}", label_, std::string(static_cast<size_t>(filled), '#'),
                                   std::string(static_cast<size_t>(bar_width - filled), '.'), count_text(done, "row"));
    if (total > 0) line += fmt::format(" of {}", count_text(total, "row"));
    if (line == shown_) return;
    shown_ = std::move(line);
    fmt::print("\r\x1b[K{}", shown_);
    std::fflush(stdout);
}

}  // namespace tombolo::cli
