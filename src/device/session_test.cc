// One conversation with a scripted hub.
#include "device/session.h"

#include <gtest/gtest.h>

#include "device/session_scene_test.h"

namespace tombolo::device {
namespace {

using testing::Checkpoint;
using testing::describe;
using testing::ReplicaScene;
using testing::welcome_for;

struct SessionTest : ::testing::Test {
    ReplicaScene scene{std::vector<std::string>{"CREATE TABLE t(id TEXT PRIMARY KEY, a)"}};
    std::unique_ptr<Session> session;

    void open() { session = std::make_unique<Session>(*scene.replica, scene.world.clock, Session::Options{"token", false}); }
    void hear(const wire::Message& message) { session->received(wire::encode(message)); }
    void hear(Checkpoint checkpoint) {
        for (const std::string& part : checkpoint.take_parts())
            session->received(part);
        hear(wire::Message(checkpoint.end));
    }
    void greet(uint64_t head = 0) {
        open();
        session->opened();
        hear(welcome_for(scene, head));
    }
    std::string said() { return describe(session->take_messages()); }
    void pass(int64_t time) {
        scene.world.clock.boot_now += time;
        session->time_passed();
    }
};

TEST_F(SessionTest, TheGreetingSaysWhereTheDeviceStands) {
    scene.apply(scene.to(5).row("t", {"x", 1}));
    scene.run("UPDATE t SET a = 2");
    open();
    EXPECT_EQ(said(), "");
    session->opened();
    const auto messages = session->take_messages();
    ASSERT_EQ(messages.size(), 1U);
    const auto hello = std::get<wire::Hello>(wire::decode(messages[0], limits::message_bytes_max));
    EXPECT_EQ(hello.token, "token");
    EXPECT_EQ(hello.cursor, (Cursor{testing::scene_epoch, {5}}));
    EXPECT_EQ(hello.last_number.value, 1U);
    EXPECT_EQ(hello.last_id, scene.replica->outbox().last().second);
    EXPECT_EQ(hello.schema_hash, wire::hash_schema(scene.schema));
    hear(welcome_for(scene, 5));
    EXPECT_EQ(said(), "PushPart 1");
    EXPECT_TRUE(session->caught_up());
}

TEST_F(SessionTest, PushesInOrderWhatTheHubHasNotSeen) {
    for (int i = 1; i <= 4; ++i)
        scene.run("INSERT INTO t VALUES (" + std::to_string(i) + ", 0)");
    scene.apply(scene.rejecting(1, 3));
    open();
    session->opened();
    said();
    wire::Welcome welcome = welcome_for(scene, 1);
    welcome.last_number.value = 1;
    hear(welcome);
    EXPECT_EQ(said(), "PushPart 2, PushPart 4");
    scene.run("INSERT INTO t VALUES (5, 0)");
    session->local_commit();
    EXPECT_EQ(said(), "PushPart 5");
    session->local_commit();
    EXPECT_EQ(said(), "");
}

TEST_F(SessionTest, TheWindowHoldsPartsBack) {
    scene.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO t SELECT i, randomblob(100000) FROM n");
    greet();
    const auto first = session->take_messages();
    size_t bytes = 0;
    for (const std::string& message : first)
        bytes += message.size();
    EXPECT_GE(bytes, limits::send_window_bytes);
    EXPECT_LT(bytes, limits::send_window_bytes + 2 * limits::part_bytes_target);
    size_t parts = first.size() - 1;  // without Hello
    bool last = false;
    for (int i = 0; i < 20 && !last; ++i) {
        session->sent(0);
        for (const std::string& message : session->take_messages()) {
            const auto part = std::get<wire::PushPart>(wire::decode(message, limits::message_bytes_max));
            EXPECT_FALSE(part.first);
            EXPECT_FALSE(last) << "nothing after the last part";
            last = part.last;
            ++parts;
        }
    }
    EXPECT_TRUE(last);
    EXPECT_FALSE(scene.replica->outbox().has_part({1}, static_cast<uint32_t>(parts)));
    EXPECT_TRUE(scene.replica->outbox().has_part({1}, static_cast<uint32_t>(parts - 1)));
}

struct TextSessionTest : SessionTest {
    TextSessionTest() {
        Schema schema = scene.schema;
        schema.tables[0].columns[1].policy = ColumnPolicy::text;
        scene.replica->adopt_schema(schema, wire::hash_schema(schema));
        scene.apply(scene.to(5).row("t", {"x", base}));
        for (const char* word : {"one", "two", "three"})
            scene.app.prepare("UPDATE t SET a = a || ?1").with(word).run();
        greet(5);
    }
    void ask(uint64_t number, const std::vector<std::string>& texts) {
        wire::BaseRequest request{{number}, {}};
        for (const std::string& text : texts)
            request.bases.push_back(digest_text(text));
        hear(wire::Message(request));
    }
    std::string base = std::string(500, 'b') + " ";
};

TEST_F(TextSessionTest, TheHubGetsTheBasesItAsksForAndWhatCameBehindAgain) {
    const auto sent = session->take_messages();
    EXPECT_EQ(describe(sent), "Hello, PushPart 1, PushPart 2, PushPart 3");
    EXPECT_LT(sent[2].size(), 200U);
    ask(2, {base + "one"});
    const auto again = session->take_messages();
    EXPECT_EQ(describe(again), "BaseText, PushPart 3");
    EXPECT_EQ(wire::decode(again[0], limits::message_bytes_max), wire::Message(wire::BaseText{{2}, base + "one"}));
    EXPECT_EQ(again[1], sent[3]) << "byte for byte";
    // Of a transaction from an earlier connection, before it was sent again on this one.
    open();
    session->opened();
    said();
    scene.run("UPDATE t SET a = 'no edit any more'");
    hear(welcome_for(scene, 5));
    said();
    ask(1, {base});
    EXPECT_EQ(said(), "BaseText, PushPart 2, PushPart 3, PushPart 4");
}

TEST_F(TextSessionTest, ABusyFileOnlyDelaysTheAnswer) {
    said();
    scene.run("BEGIN IMMEDIATE");
    ask(1, {base});
    EXPECT_EQ(said(), "");
    EXPECT_FALSE(session->closed());
    scene.run("COMMIT");
    pass(session->deadline() - scene.world.clock.boot());
    EXPECT_EQ(said(), "BaseText, PushPart 2, PushPart 3");
}

TEST_F(TextSessionTest, ARequestThatCannotBeMetEndsTheConversation) {
    said();
    ask(9, {base});
    ASSERT_TRUE(session->failure());
    EXPECT_EQ(session->failure()->code(), ErrorCode::protocol);
    greet(5);
    ask(1, {"a text that was never there"});
    EXPECT_EQ(session->failure().value().code(), ErrorCode::protocol);
}

TEST_F(SessionTest, ACheckpointIsAppliedAndAnswered) {
    scene.run("INSERT INTO t VALUES ('mine', 1)");
    greet(2);
    said();
    EXPECT_FALSE(session->caught_up());
    wire::VerdictNotice notice{scene.verdict(1, 2)};
    hear(notice);
    EXPECT_EQ(scene.outbox(), "1 pending") << "a verdict alone changes nothing";
    hear(scene.accepting(2, {1}).row("t", {"x", 1}));
    EXPECT_EQ(said(), "Applied");
    EXPECT_TRUE(session->caught_up());
    const SessionNews news = session->take_news();
    EXPECT_EQ(news.noticed.size(), 1U);
    EXPECT_EQ(news.covered.size(), 1U);
    EXPECT_TRUE(news.applied);
    EXPECT_EQ(scene.rows("SELECT id FROM t ORDER BY id"), "'mine' | 'x'");
}

TEST_F(SessionTest, ABusyFileOnlyMakesItWait) {
    greet(3);
    said();
    scene.run("BEGIN IMMEDIATE");
    hear(scene.to(1).row("t", {"x", 1}));
    Checkpoint second(scene.schema, 1, 2);
    hear(second.row("t", {"x", 2}).row("t", {"y", 2}));
    Checkpoint third(scene.schema, 2, 3);
    hear(third.gone("t", {"y"}));
    EXPECT_FALSE(session->closed());
    EXPECT_FALSE(session->caught_up());
    EXPECT_EQ(said(), "");
    EXPECT_LT(session->deadline(), scene.world.clock.boot() + limits::second);
    pass(session->deadline() - scene.world.clock.boot());
    EXPECT_EQ(said(), "") << "still locked";
    scene.run("COMMIT");
    pass(session->deadline() - scene.world.clock.boot());
    EXPECT_EQ(said(), "Applied, Applied, Applied");
    EXPECT_TRUE(session->caught_up());
    EXPECT_EQ(scene.rows("SELECT * FROM t"), "'x' 2");
}

TEST_F(SessionTest, ABusyFileAtTheWelcomeOnlyMakesItWait) {
    scene.run("INSERT INTO t VALUES ('mine', 1)");
    open();
    session->opened();
    said();
    scene.run("BEGIN IMMEDIATE");
    scene.world.clock.wall_now += 40 * limits::millisecond;
    scene.world.clock.boot_now += 40 * limits::millisecond;
    hear(welcome_for(scene, 1));
    hear(scene.to(1).row("t", {"x", 1}));
    scene.run("COMMIT");
    EXPECT_FALSE(session->closed());
    scene.world.clock.wall_now += session->deadline() - scene.world.clock.boot();
    pass(session->deadline() - scene.world.clock.boot());
    EXPECT_EQ(said(), "PushPart 1, Applied");
    EXPECT_TRUE(session->caught_up());
    EXPECT_EQ(scene.app.query_integer("SELECT clock_offset FROM tombolo_device"), 20 * limits::millisecond)
        << "half the round trip, without the wait";
}

TEST_F(SessionTest, ABusyFileWhileSpoolingLosesNoPart) {
    greet(1);
    said();
    Checkpoint big = scene.to(1);
    for (int i = 0; i < 6; ++i)
        big.row("t", {"r" + std::to_string(i), std::string(400'000, static_cast<char>('a' + i))}).cut();
    for (int i = 0; i < 2; ++i)
        session->received(big.parts[static_cast<size_t>(i)]);
    EXPECT_EQ(scene.count("tombolo_spool"), 0) << "small ones stay in memory";
    scene.run("BEGIN IMMEDIATE");
    session->received(big.parts[2]);
    session->received(big.parts[3]);
    scene.run("COMMIT");
    pass(session->deadline() - scene.world.clock.boot());
    EXPECT_EQ(scene.count("tombolo_spool"), 4);
    session->received(big.parts[4]);
    EXPECT_EQ(scene.count("tombolo_spool"), 5);

    // The connection is cut; what is on disk is not fetched again.
    open();
    session->opened();
    const auto messages = session->take_messages();
    const auto hello = std::get<wire::Hello>(wire::decode(messages.at(0), limits::message_bytes_max));
    EXPECT_EQ(hello.resume.value().position, "p4");
    wire::Welcome welcome = welcome_for(scene, 1);
    welcome.resumed = true;
    hear(welcome);
    session->received(big.parts[5]);
    hear(wire::Message(big.end));
    EXPECT_EQ(scene.rows("SELECT id, length(a) FROM t WHERE id = 'r0' OR id = 'r5'"), "'r0' 400000 | 'r5' 400000");
    EXPECT_EQ(scene.count("t"), 6);
    EXPECT_EQ(scene.count("tombolo_spool"), 0);
}

TEST_F(SessionTest, ASpoolThatTheHubDoesNotGoOnWithIsDropped) {
    Checkpoint half = scene.to(1);
    half.row("t", {"x", 1}).cut();
    scene.replica->spool(half.parts[0]);
    greet(0);
    EXPECT_EQ(scene.count("tombolo_spool"), 0);
}

TEST_F(SessionTest, ACheckpointForAnotherCursorIsRefused) {
    scene.apply(scene.to(5).row("t", {"x", 1}));
    greet(9);
    hear(Checkpoint(scene.schema, 7, 9).row("t", {"x", 2}));
    EXPECT_TRUE(session->closed());
    EXPECT_EQ(session->failure()->code(), ErrorCode::protocol);
    EXPECT_EQ(scene.cursor(), 5U);
}

TEST_F(SessionTest, WrongHubAndRefusal) {
    open();
    session->opened();
    wire::Welcome other = welcome_for(scene, 0);
    other.space_id = std::string(32, 'b');
    hear(other);
    EXPECT_EQ(session->failure()->code(), ErrorCode::wrong_hub);
    open();
    session->opened();
    hear(wire::Refuse{"needs-auth", "the token has expired", 7});
    EXPECT_EQ(session->failure()->code(), ErrorCode::needs_auth);
    EXPECT_EQ(session->retry_after(), 7);
    open();
    greet();
    hear(wire::Refuse{"disk-full", "its disk is full", 9});
    EXPECT_EQ(session->failure()->code(), ErrorCode::disk_full) << "a hub may have to refuse in the middle of a conversation";
    EXPECT_EQ(session->retry_after(), 9);
    open();
    session->opened();
    hear(scene.to(1));
    EXPECT_EQ(session->failure()->code(), ErrorCode::protocol) << "before the welcome";
    greet();
    session->received("garbage");
    EXPECT_TRUE(session->closed());
}

TEST_F(SessionTest, Silence) {
    greet();
    said();
    EXPECT_EQ(session->deadline(), scene.world.clock.boot() + limits::heartbeat_sending) << "nothing has left yet";
    session->sent(0);
    EXPECT_EQ(session->deadline(), scene.world.clock.boot() + limits::heartbeat_idle);
    pass(limits::heartbeat_idle);
    EXPECT_EQ(said(), "Ping");
    hear(wire::Pong{static_cast<uint64_t>(scene.world.clock.boot()), {4}, 0});
    EXPECT_EQ(session->head().value, 4U);
    EXPECT_FALSE(session->caught_up());
    session->sent(0);
    pass(limits::heartbeat_idle);
    EXPECT_EQ(said(), "Ping");
    pass(limits::heartbeat_answer);
    EXPECT_EQ(session->failure()->code(), ErrorCode::unreachable);
    open();
    session->opened();
    pass(limits::handshake_timeout);
    EXPECT_EQ(session->failure()->code(), ErrorCode::unreachable);
}

// A ping behind a megabyte on a slow link is answered late; what counts is that bytes move.
TEST_F(SessionTest, ASlowLinkIsNotSilence) {
    greet();
    said();
    session->sent(0);
    session->moved({1000, 1000, 100'000});
    session->prove();
    EXPECT_EQ(said(), "Ping");
    const BootTime asked_at = scene.world.clock.boot();
    EXPECT_EQ(session->deadline(), asked_at + limits::heartbeat_look);
    const auto after = [&](int64_t time, const world::Traffic& traffic) {
        scene.world.clock.boot_now += time;
        session->moved(traffic);
        session->time_passed();
    };
    for (uint64_t i = 1; i <= 20; ++i) {
        after(limits::second, {1000, 1000 + 4000 * i, 100'000 - 4000 * i});
        ASSERT_FALSE(session->closed()) << i;
    }
    after(limits::second, {1000, 110'000, 0});  // the ping has left
    for (uint64_t i = 1; i <= 4; ++i)
        after(limits::second, {1000, 110'000 + 10 * i, 0});  // what leaves after it excuses nothing
    EXPECT_FALSE(session->closed());
    after(limits::second, {1000, 120'000, 0});
    EXPECT_EQ(session->failure()->code(), ErrorCode::unreachable);
}

TEST_F(SessionTest, WhatArrivesSlowlyIsASignOfLife) {
    greet();
    said();
    session->sent(0);
    session->moved({1000, 1000, 0});
    session->prove();
    for (uint64_t i = 1; i <= 20; ++i) {
        scene.world.clock.boot_now += limits::second;
        session->moved({1000 + 4000 * i, 1020, 0});
        session->time_passed();
        ASSERT_FALSE(session->closed()) << i;
    }
    scene.world.clock.boot_now += limits::heartbeat_answer;
    session->time_passed();
    EXPECT_TRUE(session->closed());
}

TEST_F(SessionTest, LongMessagesTravelInFragments) {
    scene.run("INSERT INTO t VALUES ('mine', randomblob(3000000))");
    greet();
    std::string joined;
    bool whole = false;
    int sent = 0;
    while (!whole && sent < 100) {
        for (const std::string& message : session->take_messages()) {
            const auto fragment = wire::read_fragment(message);
            if (!fragment) continue;
            EXPECT_LE(message.size(), limits::transport_bytes_max);
            joined += fragment->bytes;
            whole = fragment->last;
            ++sent;
        }
        session->sent(0);
    }
    EXPECT_EQ(sent, 6);
    EXPECT_TRUE(std::get<wire::PushPart>(wire::decode(joined, limits::message_bytes_max)).last);

    const Value big = scene.app.query_text("SELECT hex(randomblob(600000))");
    auto parts = scene.to(1).row("t", {"theirs", big}).take_parts();
    ASSERT_TRUE(wire::needs_fragments(parts[0]));
    wire::Fragmenter fragments;
    fragments.add(parts[0]);
    while (!fragments.done()) {
        session->received(fragments.next());
        hear(wire::VerdictNotice{scene.verdict(1, 1)});
    }
    hear(scene.to(1).end);
    EXPECT_EQ(scene.count("t WHERE id = 'theirs' AND length(a) = 1200000"), 1);
    EXPECT_FALSE(session->closed());
}

}  // namespace
}  // namespace tombolo::device
