#include "client/session_lock.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_test.h"

namespace tombolo::client {
namespace {

// Locks belong to open files, so two objects of one process are as strange to each other as two processes.
class SessionLockTest : public testing::Test {
protected:
    const scratch::TempFolder folder_;
    const std::string device_ = folder_.file("a.db");
};

TEST_F(SessionLockTest, one_holds_and_others_read_what_it_tells) {
    EXPECT_FALSE(told_by_holder(device_));
    {
        const auto lock = SessionLock::try_hold(device_, false);
        ASSERT_TRUE(lock);
        EXPECT_FALSE(SessionLock::try_hold(device_, false));
        Status status;
        status.site = "ab";
        status.cursor = 7;
        auto holder = SessionLock::try_hold(folder_.file("other.db"), false);
        ASSERT_TRUE(holder);
        holder->tell(status, 99);
        const auto told = told_by_holder(folder_.file("other.db"));
        ASSERT_TRUE(told);
        EXPECT_EQ(told->status.cursor, 7U);
        EXPECT_EQ(told->complete_as_of, 99);
    }
    EXPECT_FALSE(told_by_holder(folder_.file("other.db")));
    EXPECT_TRUE(told_last(folder_.file("other.db")));
    EXPECT_TRUE(SessionLock::try_hold(device_, false));
}

TEST_F(SessionLockTest, waiters_are_seen_while_they_wait) {
    const auto lock = SessionLock::try_hold(device_, false);
    EXPECT_FALSE(lock->somebody_waits());
    {
        const SessionWaiter one(device_);
        const SessionWaiter two(device_);
        EXPECT_TRUE(lock->somebody_waits());
    }
    EXPECT_FALSE(lock->somebody_waits());
}

TEST_F(SessionLockTest, who_needs_the_session_comes_before_who_merely_wants_it) {
    auto lock = SessionLock::try_hold(device_, false);
    const auto need = SessionNeed::try_need(device_);
    ASSERT_TRUE(need);
    EXPECT_FALSE(SessionNeed::try_need(device_));
    EXPECT_TRUE(lock->somebody_needs_it());
    lock.reset();
    EXPECT_FALSE(SessionLock::try_hold(device_, false));
    EXPECT_TRUE(SessionLock::try_hold(device_, true));
}

TEST_F(SessionLockTest, a_torn_or_foreign_file_tells_nothing) {
    const auto lock = SessionLock::try_hold(device_, false);
    std::ofstream(session_path(device_)) << "{\"state\":\"live\"}\n12 0000000000000000\n";
    EXPECT_FALSE(told_by_holder(device_));
    std::ofstream(session_path(device_)) << "x";
    EXPECT_FALSE(told_by_holder(device_));
}

}  // namespace
}  // namespace tombolo::client
