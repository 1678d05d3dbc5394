// Text edits at the hub: made whole from what it has, or asked for.
#include <gtest/gtest.h>

#include "hub/hub_scene_test.h"
#include "merge/edit_text.h"

namespace tombolo::hub {
namespace {

const std::string base_text = "the first line of the text\nthe second line of the text\nthe third line of the text\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) { return text.replace(text.find(from), from.size(), to); }

const std::string text_of_b = replaced(base_text, "first", "1st");

struct EditScene : Scene {
    explicit EditScene(HubOptions options = {}) : Scene(std::move(options)) {
        std::vector<Table> tables = store().schema().tables;
        tables[0].columns[1].policy = ColumnPolicy::text;
        store().set_policies(tables);
        a().connect();
        b().connect();
        settle();
        a().begin();
        a().insert("x", base_text);
        a().push_last();
        settle();
    }
    TestDevice& a() { return device(1); }
    TestDevice& b() { return device(2); }

    // The newest transaction of `author`: row x becomes `value`; `base` is what he saw.
    void edit(TestDevice& author, const std::string& base, const std::string& value) {
        TestTransaction& transaction = author.begin();
        const std::string key = TestDevice::key("x");
        transaction.changes.push_back({ChangeKind::update, key, {"x", base, nullptr, nullptr}, {"x", value, nullptr, nullptr}});
        push_edit(author, transaction);
    }
    void push_edit(TestDevice& author, const TestTransaction& transaction) {
        wire::PushPart part{transaction.header.number, true, true, transaction.header, {}};
        const TestChange& change = transaction.changes[0];
        const std::optional<std::string> text_edit = merge::edit_text(change.base[1].bytes(), change.values[1].bytes());
        wire::ChangeWriter writer;
        writer.add({&table(), ChangeKind::update, false, change.key, {{1, {}, {}, text_edit.value()}}});
        part.rows = writer.take();
        author.send(part);
    }
    std::string stored() { return std::string(hub_rows().at(TestDevice::key("x"))[1].bytes()); }
};

HubOptions forgetful() {
    HubOptions options;
    options.text_cache_bytes = 0;
    return options;
}

TEST(Edits, ApplyWhereTheStoredTextIsTheirBase) {
    EditScene scene(forgetful());
    scene.edit(scene.b(), base_text, text_of_b);
    scene.settle();
    EXPECT_EQ(scene.stored(), text_of_b);
    EXPECT_EQ(scene.b().verdict(1)->kind, VerdictKind::accepted);
    EXPECT_TRUE(scene.b().base_requests.empty());
}

// B has edited offline, twice, what A has edited since.
struct Concurrent : EditScene {
    explicit Concurrent(HubOptions options = forgetful()) : EditScene(std::move(options)) {
        b().cut();
        edit(a(), base_text, text_of_a);
        settle();
        b().connect();
        edit(b(), base_text, text_of_b);
        edit(b(), text_of_b, second_of_b);
        settle();
    }
    const std::string text_of_a = replaced(base_text, "third", "3rd");
    const std::string second_of_b = replaced(text_of_b, "second", "2nd");
    const std::string all = replaced(second_of_b, "third", "3rd");
};

TEST(Edits, TheHubAsksForABaseThatItDoesNotHave) {
    Concurrent scene;
    TestDevice& b = scene.b();
    ASSERT_EQ(b.base_requests.size(), 1U);
    EXPECT_EQ(b.base_requests[0], (wire::BaseRequest{{1}, {digest_text(base_text)}}));
    EXPECT_EQ(scene.stored(), scene.text_of_a);
    EXPECT_TRUE(b.covered.empty());

    // Nobody else waits.
    scene.a().begin();
    scene.a().insert("y", "another row");
    scene.a().push_last();
    scene.settle();
    EXPECT_NE(scene.a().verdict(3), nullptr);

    b.send(wire::BaseText{{1}, base_text});
    scene.settle();
    EXPECT_EQ(b.verdict(1)->kind, VerdictKind::merged);
    EXPECT_EQ(b.verdict(2), nullptr) << "what came behind it was forgotten";
    scene.push_edit(b, b.pending.front());
    scene.settle();
    ASSERT_EQ(b.base_requests.size(), 2U) << "a hub that keeps no texts asks again";
    b.send(wire::BaseText{{2}, text_of_b});
    scene.settle();
    EXPECT_EQ(b.verdict(2)->kind, VerdictKind::merged);
    EXPECT_EQ(scene.stored(), scene.all);
    EXPECT_EQ(b.rows, scene.a().rows);
}

TEST(Edits, TextsUsedLastNeedNotBeAskedFor) {
    Concurrent scene((HubOptions()));
    EXPECT_TRUE(scene.b().base_requests.empty());
    EXPECT_EQ(scene.b().verdict(2)->kind, VerdictKind::merged);
    EXPECT_EQ(scene.stored(), scene.all);
}

TEST(Edits, WhoIsCutBeforeItAnswersIsAskedAgain) {
    Concurrent scene;
    TestDevice& b = scene.b();
    b.cut();
    scene.settle();
    EXPECT_FALSE(scene.hub.wants_commit());
    b.connect();
    scene.settle();
    EXPECT_EQ(b.welcome->last_number.value, 0U);
    scene.push_edit(b, b.pending[0]);
    scene.push_edit(b, b.pending[1]);
    scene.settle();
    ASSERT_EQ(b.base_requests.size(), 2U);
    EXPECT_EQ(b.base_requests[0], b.base_requests[1]);
    b.send(wire::BaseText{{1}, base_text});
    scene.settle();
    EXPECT_EQ(b.verdict(1)->kind, VerdictKind::merged);
}

// The old connection's end was not noticed; the transaction was queued on it, and is asked for on the new one.
TEST(Edits, AskedOnTheConnectionThatTheDeviceHasNow) {
    Concurrent scene;
    TestDevice& b = scene.b();
    b.connect();
    scene.push_edit(b, b.pending[0]);
    scene.settle();
    ASSERT_EQ(b.base_requests.size(), 2U);
    b.send(wire::BaseText{{1}, base_text});
    scene.settle();
    EXPECT_EQ(b.verdict(1)->kind, VerdictKind::merged);
    EXPECT_FALSE(b.refuse);
}

TEST(Edits, QueuedBeforeACutAndAskedAfterIt) {
    EditScene scene(forgetful());
    scene.edit(scene.a(), base_text, replaced(base_text, "third", "3rd"));
    scene.edit(scene.b(), base_text, text_of_b);  // both in the queue
    scene.b().cut();
    scene.b().connect();
    scene.settle();
    ASSERT_EQ(scene.b().base_requests.size(), 1U) << "though it has sent nothing on this connection";
    scene.b().send(wire::BaseText{{1}, base_text});
    scene.settle();
    EXPECT_EQ(scene.b().verdict(1)->kind, VerdictKind::merged);
}

TEST(Edits, AWrongAnswerEndsTheConnection) {
    for (const wire::BaseText& wrong : {wire::BaseText{{1}, base_text + "x"}, wire::BaseText{{2}, base_text}}) {
        Concurrent scene;
        scene.b().send(wrong);
        scene.settle();
        ASSERT_TRUE(scene.b().refuse);
        EXPECT_EQ(scene.b().refuse->code, "protocol");
        EXPECT_EQ(scene.stored(), scene.text_of_a);
    }
    EditScene scene;
    scene.b().send(wire::BaseText{{1}, base_text});
    scene.settle();
    EXPECT_EQ(scene.b().refuse.value().code, "protocol") << "nothing was asked";
}

TEST(Edits, ARetryOfADecidedOneNeedsNoBase) {
    EditScene scene(forgetful());
    scene.edit(scene.b(), base_text, text_of_b);
    const TestTransaction sent = scene.b().pending.back();
    scene.settle();
    scene.edit(scene.a(), text_of_b, replaced(text_of_b, "third", "3rd"));
    scene.settle();
    const Image before = scene.hub_rows();
    scene.push_edit(scene.b(), sent);
    scene.settle();
    EXPECT_TRUE(scene.b().base_requests.empty());
    EXPECT_FALSE(scene.b().refuse);
    EXPECT_EQ(scene.hub_rows(), before);
}

TEST(Edits, AMalformedEditIsRejectedAlone) {
    EditScene scene(forgetful());
    TestDevice& b = scene.b();
    TestTransaction& transaction = b.begin();
    const std::string key = TestDevice::key("x");
    const std::string edit = encode_edit(base_text, {{0, "not what is there", "y"}});
    wire::ChangeWriter writer;
    writer.add({&scene.table(), ChangeKind::update, false, key, {{1, {}, {}, edit}}});
    b.send(wire::PushPart{transaction.header.number, true, true, transaction.header, writer.take()});
    scene.settle();
    EXPECT_EQ(b.verdict(1)->kind, VerdictKind::rejected);
    EXPECT_EQ(scene.stored(), base_text);
}

// Small edits of large texts: a transaction is as large as what it stands for.
TEST(Edits, ManyEditsOfALargeTextAreTooLarge) {
    EditScene scene(forgetful());
    TestDevice& b = scene.b();
    TestTransaction& transaction = b.begin();
    std::string edit(16, 'd');
    put_varint(edit, limits::value_bytes_max);
    wire::ChangeWriter writer;
    const std::string key = TestDevice::key("x");
    for (int i = 0; i < 9; ++i)
        writer.add({&scene.table(), ChangeKind::update, false, key, {{1, {}, {}, edit}}});
    b.send(wire::PushPart{transaction.header.number, true, true, transaction.header, writer.take()});
    scene.settle();
    EXPECT_EQ(b.verdict(1)->code, RejectCode::too_large);
    EXPECT_TRUE(b.base_requests.empty());
}

}  // namespace
}  // namespace tombolo::hub
