#include "hub/hub.h"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "hub/hub_scene_test.h"

namespace tombolo::hub {
namespace {

// A device that is connected and has everything.
TestDevice& ready(Scene& scene, uint8_t name) {
    TestDevice& device = scene.device(name);
    device.connect();
    scene.settle();
    return device;
}

// --- greeting ---

TEST(Conversation, WelcomesWithSchemaAndNumbers) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    ASSERT_TRUE(a.welcome);
    EXPECT_EQ(a.welcome->site_number, SiteNumber{1});
    ASSERT_TRUE(a.welcome->schema);
    EXPECT_EQ(a.welcome->schema->tables[0].name, "t");
    EXPECT_EQ(a.welcome->space_id.size(), 32U);
    EXPECT_FALSE(a.welcome->rebuild);
    EXPECT_EQ(ready(scene, 2).welcome->site_number, SiteNumber{2});
}

TEST(Conversation, SchemaOnlyGetsNoNumberAndNoRows) {
    Scene scene;
    TestDevice& a = scene.device(1);
    a.connect(true);
    scene.settle();
    ASSERT_TRUE(a.welcome);
    EXPECT_TRUE(a.welcome->schema);
    EXPECT_EQ(a.welcome->site_number.value, 0U);
    a.send(wire::Ping{1});
    scene.settle();
    ASSERT_TRUE(a.refuse);
    EXPECT_EQ(a.refuse->code, "protocol");
}

TEST(Conversation, RefusesStrangersWithAReason) {
    Scene scene;
    TestDevice& a = scene.device(1);
    a.peer = scene.hub.open("nowhere");
    wire::Hello hello;
    hello.protocol = wire::protocol_version;
    hello.space = "nowhere";
    hello.site = a.site;
    a.send(hello);
    scene.settle();
    ASSERT_TRUE(a.refuse);
    EXPECT_EQ(a.refuse->code, to_string(ErrorCode::wrong_hub));
    EXPECT_FALSE(a.connected());
    EXPECT_EQ(scene.hub.peers(), 0U);

    a.peer = scene.hub.open("main");
    a.refuse.reset();
    a.send(wire::Ping{7});
    scene.settle();
    ASSERT_TRUE(a.refuse);
    EXPECT_EQ(a.refuse->code, "protocol");

    a.peer = scene.hub.open("main");
    a.refuse.reset();
    scene.hub.receive(a.peer, "GET / HTTP/1.1");
    scene.settle();
    EXPECT_TRUE(a.refuse);
}

TEST(Conversation, ClosesWhoSaysNothing) {
    Scene scene;
    TestDevice& silent = scene.device(1);
    silent.peer = scene.hub.open("main");
    TestDevice& b = ready(scene, 2);
    scene.clock.now += limits::handshake_timeout;
    EXPECT_LE(scene.hub.next_deadline(), scene.clock.now);
    scene.hub.on_time();
    scene.settle();
    EXPECT_FALSE(silent.connected());
    EXPECT_TRUE(b.connected());
    scene.clock.now += 10 * limits::heartbeat_idle;
    scene.hub.on_time();
    scene.settle();
    EXPECT_FALSE(b.connected());
}

TEST(Conversation, AnswersPings) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    a.send(wire::Ping{42});
    scene.settle();
    EXPECT_EQ(a.pongs, 42U);
}

TEST(Conversation, ANewConnectionReplacesTheOldOneOfTheSameDevice) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    const PeerId old = a.peer;
    a.connect();
    EXPECT_NE(a.peer, old);
    scene.settle();
    EXPECT_TRUE(a.connected());
    EXPECT_EQ(scene.hub.peers(), 1U);
}

TEST(Conversation, NoticesCopies) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    a.begin();
    a.insert("x", 1);
    a.push_last();
    scene.settle();
    a.cut();
    const TransactionId id = a.last_id;
    a.last_id.bytes[0] ^= 1;
    a.connect();
    scene.settle();
    ASSERT_TRUE(a.refuse);
    EXPECT_EQ(a.refuse->code, to_string(ErrorCode::diverged_copy));
    a.last_id = {};
    a.last_number = 0;
    a.connect();
    scene.settle();
    EXPECT_TRUE(a.refuse);
    a.last_id = id;
    a.last_number = 1;
    a.connect();
    scene.settle();
    EXPECT_FALSE(a.refuse);
}

// --- pushing ---

TEST(Push, OneWriteReachesTheOtherDevice) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    TestDevice& b = ready(scene, 2);
    a.begin();
    a.insert("x", 1, "two");
    a.push_last();
    EXPECT_TRUE(scene.hub.wants_commit());
    EXPECT_TRUE(a.notices.empty()) << "nothing is answered before it is durable";
    scene.settle();
    ASSERT_EQ(a.notices.size(), 1U);
    EXPECT_EQ(a.notices[0].kind, VerdictKind::accepted);
    EXPECT_EQ(a.notices[0].seq, Seq{1});
    EXPECT_EQ(a.rows, b.rows);
    EXPECT_EQ(b.rows, scene.hub_rows());
    EXPECT_EQ(a.rows_received, 0U) << "the author is spared his own row";
    EXPECT_EQ(b.rows_received, 1U);
    EXPECT_TRUE(a.pending.empty());
    EXPECT_EQ(a.cursor.seq, Seq{1});
}

TEST(Push, ARepeatedTransactionHasOneEffect) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    a.begin();
    a.insert("x", 1);
    const TestTransaction transaction = a.pending.back();
    a.push(transaction);
    a.push(transaction);  // before the commit
    scene.commit();
    a.push(transaction);  // after it, before its checkpoint is applied
    EXPECT_FALSE(scene.hub.wants_commit());
    scene.settle();
    EXPECT_EQ(scene.store().state().head, Seq{1});
    EXPECT_EQ(a.notices.size(), 2U) << "the same verdict twice";
    EXPECT_EQ(a.notices[0], a.notices[1]);
    a.begin();
    a.insert("y", 1);
    a.push_last();
    scene.settle();
    a.push(transaction);  // long after
    scene.settle();
    EXPECT_EQ(scene.store().state().head, Seq{2});
    EXPECT_TRUE(a.connected());
}

TEST(Push, AnotherTransactionUnderTheSameNumberIsACopy) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    a.begin();
    a.insert("x", 1);
    TestTransaction transaction = a.pending.back();
    a.push(transaction);
    transaction.header.id.bytes[3] ^= 1;
    a.push(transaction);
    scene.settle();
    ASSERT_TRUE(a.refuse);
    EXPECT_EQ(a.refuse->code, to_string(ErrorCode::diverged_copy));
    EXPECT_EQ(scene.store().state().head, Seq{1});
}

TEST(Push, NumbersComeInOrder) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    a.begin();
    a.insert("x", 1);
    a.begin();
    a.insert("y", 1);
    a.push_last();
    scene.settle();
    ASSERT_TRUE(a.refuse);
    EXPECT_EQ(a.refuse->code, "protocol");
    EXPECT_EQ(scene.store().state().head, Seq{0});
}

TEST(Push, ACutTransactionLeavesNothingAndComesAgain) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    a.begin();
    for (int i = 0; i < 10; ++i)
        a.insert("x" + std::to_string(i), std::string(300000, 'x'));
    wire::PushPart part;
    part.number = {1};
    part.first = true;
    part.header = a.pending.back().header;
    a.send(part);
    a.cut();
    EXPECT_FALSE(scene.hub.wants_commit());
    a.connect();
    scene.settle();
    EXPECT_EQ(a.welcome->last_number.value, 0U);
    a.push(a.pending.back(), 1);  // over spool_bytes_min, in many parts
    scene.settle();
    EXPECT_EQ(scene.hub_rows().size(), 10U);
    EXPECT_EQ(a.rows, scene.hub_rows());
}

TEST(Push, QueuedBeforeACutIsDecidedOnce) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    a.begin();
    a.insert("x", 1);
    a.push_last();
    a.cut();
    a.connect();
    scene.deliver();
    EXPECT_EQ(a.welcome->last_number.value, 0U) << "not durable yet";
    a.push_all();
    scene.settle();
    EXPECT_EQ(a.notices.size(), 1U);
    EXPECT_TRUE(a.pending.empty());
    EXPECT_EQ(scene.store().state().head, Seq{1});
}

// --- verdicts ---

TEST(Commit, RejectionsNameTheirReasonAndTakeASeq) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    TestDevice& b = ready(scene, 2);
    a.begin();
    a.insert("x", 1, nullptr, "same");
    a.push_last();
    scene.commit();
    b.begin();
    b.insert("y", 1, nullptr, "same");
    b.push_last();
    scene.settle();
    ASSERT_TRUE(b.verdict(1));
    EXPECT_EQ(b.verdict(1)->kind, VerdictKind::rejected);
    EXPECT_EQ(b.verdict(1)->code, RejectCode::unique);
    EXPECT_EQ(b.verdict(1)->seq, Seq{2});
    EXPECT_EQ(a.rows, b.rows);
    EXPECT_EQ(a.cursor, b.cursor) << "a rejection is a step for everybody";
    b.begin();
    b.insert("y", "forbidden");
    b.push_last();
    scene.settle();
    EXPECT_EQ(b.verdict(2)->code, RejectCode::check);
}

TEST(Commit, WhatDependsOnARejectionIsRejectedEvenLater) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    TestDevice& b = ready(scene, 2);
    a.begin();
    a.insert("x", 1);
    a.push_last();
    scene.commit();
    b.begin();
    b.insert("x", 2);
    b.push_last();
    b.begin();
    b.update("x", 1, 3);
    b.pending.back().header.depends = {{1}};
    b.push_last();
    scene.settle();
    EXPECT_EQ(b.verdict(1)->code, RejectCode::primary_key);
    EXPECT_EQ(b.verdict(2)->code, RejectCode::depends);
    EXPECT_EQ(b.verdict(2)->depends_on, TransactionNumber{1});
    // Applied and forgotten by now, were it not a rejection.
    b.begin();
    b.insert("z", 1);
    b.pending.back().header.depends = {{1}};
    b.push_last();
    scene.settle();
    EXPECT_EQ(b.verdict(3)->code, RejectCode::depends);
    EXPECT_EQ(scene.hub_rows().size(), 1U);
    EXPECT_EQ(a.rows, scene.hub_rows());
    EXPECT_EQ(b.rows, scene.hub_rows());
}

TEST(Commit, UniqueValuesSwapInOneTransaction) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    a.begin();
    a.insert("x", 1, nullptr, "one");
    a.insert("y", 1, nullptr, "two");
    a.push_last();
    scene.settle();
    a.begin();
    a.update("x", 3, "two");
    a.update("y", 3, "one");
    a.push_last();
    scene.settle();
    EXPECT_EQ(a.verdict(2)->kind, VerdictKind::accepted) << a.verdict(2)->reason;
    EXPECT_EQ(a.rows, scene.hub_rows());
}

TEST(Commit, NonsenseInOneTransactionHarmsNoOther) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    TestDevice& b = ready(scene, 2);
    a.begin();
    wire::PushPart part;
    part.number = {1};
    part.first = part.last = true;
    part.header = a.pending.back().header;
    part.rows = "\x05hello\x01";
    a.send(part);
    b.begin();
    b.insert("x", 1);
    b.push_last();
    scene.settle();
    EXPECT_EQ(a.verdict(1)->kind, VerdictKind::rejected);
    EXPECT_EQ(b.verdict(1)->kind, VerdictKind::accepted);
    EXPECT_TRUE(a.connected());
}

TEST(Commit, AnUpdateBringsADeletedRowBackWhole) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    TestDevice& b = ready(scene, 2);
    a.begin();
    a.insert("x", 1, "b");
    a.push_last();
    scene.settle();
    b.begin();
    b.update("x", 1, 2);
    a.begin();
    a.erase("x");
    a.push_last();
    scene.commit();
    b.push_last();
    scene.settle();
    EXPECT_EQ(scene.hub_rows().at(TestDevice::key("x")), (std::vector<Value>{"x", 2, "b", nullptr}));
    EXPECT_EQ(a.rows, scene.hub_rows());
    EXPECT_EQ(b.rows, scene.hub_rows());
}

// No file of this process may grow while one of these lives: what a full disk does.
class FullDisk {
public:
    FullDisk() {
        std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        rlimit none = before_;
        none.rlim_cur = 1;
        setrlimit(RLIMIT_FSIZE, &none);
    }
    ~FullDisk() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, SIG_DFL);
    }

private:
    rlimit before_{};
};

TEST(Commit, AFullDiskAnswersNothingAndLosesNothing) {
    std::string folder = testing::TempDir() + "/tombolo-hub-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    {
        Scene scene({}, folder + "/space.db");
        TestDevice& a = ready(scene, 1);
        TestDevice& b = ready(scene, 2);
        a.begin();
        a.insert("x", std::string(100000, 'x'));
        a.push_last();
        {
            const FullDisk full;
            scene.commit();
            scene.deliver();
        }
        EXPECT_TRUE(a.notices.empty());
        ASSERT_TRUE(a.refuse);
        EXPECT_GT(a.refuse->retry_after, 0);
        EXPECT_FALSE(a.connected());
        EXPECT_TRUE(b.connected()) << "who wrote nothing need not know";
        EXPECT_EQ(scene.store().state().head, Seq{0});
        a.connect();
        scene.settle();
        a.push_all();
        scene.settle();
        EXPECT_EQ(a.notices.size(), 1U);
        EXPECT_EQ(b.rows, scene.hub_rows());
        EXPECT_EQ(b.rows.size(), 1U);
    }
    std::filesystem::remove_all(folder);
}

// --- feeding ---

void fill(Scene& scene, TestDevice& author, int rows, size_t size) {
    author.begin();
    for (int i = 0; i < rows; ++i)
        author.insert("r" + std::to_string(i), std::string(size, static_cast<char>(' ' + i % 26)));
    author.push_last();
    scene.settle();
}

TEST(Feeding, LiveReadersShareOneEncodedCheckpoint) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    TestDevice& b = ready(scene, 2);
    TestDevice& c = ready(scene, 3);
    fill(scene, a, 1, 10);
    a.begin();
    a.update("r0", 1, 5);
    a.push_last();
    scene.deliver();
    scene.commit();
    std::vector<SharedMessage> parts;
    for (const Action& action : scene.hub.take_actions()) {
        if (action.peer == b.peer || action.peer == c.peer) parts.push_back(action.message);
    }
    ASSERT_EQ(parts.size(), 4U);
    EXPECT_EQ(parts[0], parts[2]);
    EXPECT_EQ(parts[1], parts[3]);
}

TEST(Feeding, ResumesAtEveryPartBoundaryWithTheSameResult) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    fill(scene, a, 60, 100000);
    for (size_t cut_after = 1; cut_after < 10; ++cut_after) {
        TestDevice& b = scene.device(static_cast<uint8_t>(10 + cut_after));
        b.connect();
        size_t parts = 0;
        bool cut = false;
        while (!cut) {
            const auto actions = scene.hub.take_actions();
            if (actions.empty()) scene.hub.room(b.peer, 0);
            for (const Action& action : actions) {
                if (action.peer != b.peer || cut) continue;
                const wire::Message message = wire::decode(*action.message, limits::message_bytes_max);
                b.receive(message);
                cut = std::holds_alternative<wire::CheckpointPart>(message) && ++parts == cut_after;
            }
        }
        b.cut();
        // The world goes on while the device is away.
        a.begin();
        a.update("r3", 2, static_cast<int>(cut_after));
        if (cut_after > 1) a.erase("r" + std::to_string(cut_after + 3));
        a.push_last();
        scene.settle();
        b.parts_received = 0;
        b.connect();
        scene.settle();
        EXPECT_TRUE(b.welcome->resumed);
        EXPECT_EQ(b.rows, scene.hub_rows()) << "cut after part " << cut_after;
        EXPECT_LE(b.parts_received, 21 - cut_after) << "what was spooled is not sent again";
        b.cut();
    }
}

TEST(Feeding, ASlowReaderCostsNoMemoryAndMissesNothing) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    TestDevice& slow = ready(scene, 2);
    fill(scene, a, 1, 10);
    size_t held = 0;
    std::vector<Action> unsent;
    for (int round = 0; round < 50; ++round) {
        a.begin();
        a.insert("big" + std::to_string(round), std::string(200000, static_cast<char>('a' + round % 26)) + std::to_string(round * 7919));
        a.push_last();
        scene.commit();
        for (Action& action : scene.hub.take_actions()) {
            if (action.peer == slow.peer) {
                held += action.message->size();
                unsent.push_back(action);
            } else if (action.peer == a.peer) {
                a.receive(wire::decode(*action.message, limits::message_bytes_max));
            }
        }
    }
    EXPECT_LT(held, limits::send_window_bytes + 2 * limits::part_bytes_target);
    for (const Action& action : unsent)
        slow.receive(wire::decode(*action.message, limits::message_bytes_max));
    scene.settle();
    EXPECT_EQ(slow.rows, scene.hub_rows());
}

TEST(Feeding, ADeviceOlderThanTheHorizonIsRebuilt) {
    HubOptions options;
    options.retention = 0;
    Scene scene(options);
    TestDevice& a = ready(scene, 1);
    TestDevice& b = ready(scene, 2);
    fill(scene, a, 3, 10);
    b.cut();
    a.begin();
    a.erase("r1");
    a.push_last();
    scene.settle();
    scene.clock.now += limits::second;
    scene.hub.on_time();
    EXPECT_EQ(scene.store().state().horizon, Seq{2});
    b.begin();
    b.insert("mine", 1);
    b.connect();
    scene.settle();
    EXPECT_TRUE(b.welcome->rebuild);
    EXPECT_EQ(b.rows, scene.hub_rows());
    b.push_all();
    scene.settle();
    EXPECT_EQ(b.rows, scene.hub_rows());
    EXPECT_EQ(a.rows, scene.hub_rows());
}

TEST(Feeding, ACursorOfAnotherEpochIsRebuilt) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    fill(scene, a, 3, 10);
    TestDevice& b = scene.device(2);
    b.cursor = {{12345}, {1}};
    b.rows[TestDevice::key("ghost")] = {"ghost", 1, 1, nullptr};
    b.connect();
    scene.settle();
    EXPECT_TRUE(b.welcome->rebuild);
    EXPECT_EQ(b.rows, scene.hub_rows());
}

// --- all together ---

std::string describe(const Image& image) {
    std::string text;
    for (const auto& [key, values] : image) {
        for (const Value& value : values)
            text += value.type() == ValueType::integer
                        ? std::to_string(value.as_integer()) + " "
                        : std::string(value.bytes().substr(value.bytes().size() > 20 ? value.bytes().size() - 12 : 0)) + " ";
        text += "\n";
    }
    return text;
}

// Devices write, push, are cut, and come back in whatever order a seed says; in the end everybody has the hub's rows.
class Storm {
public:
    explicit Storm(uint32_t seed) : random_(seed) {}

    void run() {
        for (uint8_t name = 1; name <= 3; ++name)
            scene_.device(name);
        for (int step = 0; step < 120; ++step)
            act(scene_.device(static_cast<uint8_t>(1 + below(3))));
        deliver_some(1000000);
        for (int round = 0; round < 3; ++round) {
            for (auto& [name, device] : scene_.devices) {
                if (!device->connected()) connect(*device);
                scene_.settle();
            }
        }
        const Image rows = scene_.hub_rows();
        for (auto& [name, device] : scene_.devices) {
            EXPECT_EQ(describe(device->rows), describe(rows)) << "device " << static_cast<int>(name);
            EXPECT_TRUE(device->pending.empty());
            EXPECT_EQ(device->covered.size(), device->last_number) << "one verdict for every transaction";
            EXPECT_EQ(device->cursor.seq, scene_.store().state().head);
        }
    }

private:
    uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

    void act(TestDevice& device) {
        scene_.clock.now += below(1000);
        switch (below(8)) {
            case 0: device.connected() ? device.cut() : connect(device); break;
            case 1:
                if (!device.connected()) connect(device);
                break;
            case 2: scene_.commit(); break;
            case 3: deliver_some(); break;
            case 4:
                if (device.connected()) scene_.hub.room(device.peer, 0);
                break;
            default: write(device); break;
        }
    }
    void connect(TestDevice& device) {
        deliver_some(1000000);
        device.connect();
        deliver_some(1000000);
        ASSERT_FALSE(device.refuse) << device.refuse->reason;
        device.push_all();
    }
    void deliver_some(size_t messages = 3) {
        for (Action& action : scene_.hub.take_actions())
            on_the_way_.push_back(std::move(action));
        while (messages-- > 0 && !on_the_way_.empty()) {
            const Action action = on_the_way_.front();
            on_the_way_.pop_front();
            for (auto& [name, device] : scene_.devices) {
                if (device->peer == action.peer && action.message) device->receive(wire::decode(*action.message, limits::message_bytes_max));
            }
        }
    }
    void write(TestDevice& device) {
        device.begin();
        const uint32_t changes = 1 + below(4);
        std::vector<std::string> named;
        for (uint32_t i = 0; i < changes; ++i)
            change(device, "k" + std::to_string(below(8)), named);
        depend(device);
        if (device.connected() && device.welcome) device.push_last();
    }
    void change(TestDevice& device, const std::string& id, std::vector<std::string>& named) {
        if (std::find(named.begin(), named.end(), id) != named.end()) return;
        named.push_back(id);
        const Image view = device.view();
        // Large values, so that checkpoints have several parts and are cut between them.
        const Value value = below(3) == 0 ? Value(std::string(150000, static_cast<char>('a' + below(26))) + std::to_string(random_()))
                                          : Value(static_cast<int>(below(1000)));
        if (!view.contains(TestDevice::key(id))) {
            device.insert(id, value, static_cast<int>(below(5)));
        } else if (below(4) == 0) {
            device.erase(id);
        } else {
            device.update(id, 1 + below(2), value);
        }
    }
    // On every pending transaction that names one of the same rows: more than a real device says, never less.
    static void depend(TestDevice& device) {
        TestTransaction& mine = device.pending.back();
        for (const TestTransaction& other : device.pending) {
            if (&other == &mine) break;
            const bool shared = std::any_of(other.changes.begin(), other.changes.end(), [&](const TestChange& theirs) {
                return std::any_of(mine.changes.begin(), mine.changes.end(), [&](const TestChange& ours) { return ours.key == theirs.key; });
            });
            if (shared) mine.header.depends.push_back(other.header.number);
        }
    }

    std::mt19937 random_;
    Scene scene_;
    std::deque<Action> on_the_way_;
};

TEST(Feeding, EverybodyEndsWithTheHubsRowsWhateverHappens) {
    for (uint32_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Storm(seed).run();
        if (testing::Test::HasFailure()) break;
    }
}

TEST(Metrics, CountWhatHappened) {
    Scene scene;
    TestDevice& a = ready(scene, 1);
    fill(scene, a, 1, 10);
    const std::string text = scene.hub.metrics_text();
    EXPECT_NE(text.find("tombolo_transactions_total{space=\"main\",verdict=\"accepted\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("tombolo_head{space=\"main\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("tombolo_peers{space=\"main\"} 1\n"), std::string::npos);
    EXPECT_EQ(health_json("ab\"1}"), "{\"tombolo\":1,\"nonce\":\"ab1\"}");
}

// Both ways, with other messages in between; and one that is over the limit ends its own connection.
TEST(Hub, LongMessagesTravelInFragments) {
    Scene scene;
    TestDevice& a = scene.device(1);
    TestDevice& b = scene.device(2);
    a.connect();
    b.connect();
    std::mt19937_64 generator(1);
    const auto noise = [&](size_t bytes) {
        std::string text(bytes, ' ');
        for (char& c : text)
            c = static_cast<char>('a' + generator() % 64);
        return text;
    };
    const std::string before = noise(3 << 20);
    const std::string after = noise(3 << 20);
    a.begin();
    a.insert("k", before, 1, 1);
    a.push_last();
    scene.settle();
    a.begin();
    a.update("k", 1, after);
    a.push_last();
    scene.hub.commit();
    b.send(wire::Ping{7});
    scene.settle();
    EXPECT_EQ(b.pongs, 7U);
    EXPECT_GT(b.fragments_received, 2 * (before.size() / 2 / limits::fragment_bytes_max));
    EXPECT_EQ(b.rows, scene.hub_rows());
    EXPECT_EQ(b.rows.begin()->second[1], Value(after));

    const std::string piece = std::string(1, '\xFE') + std::string(limits::fragment_bytes_max, 'x');
    for (size_t sent = 0; sent <= limits::message_bytes_max && a.connected(); sent += limits::fragment_bytes_max) {
        scene.hub.receive(a.peer, piece);
        scene.deliver();
    }
    ASSERT_TRUE(a.refuse);
    EXPECT_EQ(a.refuse->code, "too-large");
    EXPECT_TRUE(b.connected());
}

}  // namespace
}  // namespace tombolo::hub
