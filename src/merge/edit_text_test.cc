#include "merge/edit_text.h"

#include <gtest/gtest.h>

#include "merge/laws_test.h"
#include "merge/three_way.h"
#include "model/text_edit.h"

namespace tombolo::merge {
namespace {

using testing::holds;

std::string any_text(int pieces) {
    std::string text;
    for (int i = *rc::gen::inRange(0, pieces); i > 0; --i)
        text +=
            *rc::gen::element<std::string>("a", "bc", " ", "\n", "\r\n", "\u00e9", "e\u0301", "\u20ac", "\U0001F44D\U0001F3FD", "word ", "a line\n");
    return text;
}

TEST(Law, an_edit_makes_the_value_of_its_base_and_takes_it_back) {
    holds([] {
        const std::string front = any_text(30), back = any_text(30);
        const std::string base = front + any_text(8) + back + any_text(4), value = front + any_text(8) + back + any_text(4);
        const auto edit = edit_text(base, value);
        if (!edit) return;
        RC_ASSERT(is_edit(*edit));
        RC_ASSERT(edit->size() < base.size() + value.size());
        RC_ASSERT(apply_edit(*edit, base) == value);
        RC_ASSERT(undo_edit(*edit, value) == base);
    });
}

std::string long_text(size_t lines) {
    std::string text;
    for (size_t i = 0; i < lines; ++i)
        text += "line " + std::to_string(i) + " of a text that is long\n";
    return text;
}

TEST(EditText, IsAsShortAsWhatWasDone) {
    const std::string base = long_text(30'000);
    std::string value = base;
    value.insert(value.find("line 100 "), "one ");
    value.insert(value.find("line 29000 "), "two ");
    EXPECT_LT(edit_text(base, value).value().size(), 64U);
    value.erase(value.find("line 15000 "), 5);
    EXPECT_LT(edit_text(base, value).value().size(), 128U);
}

TEST(EditText, TextsThatHaveNothingInCommonTravelWhole) {
    EXPECT_FALSE(edit_text("one", "two"));
    EXPECT_FALSE(edit_text("", ""));
    EXPECT_FALSE(edit_text(std::string(100, 'x'), std::string(99, 'x') + "\xFF")) << "not UTF-8";
    EXPECT_TRUE(edit_text(std::string(100, 'x'), std::string(100, 'x'))) << "a decision for what is there";
}

// Where two code points share bytes at either end.
TEST(EditText, CutsBetweenCodePoints) {
    for (const auto& [before, after] : {std::pair{"\u00e9", "\u00e8"}, {"\u20ac", "\u20ad"}, {"\U0001F44D", "\U0001F44E"}, {"\u00e9", "\u20a9"}}) {
        const std::string base = std::string(40, 'a') + before + std::string(40, 'b'), value = std::string(40, 'a') + after + std::string(40, 'b');
        const auto edit = edit_text(base, value);
        ASSERT_TRUE(edit);
        EXPECT_TRUE(is_edit(*edit));
        EXPECT_EQ(apply_edit(*edit, base), value);
    }
}

}  // namespace
}  // namespace tombolo::merge
