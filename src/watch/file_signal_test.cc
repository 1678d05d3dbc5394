#include "watch/file_signal.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_test.h"

namespace tombolo::watch {
namespace {

// A write that came together with a wake was taken for the wake: its commit, which shows later, was never looked for.
TEST(FileSignalTest, a_write_is_told_also_where_somebody_wakes) {
    const scratch::TempFolder folder;
    std::ofstream log(folder.file("a.db-wal"));
    FileSignal signal(folder.file("a.db"));
    if (!signal.sees_writes()) GTEST_SKIP() << "no inotify instance is left";
    log << "frame" << std::flush;
    signal.wake();
    EXPECT_EQ(signal.wait(true, std::nullopt), FileSignal::Cause::written);
    EXPECT_EQ(signal.wait(true, std::chrono::milliseconds(0)), FileSignal::Cause::timed_out);
    signal.wake();
    EXPECT_EQ(signal.wait(false, std::nullopt), FileSignal::Cause::woken);
}

}  // namespace
}  // namespace tombolo::watch
