// A progress bar on a terminal; silence elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tombolo::cli {

class ProgressBar {
public:
    explicit ProgressBar(std::string label);
    ~ProgressBar();  // wipes the line
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void show(int64_t done, int64_t total);  // total 0: unknown

private:
    const std::string label_;
    const bool terminal_;
    std::string shown_;
};

}  // namespace tombolo::cli
