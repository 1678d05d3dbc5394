// Text edits in the outbox: small, never changed, and whole again at any time.
#include "device/text_bases.h"

#include <gtest/gtest.h>

#include "device/replica_scene_test.h"

namespace tombolo::device {
namespace {

using testing::Checkpoint;
using testing::ReplicaScene;
using testing::schema_of;

std::string long_text(int lines) {
    std::string text;
    for (int i = 0; i < lines; ++i)
        text += "line " + std::to_string(i) + " of the text\n";
    return text;
}

const std::string base = long_text(100);

std::string replaced(std::string text, const std::string& from, const std::string& to) { return text.replace(text.find(from), from.size(), to); }

Schema texts_schema() {
    Schema schema = schema_of({"CREATE TABLE t(id TEXT PRIMARY KEY, body TEXT, u UNIQUE)"});
    schema.tables[0].columns[1].policy = ColumnPolicy::text;
    return schema;
}

struct TextBasesTest : ::testing::Test {
    TextBasesTest() { scene.apply(scene.to(1).row("t", {"x", base, nullptr})); }

    void edit(const std::string& from, const std::string& to) {
        scene.app.prepare("UPDATE t SET body = replace(body, ?1, ?2) WHERE id = 'x'").with(from, to).run();
        scene.freeze();
    }
    // "base > value" of the one change of a transaction.
    std::pair<std::string, std::string> whole(uint64_t number) {
        const auto changes = scene.replica->outbox().changes({number});
        const ChangeView* change = changes->next();
        return {std::string(change->cells[0].base.bytes()), std::string(change->cells[0].value.bytes())};
    }
    std::string part(uint64_t number) { return scene.replica->outbox().part({number}, 0).value(); }
    std::string body() { return std::string(scene.app.query_text("SELECT body FROM t WHERE id = 'x'")); }
    int64_t kept() { return scene.count("tombolo_base"); }

    ReplicaScene scene{texts_schema()};
    const std::string one = replaced(base, "line 10 ", "LINE TEN ");
    const std::string two = replaced(one, "line 20 ", "LINE TWENTY ");
    const std::string three = replaced(two, "line 30 ", "LINE THIRTY ");
    const std::string theirs = replaced(base, "line 80 ", "THEIR LINE ");
};

TEST_F(TextBasesTest, AnEditIsQueuedNotTheText) {
    edit("line 10 ", "LINE TEN ");
    EXPECT_LT(part(1).size(), 100U);
    EXPECT_EQ(whole(1), std::pair(base, one));
    EXPECT_EQ(kept(), 0);
    scene.apply(scene.accepting(2, {1}));
    EXPECT_EQ(body(), one);
    EXPECT_EQ(kept() + scene.count("tombolo_part"), 0);
}

TEST_F(TextBasesTest, TheRowTellsUntilACheckpointWritesIt) {
    edit("line 10 ", "LINE TEN ");
    edit("line 20 ", "LINE TWENTY ");
    scene.run("DELETE FROM t");
    scene.freeze();
    scene.run("INSERT INTO t VALUES ('x', 'anew', 1)");
    scene.freeze();
    EXPECT_EQ(whole(1), std::pair(base, one));
    EXPECT_EQ(whole(2), std::pair(one, two));
    EXPECT_EQ(kept(), 0);
}

TEST_F(TextBasesTest, ACheckpointThatWritesTheRowKeepsTheBaseUntilTheEditIsDecided) {
    edit("line 10 ", "LINE TEN ");
    edit("line 20 ", "LINE TWENTY ");
    const std::string sent = part(1);
    scene.apply(scene.to(2).row("t", {"x", theirs, nullptr}));
    EXPECT_EQ(body(), replaced(two, "line 80 ", "THEIR LINE "));
    EXPECT_EQ(kept(), 1) << "the second one's base is what the first one makes";
    EXPECT_EQ(part(1), sent);
    scene.restart();
    EXPECT_EQ(whole(2), std::pair(one, two));
    EXPECT_EQ(whole(1), std::pair(base, one));

    // One that is made of the merged text, which is nobody's value.
    const std::string merged = body();
    edit("line 30 ", "LINE THIRTY ");
    EXPECT_EQ(whole(3), std::pair(merged, replaced(merged, "line 30 ", "LINE THIRTY ")));
    EXPECT_EQ(kept(), 1);
    const std::string later = replaced(theirs, "line 90 ", "THEIR OTHER LINE ");
    scene.apply(scene.to(3).row("t", {"x", later, nullptr}));
    EXPECT_EQ(kept(), 2);
    scene.restart();
    EXPECT_EQ(whole(3).first, merged);
    EXPECT_EQ(body(), replaced(replaced(three, "line 80 ", "THEIR LINE "), "line 90 ", "THEIR OTHER LINE "));

    // The first leaves: what it made must be known without it.
    scene.apply(scene.accepting(4, {1}).row("t", {"x", replaced(later, "line 10 ", "LINE TEN "), nullptr}));
    scene.restart();
    EXPECT_EQ(whole(2), std::pair(one, two));
    scene.apply(scene.accepting(5, {2, 3}).row("t", {"x", body(), nullptr}));
    EXPECT_EQ(kept() + scene.count("tombolo_under") + scene.count("tombolo_part"), 0);
}

TEST_F(TextBasesTest, ARejectedEditKeepsItsBaseAndNobodyHangsOnIt) {
    scene.app.prepare("UPDATE t SET body = replace(body, 'line 10 ', 'LINE TEN '), u = 1 WHERE id = 'x'").run();
    scene.freeze();
    edit("line 20 ", "LINE TWENTY ");
    scene.apply(scene.rejecting(2, 1));
    EXPECT_EQ(body(), replaced(base, "line 20 ", "LINE TWENTY "));
    EXPECT_EQ(kept(), 2);
    scene.restart();
    EXPECT_EQ(whole(1), std::pair(base, one));
    scene.replica->outbox().remove({1});
    scene.restart();
    EXPECT_EQ(whole(2), std::pair(one, two));
}

TEST_F(TextBasesTest, AWholeImageKeepsBasesToo) {
    edit("line 10 ", "LINE TEN ");
    edit("line 20 ", "LINE TWENTY ");
    scene.apply(scene.to(9).rebuild().row("t", {"x", theirs, nullptr}));
    EXPECT_EQ(body(), replaced(two, "line 80 ", "THEIR LINE "));
    scene.restart();
    EXPECT_EQ(whole(1), std::pair(base, one));
    EXPECT_EQ(whole(2), std::pair(one, two));
    EXPECT_EQ(kept(), 1);
}

TEST_F(TextBasesTest, TheTextOfADigestIsFoundForTheHub) {
    edit("line 10 ", "LINE TEN ");
    edit("line 20 ", "LINE TWENTY ");
    scene.run("UPDATE t SET body = 'not frozen yet'");
    EXPECT_EQ(scene.replica->base_of_edit(digest_text(base)), base);
    EXPECT_EQ(scene.replica->base_of_edit(digest_text(one)), one);
    EXPECT_THROW(scene.replica->base_of_edit(digest_text("another")), Error);
}

TEST_F(TextBasesTest, AFileThatWasTamperedWithIsAnErrorNotAnotherText) {
    edit("line 10 ", "LINE TEN ");
    scene.replica->db().execute("UPDATE t SET body = 'changed behind our back'");
    try {
        whole(1);
        FAIL() << "a text came of it";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::corrupt);
    }
}

// Texts in columns of other policies, and values that are no text, stay whole.
TEST_F(TextBasesTest, OnlyTextsThatMergeBecomeEdits) {
    scene.run("UPDATE t SET body = NULL");
    scene.freeze();
    scene.run("UPDATE t SET body = 'short', u = 'value'");
    scene.freeze();
    EXPECT_GT(part(1).size(), base.size());
    const auto changes = scene.replica->outbox().frozen_changes({2});
    for (const CellView& cell : changes->next()->cells)
        EXPECT_TRUE(cell.edit.empty());
}

}  // namespace
}  // namespace tombolo::device
