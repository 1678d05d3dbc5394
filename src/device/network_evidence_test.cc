#include "device/network_evidence.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace tombolo::device {
namespace {

using limits::second;
using world::CloseCause;
using world::SignalSource;

struct NetworkEvidenceTest : ::testing::Test {
    NetworkEvidence evidence;
    BootTime now = 1000 * second;

    Prompt hear(SignalSource source, const NetworkHint& says, bool moved = false) {
        world::NetworkSignal signal;
        signal.says = says;
        signal.moved = moved;
        now += second;
        return evidence.heard(source, signal, now);
    }
    static NetworkHint link(bool up) {
        NetworkHint hint;
        hint.online = up;
        return hint;
    }
    static NetworkHint portal(bool there) {
        NetworkHint hint;
        hint.portal = there;
        return hint;
    }
    void answer() { evidence.hub_answered(now += second); }
    void fail(CloseCause cause) { evidence.attempt_failed(cause, Error(ErrorCode::unreachable, "why"), now += second); }
    NetworkState state(bool connected = false, bool here = false) { return evidence.summary(now, connected, here).state; }
};

TEST_F(NetworkEvidenceTest, TheHubsAnswerBeatsWhatAnybodySays) {
    EXPECT_EQ(state(), NetworkState::unknown);
    hear(SignalSource::kernel, link(false));
    EXPECT_EQ(state(), NetworkState::none);
    hear(SignalSource::application, portal(true));
    answer();
    EXPECT_EQ(state(true), NetworkState::available);
    EXPECT_EQ(evidence.reach(now), HubReach::answering);
    hear(SignalSource::kernel, link(false), true);
    EXPECT_EQ(state(true), NetworkState::available) << "the connection is open, and has not failed yet";
    EXPECT_EQ(state(false), NetworkState::none) << "there is none, and the newest word is that there is no link";
    answer();
    EXPECT_EQ(state(false), NetworkState::available) << "whatever the kernel says of its links";
}

TEST_F(NetworkEvidenceTest, AnAnswerIsGoodForAWhile) {
    answer();
    EXPECT_EQ(evidence.changes_by_itself_at(now), now + limits::proof_age_max);
    now += limits::proof_age_max;
    EXPECT_EQ(state(), NetworkState::unknown);
    EXPECT_EQ(evidence.reach(now), HubReach::unknown);
    EXPECT_EQ(evidence.changes_by_itself_at(now), INT64_MAX);
}

TEST_F(NetworkEvidenceTest, WhyAnAttemptFailed) {
    hear(SignalSource::kernel, link(true));
    fail(CloseCause::silent);
    EXPECT_EQ(state(), NetworkState::limited);
    EXPECT_EQ(evidence.reach(now), HubReach::unreachable);
    fail(CloseCause::refused);
    EXPECT_EQ(state(), NetworkState::limited);
    EXPECT_EQ(evidence.reach(now), HubReach::failing);
    fail(CloseCause::unroutable);
    EXPECT_EQ(state(), NetworkState::none);
    fail(CloseCause::foreign);
    EXPECT_EQ(state(), NetworkState::portal);
    hear(SignalSource::kernel, link(false), true);
    fail(CloseCause::silent);
    EXPECT_EQ(state(), NetworkState::none);
    EXPECT_EQ(state(false, true), NetworkState::limited) << "a hub on this machine needs no link";
    answer();
    fail(CloseCause::closed);
    EXPECT_EQ(state(), NetworkState::available) << "it had just answered";
    EXPECT_EQ(evidence.reach(now), HubReach::failing);
}

TEST_F(NetworkEvidenceTest, APortalThatSomebodySawIsAsked) {
    fail(CloseCause::silent);
    EXPECT_EQ(hear(SignalSource::manager, portal(true)), Prompt::doubt);
    EXPECT_EQ(state(), NetworkState::portal);
    EXPECT_EQ(hear(SignalSource::manager, portal(false)), Prompt::retry) << "somebody has logged in";
    EXPECT_EQ(state(), NetworkState::limited);
}

TEST_F(NetworkEvidenceTest, WhatASignalPrompts) {
    EXPECT_EQ(hear(SignalSource::kernel, link(true)), Prompt::retry);
    EXPECT_EQ(hear(SignalSource::kernel, link(true)), Prompt::nothing);
    EXPECT_EQ(hear(SignalSource::kernel, link(true), true), Prompt::retry) << "another route";
    EXPECT_EQ(hear(SignalSource::kernel, link(false), true), Prompt::doubt);
    EXPECT_EQ(hear(SignalSource::kernel, link(false), true), Prompt::doubt);
    NetworkHint metered = link(false);
    metered.metered = true;
    EXPECT_EQ(hear(SignalSource::kernel, metered), Prompt::nothing);
    EXPECT_EQ(evidence.metered(), true);
    metered.metered = false;
    hear(SignalSource::application, metered);
    EXPECT_EQ(evidence.metered(), false) << "the application knows better";
}

// A probe costs a connection: only where somebody else may have taken the hub's place.
TEST_F(NetworkEvidenceTest, WhoIsThereIsAskedWhereItMayHaveChanged) {
    EXPECT_TRUE(evidence.must_ask_who_is_there());
    answer();
    EXPECT_FALSE(evidence.must_ask_who_is_there());
    fail(CloseCause::closed);
    fail(CloseCause::refused);
    EXPECT_FALSE(evidence.must_ask_who_is_there()) << "a hub's restart";
    hear(SignalSource::kernel, link(true), true);
    EXPECT_TRUE(evidence.must_ask_who_is_there());
    answer();
    fail(CloseCause::foreign);
    EXPECT_TRUE(evidence.must_ask_who_is_there());
}

TEST(IsOnThisMachine, Addresses) {
    for (const char* here : {"ws://127.0.0.1:7171", "wss://localhost:443", "ws://[::1]:80", "ws://localhost"})
        EXPECT_TRUE(is_on_this_machine(here)) << here;
    for (const char* elsewhere : {"ws://10.0.0.1:7171", "wss://localhost.example:443", "ws://[::2]:80", ""})
        EXPECT_FALSE(is_on_this_machine(elsewhere)) << elsewhere;
}

}  // namespace
}  // namespace tombolo::device
