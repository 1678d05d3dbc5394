#include "model/text_edit.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

#include "base/bytes.h"
#include "base/coding.h"
#include "base/limits.h"
#include "model/text_cache.h"

namespace tombolo {
namespace {

std::string any_text(int letters) {
    std::string text;
    for (int i = *rc::gen::inRange(0, letters); i > 0; --i)
        text += *rc::gen::element<std::string>("a", "b", " ", "\n", "\u00e9", "\u20ac", "\U0001F44D");
    return text;
}

struct Edited {
    std::string base, value, edit;
    size_t runs = 0;
};

Edited any_edited() {
    Edited made;
    std::vector<std::string> pieces;  // kept, removed, added, kept, …
    const int runs = *rc::gen::inRange(0, 5);
    for (int i = 0; i < runs; ++i) {
        pieces.push_back((i == 0 ? "" : "k") + any_text(6));
        pieces.push_back(any_text(4));
        pieces.push_back(any_text(4));
        if (pieces[pieces.size() - 1].empty() && pieces[pieces.size() - 2].empty()) pieces.back() = "x";
    }
    std::vector<TextRun> list;
    for (size_t i = 0; i < pieces.size(); i += 3) {
        made.base += pieces[i] + pieces[i + 1];
        made.value += pieces[i] + pieces[i + 2];
        list.push_back({pieces[i].size(), pieces[i + 1], pieces[i + 2]});
    }
    const std::string tail = any_text(6);
    made.base += tail;
    made.value += tail;
    made.edit = encode_edit(made.base, list);
    made.runs = list.size();
    return made;
}

TEST(TextEdit, MakesTheValueOfTheBaseAndTheBaseOfTheValue) {
    ASSERT_TRUE(rc::check([] {
        const Edited one = any_edited();
        RC_ASSERT(is_edit(one.edit));
        RC_ASSERT(base_of_edit(one.edit) == digest_text(one.base));
        RC_ASSERT(apply_edit(one.edit, one.base) == one.value);
        RC_ASSERT(undo_edit(one.edit, one.value) == one.base);
    }));
}

TEST(TextEdit, CutInsideARunItIsNoEdit) {
    ASSERT_TRUE(rc::check([] {
        const Edited one = any_edited();
        size_t edits = 0;
        for (size_t size = 0; size < one.edit.size(); ++size)
            edits += is_edit(one.edit.substr(0, size)) ? 1 : 0;
        RC_ASSERT(edits == one.runs);
    }));
}

TEST(TextEdit, OfAnotherTextIsNotUndone) {
    ASSERT_TRUE(rc::check([] {
        const Edited one = any_edited();
        const std::string other = any_text(12);
        if (other != one.value) RC_ASSERT(!undo_edit(one.edit, other) || undo_edit(one.edit, other) != one.base);
        if (other.size() != one.base.size()) RC_ASSERT(!apply_edit(one.edit, other));
    }));
}

// Whatever comes: refused, or within the limits.
TEST(TextEdit, AnyBytesAreSafe) {
    ASSERT_TRUE(rc::check([] {
        Edited one = any_edited();
        std::string& edit = one.edit;
        const auto at = *rc::gen::inRange<size_t>(0, edit.size());
        edit[at] = *rc::gen::arbitrary<char>();
        if (!is_edit(edit)) return;
        const auto value = apply_edit(edit, one.base);
        if (value) RC_ASSERT(is_valid_utf8(*value));
        undo_edit(edit, one.value);
    }));
}

std::string edit_of(size_t base_size, const std::vector<TextRun>& runs) {
    std::string edit(16, 'd');
    put_varint(edit, base_size);
    for (const TextRun& run : runs) {
        put_varint(edit, run.kept);
        put_bytes(edit, run.removed);
        put_bytes(edit, run.added);
    }
    return edit;
}

TEST(TextEdit, RunsStayWithinTheBaseAndTheLimits) {
    EXPECT_TRUE(is_edit(edit_of(3, {{3, "", "x"}})));
    EXPECT_TRUE(is_edit(edit_of(3, {})));
    EXPECT_FALSE(is_edit(edit_of(3, {{4, "", "x"}}))) << "kept beyond the end";
    EXPECT_FALSE(is_edit(edit_of(3, {{2, "ab", "x"}}))) << "removed beyond the end";
    EXPECT_FALSE(is_edit(edit_of(3, {{1, "", ""}}))) << "a run that does nothing";
    EXPECT_FALSE(is_edit(edit_of(3, {{1, "a", "b"}, {0, "a", "b"}}))) << "two runs that are one";
    EXPECT_FALSE(is_edit(edit_of(3, {{0, "", "\xA9"}}))) << "half a code point";
    EXPECT_FALSE(is_edit(edit_of(uint64_t{1} << 60, {}))) << "a base over the limit";
    EXPECT_FALSE(is_edit(edit_of(limits::value_bytes_max, {{0, "", "x"}}))) << "a value over the limit";
    EXPECT_FALSE(is_edit(edit_of(3, {{UINT64_MAX, "", "x"}})));
    EXPECT_FALSE(is_edit(std::string(16, 'd')));
}

TEST(TextEdit, NeverFallsInsideACodePoint) {
    const std::string base = "a\u00e9b";
    EXPECT_TRUE(apply_edit(edit_of(4, {{3, "", "x"}}), base));
    EXPECT_FALSE(apply_edit(edit_of(4, {{2, "", "x"}}), base));
    EXPECT_FALSE(apply_edit(edit_of(4, {{1, "x", "y"}}), base)) << "removes what is not there";
}

TEST(TextDigest, TellsTextsApart) {
    std::set<TextDigest> digests;
    std::string text(64, '\0');
    digests.insert(digest_text(text));
    for (size_t size = 0; size < 64; ++size)
        digests.insert(digest_text(text.substr(0, size)));
    for (size_t i = 0; i < 64; ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string other = text;
            other[i] = static_cast<char>(1 << bit);
            digests.insert(digest_text(other));
        }
    }
    EXPECT_EQ(digests.size(), 1U + 64U + 64U * 8U);
    EXPECT_EQ(to_hex(digest_text("Tombolo").view()), "3a5050b81b4690e764bde61c98e67d96") << "it is persisted and sent";
}

TEST(TextCache, KeepsTheTextsUsedLast) {
    TextCache cache(10);
    const auto put = [&](const std::string& text) { cache.put(digest_text(text), text); };
    const auto has = [&](const std::string& text) { return cache.find(digest_text(text)) != nullptr; };
    put("aaaa");
    put("bbbb");
    EXPECT_TRUE(has("aaaa"));
    put("cccc");
    EXPECT_TRUE(has("aaaa"));
    EXPECT_FALSE(has("bbbb")) << "the one not used for longest went";
    put("more than ten bytes");
    EXPECT_FALSE(has("more than ten bytes"));
    EXPECT_TRUE(has("cccc"));
    EXPECT_EQ(cache.bytes(), 8U);
}

}  // namespace
}  // namespace tombolo
