#include "watch/file_signal.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace tombolo::watch {
namespace {

// A write that came together with a wake was taken for the wake: its commit, which shows later, was never looked for.
TEST(FileSignalTest, a_write_is_told_also_where_somebody_wakes) {
    std::string pattern = (std::filesystem::temp_directory_path() / "tombolo-signal-XXXXXX").string();
    const std::string folder = mkdtemp(pattern.data());
    std::ofstream log(folder + "/a.db-wal");
    FileSignal signal(folder + "/a.db");
    if (!signal.sees_writes()) GTEST_SKIP() << "no inotify instance is left";
    log << "frame" << std::flush;
    signal.wake();
    EXPECT_EQ(signal.wait(true, std::nullopt), FileSignal::Cause::written);
    EXPECT_EQ(signal.wait(true, std::chrono::milliseconds(0)), FileSignal::Cause::timed_out);
    signal.wake();
    EXPECT_EQ(signal.wait(false, std::nullopt), FileSignal::Cause::woken);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tombolo::watch
