// text: characters, differences, merges; each case in both directions.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/limits.h"
#include "merge/atoms_test.h"
#include "merge/laws_test.h"
#include "merge/scene_test.h"
#include "merge/text_diff.h"
#include "merge/three_way.h"

namespace tombolo::merge {
namespace {
using testing::atoms;
using testing::by;
using testing::holds;
using testing::Scene;
using testing::table_with;

// `mine` is the later write.
std::string text(std::string_view base, std::string_view mine, std::string_view theirs) {
    const auto merged = merge_texts(base, mine, theirs, true);
    EXPECT_EQ(merged, merge_texts(base, theirs, mine, false)) << "only the stamps choose";
    return merged.value_or("unusable");
}

// The edits of a text as base stretches and what they became: "the [cat>dog] sat".
std::string diff(std::string_view base_text, std::string_view side_text) {
    AtomTable table;
    const AtomText base = cut_atoms(base_text, table), side = cut_atoms(side_text, table);
    std::string out;
    uint32_t at = 0;
    for (const TextEdit& edit : diff_texts(base, side, table)) {
        out += std::string(base.slice(at, edit.begin)) + "[" + std::string(base.slice(edit.begin, edit.end)) + ">" +
               std::string(side.slice(edit.from, edit.to)) + "]";
        at = edit.end;
    }
    return out + std::string(base.slice(at, base.atoms.size()));
}

// --- characters ---

TEST(Atoms, keep_together_what_a_person_takes_for_one_character) {
    EXPECT_EQ(atoms("a\u0301b"), "a\u0301|b");
    EXPECT_EQ(atoms("x\r\ny\nz\r"), "x|\r\n|y|\n|z|\r");
    EXPECT_EQ(atoms("\U0001F469\u200D\U0001F469\u200D\U0001F466!"), "\U0001F469\u200D\U0001F469\u200D\U0001F466|!");
    EXPECT_EQ(atoms("\U0001F44D\U0001F3FD\u2764\uFE0F"), "\U0001F44D\U0001F3FD|\u2764\uFE0F");
    EXPECT_EQ(atoms("\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7\U0001F1EA"), "\U0001F1E9\U0001F1EA|\U0001F1EB\U0001F1F7|\U0001F1EA");
    EXPECT_EQ(atoms("\n\u0301a\u200Db"), "\n|\u0301|a\u200D|b");  // nothing joins a line end; letters are not joined
    EXPECT_EQ(atoms("\u0995\u09BE\u4E2D\u6587"), "\u0995\u09BE|\u4E2D|\u6587");
    EXPECT_EQ(atoms(""), "");
}

// --- differences ---

TEST(TextDiff, is_what_a_person_would_say) {
    EXPECT_EQ(diff("the cat sat", "the big cat sat"), "the [>big ]cat sat");
    EXPECT_EQ(diff("one two", "one three two"), "one [>three ]two");
    EXPECT_EQ(diff("one three two", "one two"), "one [three >]two");
    EXPECT_EQ(diff("a\nb\n", "a\nnew\nb\n"), "a\n[>new\n]b\n");
    EXPECT_EQ(diff("a\nb", "a\nb\nc"), "a\nb[>\nc]");
    EXPECT_EQ(diff("recieve", "receive"), "rec[ie>ei]ve");
    EXPECT_EQ(diff("The quick brown fox jumps", "A slow fox walked over"), "[The quick brown fox jumps>A slow fox walked over]");
    EXPECT_EQ(diff("big red dog", "small red cat"), "[big>small] red [dog>cat]");
    EXPECT_EQ(diff("walking home", "talked home"), "[walking>talked] home");
    EXPECT_EQ(diff("aaa", "aaaa"), "[>a]aaa");
    EXPECT_EQ(diff("xay", "bac"), "[xay>bac]");
    EXPECT_EQ(diff("same", "same"), "same");
    EXPECT_EQ(diff("", "new"), "[>new]");
}

TEST(TextDiff, keeps_lines_apart_inside_a_rewriting) {
    const std::string same = "this line is the same on both sides\n";
    EXPECT_EQ(diff("one\n" + same + "two\n", "1\n" + same + "2\n"), "[one>1]\n" + same + "[two>2]\n");
    EXPECT_EQ(diff("qwertyuiop\n\nasdfghjkl\n", "1234567890\n\n0987654321\n"), "[qwertyuiop>1234567890]\n\n[asdfghjkl>0987654321]\n");
}

// Texts too different for the greedy algorithm: lines, then words that occur once tell what stayed.
TEST(TextDiff, of_long_rewritings_holds_on_to_unique_lines_and_words) {
    std::string base, side;
    for (int i = 0; i < 300; ++i) {
        base += "old" + std::to_string(i * 7919 % 1000) + "x" + (i % 10 == 0 ? "\nkept line number " + std::to_string(i) + "\n" : " ");
        side += "NEW" + std::to_string(i * 104729 % 1000) + "y" + (i % 10 == 0 ? "\nkept line number " + std::to_string(i) + "\n" : " ");
    }
    const std::string told = diff(base, side);
    for (int i = 0; i < 300; i += 10)
        EXPECT_NE(told.find("]\nkept line number " + std::to_string(i) + "\n["), std::string::npos) << i;
}

TEST(TextDiff, of_moved_lines_keeps_the_longest_order) {
    std::string base, side;
    const auto line = [](int i) { return "line " + std::to_string(i) + " with words of its own " + std::to_string(i * 31) + "\n"; };
    for (int i = 0; i < 40; ++i)
        base += line(i);
    for (int i : {0, 30, 31, 32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
        side += line(i);
    const std::string told = diff(base, side);
    EXPECT_NE(told.find(line(1) + line(2) + line(3) + line(4)), std::string::npos) << told;
}

// --- merges ---

TEST(Text, keeps_both_sides_edits) {
    EXPECT_EQ(text("the cat sat", "the big cat sat", "the cat sat down"), "the big cat sat down");
    EXPECT_EQ(text("one two three", "two three", "one two"), "two");
    EXPECT_EQ(text("colr grey", "color grey", "colr gray"), "color gray");
    EXPECT_EQ(text("", "mine", "theirs"), "theirsmine");
    EXPECT_EQ(text("a\nb\nc\n", "a\nB\nc\n", "a\nb\nc\nd\n"), "a\nB\nc\nd\n");
}

TEST(Text, puts_what_was_typed_at_one_place_behind_each_other_the_earlier_first) {
    EXPECT_EQ(text("the cat", "the big cat", "the old cat"), "the old big cat");
    EXPECT_EQ(text("a\n", "a\n- mine\n", "a\n- theirs\n"), "a\n- theirs\n- mine\n");
}

TEST(Text, makes_the_same_edit_once) {
    EXPECT_EQ(text("teh cat sat", "the cat sat down", "the cat sat"), "the cat sat down");
    EXPECT_EQ(text("a c", "a b c", "a b c"), "a b c");
    EXPECT_EQ(text("one two", "one", "one"), "one");
    EXPECT_EQ(text("x\ny\n", "x\nnew\ny\n", "0\nx\nnew\ny\n"), "0\nx\nnew\ny\n");
}

TEST(Text, a_rewriting_stays_whole_and_a_fix_inside_goes_with_it) {
    const std::string paragraph = "Thsi sentence was typed in a hurry and says nothing of use.";
    EXPECT_EQ(text(paragraph + "\nEnd.\n", "Our plan is simple.\nEnd.\n", "This sentence was typed in a hurry and says nothing of use.\nEnd!\n"),
              "Our plan is simple.\nEnd!\n");
    EXPECT_EQ(text("one two three", "one three", "one twoo three"), "one three");
    EXPECT_EQ(text("one two three", "one  three", "one twos three"), "one  three");   // only the word was deleted, not its blank
    EXPECT_EQ(text("unhappy end", "happy end", "unveryhappy end"), "veryhappy end");  // hangs on what stays
    EXPECT_EQ(text("one two three", "one three", "one TWO three"), "one three");
}

TEST(Text, of_two_corrections_of_one_word_the_later_stands) {
    EXPECT_EQ(text("my car runs", "my cat runs", "my can runs"), "my cat runs");
    EXPECT_EQ(text("x y z", "x one two z", "x three four z"), "x three fourone two z");  // more than a word: both are kept
}

TEST(Text, lines_typed_into_a_deleted_stretch_stay) {
    EXPECT_EQ(text("a\none\ntwo\nthree\nz\n", "a\nz\n", "a\none\ntwo\nnew line\nthree\nz\n"), "a\nnew line\nz\n");
    EXPECT_EQ(text("a\none\ntwo\nz\n", "a\nz\n", "a\none\ntwo more\nz\n"), "a\nz\n");
}

TEST(Text, deletions_may_overlap) {
    EXPECT_EQ(text("abcdefgh", "abgh", "abcdh"), "abh");
    EXPECT_EQ(text("one two three four", "one four", "one two four"), "one four");
    EXPECT_EQ(text("gone", "", ""), "");
    EXPECT_EQ(text("gone", "", "gone too"), " too");
}

TEST(Text, splits_no_character) {
    const std::string family = "\U0001F469\u200D\U0001F469\u200D\U0001F466", couple = "\U0001F469\u200D\U0001F469";
    EXPECT_EQ(text("x" + couple + "y", "x" + family + "y", "x" + couple + "yz"), "x" + family + "yz");
    EXPECT_EQ(text("cafe bar", "caf\u00e9 bar", "cafe\u0301 bar"), "caf\u00e9 bar");
    EXPECT_EQ(text("a\r\nb\r\n", "a\r\nx\r\nb\r\n", "a\r\nb\r\ny\r\n"), "a\r\nx\r\nb\r\ny\r\n");
    EXPECT_EQ(text("a\nb\n", "a\r\nb\r\n", "a\nb\nc\n"), "a\r\nb\r\nc\n");  // line ends stay as each side has them
}

TEST(Text, that_is_no_utf8_or_too_long_is_a_value) {
    EXPECT_EQ(text("\xff", "a", "b"), "unusable");
    EXPECT_EQ(text("a", "\xc3", "b"), "unusable");
    EXPECT_EQ(text("a", "b", "\xed\xa0\x80"), "unusable");
    const std::string large(limits::text_merge_bytes_max + 1, 'x');
    EXPECT_EQ(text("", large, "b"), "unusable");
    EXPECT_EQ(text(large + "\nend\n", large + "\nend.\n", large + "\nthe end\n"), large + "\nthe end.\n");  // only what changed counts
}

TEST(Text, in_a_column_combines_and_falls_to_lww_for_other_values) {
    Scene hub(table_with(ColumnPolicy::text));
    hub.commit(by(1).at(1).insert({"k", "one two", nullptr}));
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", 1, "one two", "one big two")), "accepted");
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 1, "one two", "one two three")), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 'one big two three' NULL");
    EXPECT_EQ(hub.commit(by(4).seen(1).at(5).update("k", 1, "one two", Value::blob("x"))), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 'one big two three' NULL");
    hub.commit(by(2).seen(1).at(20).update("k", 2, nullptr, "here"));
    EXPECT_EQ(hub.commit(by(3).seen(1).at(10).update("k", 2, nullptr, "there ")), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 'one big two three' 'there here'");
}

// --- laws ---

// Few different characters, so that everything meets; some are made of several code points.
std::string any_text(int size_max) {
    std::string out;
    for (int i = *rc::gen::inRange(0, size_max); i > 0; --i)
        out += *rc::gen::element<std::string>("a", "b", "c", " ", "\n", "\r\n", "\u00e9", "e\u0301", "\u4e2d", "\U0001F44D\U0001F3FD", ".");
    return out;
}
// The base with a few stretches replaced.
std::string any_edit(const std::string& base) {
    AtomTable table;
    const AtomText text = cut_atoms(base, table);
    const auto size = static_cast<int>(text.atoms.size());
    const int begin = *rc::gen::inRange(0, size + 1);
    const int end = std::min(size, begin + *rc::gen::inRange(0, 5));
    return std::string(text.slice(0, static_cast<size_t>(begin))) + any_text(5) +
           std::string(text.slice(static_cast<size_t>(end), text.atoms.size()));
}
std::string any_side(const std::string& base) { return *rc::gen::inRange(0, 4) == 0 ? any_text(20) : any_edit(any_edit(base)); }

TEST(Law, texts_merge_alike_from_both_sides_and_split_nothing) {
    holds([] {
        const std::string base = any_text(20), mine = any_side(base), theirs = any_side(base);
        const bool later = *rc::gen::arbitrary<bool>();
        const auto merged = merge_texts(base, mine, theirs, later);
        RC_ASSERT(merged.has_value());
        RC_ASSERT(merged == merge_texts(base, theirs, mine, !later));
        RC_ASSERT(is_valid_utf8(*merged));
        RC_ASSERT(merged->size() <= mine.size() + theirs.size() + base.size());
    });
}

TEST(Law, a_text_merged_with_no_change_or_the_same_change_is_that_side) {
    holds([] {
        const std::string base = any_text(20), side = any_side(base);
        const bool later = *rc::gen::arbitrary<bool>();
        RC_ASSERT(merge_texts(base, base, side, later) == side);
        RC_ASSERT(merge_texts(base, side, base, later) == side);
        RC_ASSERT(merge_texts(base, side, side, later) == side);
    });
}

TEST(Law, edits_lead_from_the_base_to_the_side) {
    holds([] {
        const std::string base_text = any_text(30), side_text = any_side(base_text);
        AtomTable table;
        const AtomText base = cut_atoms(base_text, table), side = cut_atoms(side_text, table);
        std::string out;
        uint32_t at = 0, from = 0;
        for (const TextEdit& edit : diff_texts(base, side, table)) {
            RC_ASSERT(at == 0 || edit.begin > at);
            RC_ASSERT(edit.deletes() || edit.inserts());
            RC_ASSERT(base.slice(at, edit.begin) == side.slice(from, edit.from));
            at = edit.end;
            from = edit.to;
        }
        RC_ASSERT(base.slice(at, base.atoms.size()) == side.slice(from, side.atoms.size()));
    });
}

// Words that occur nowhere else: what either side does to its own ones is exactly what the merge has.
TEST(Law, edits_at_different_places_are_all_made_exactly_once) {
    holds([] {
        std::string base, mine, theirs, both;
        int word = 0;
        const auto next_word = [&] { return "w" + std::to_string(++word) + *rc::gen::element<std::string>(" ", "\n", ", ", " \u00e9\U0001F44D "); };
        for (int i = *rc::gen::inRange(1, 12); i > 0; --i) {
            const std::string stays = "unchanged " + next_word(), changes = next_word(), added = next_word();
            base += stays;
            mine += stays;
            theirs += stays;
            both += stays;
            const int who = *rc::gen::inRange(0, 3), what = *rc::gen::inRange(0, 3);
            std::string& changed = who == 0 ? mine : theirs;
            std::string& unchanged = who == 0 ? theirs : mine;
            const std::string result = who == 2 ? changes : what == 0 ? changes + added : what == 1 ? "" : added;
            base += changes;
            unchanged += changes;
            changed += result;
            both += result;
        }
        const std::string end = next_word();
        RC_ASSERT(merge_texts(base + end, mine + end, theirs + end, *rc::gen::arbitrary<bool>()) == both + end);
    });
}

TEST(Law, texts_typed_at_one_place_are_whole_and_in_the_order_of_their_stamps) {
    holds([] {
        const std::string front = "front " + any_text(6) + "\n", back = "\nback";
        const std::string mine = "m" + std::to_string(*rc::gen::inRange(0, 99)) + "\n",
                          theirs = "t" + std::to_string(*rc::gen::inRange(0, 99)) + "\n";
        const bool later = *rc::gen::arbitrary<bool>();
        RC_ASSERT(merge_texts(front + back, front + mine + back, front + theirs + back, later) ==
                  front + (later ? theirs + mine : mine + theirs) + back);
    });
}

// --- time, as steps taken ---

size_t steps(const std::string& base_text, const std::string& side_text) {
    AtomTable table;
    const AtomText base = cut_atoms(base_text, table), side = cut_atoms(side_text, table);
    size_t work = 0;
    diff_texts(base, side, table, &work);
    return work;
}

TEST(TextDiff, takes_time_by_the_length_not_by_its_square) {
    const auto random_text = [](size_t size, uint32_t seed, std::string_view letters) {
        std::string out;
        for (size_t i = 0; i < size; ++i) {
            seed = seed * 1664525 + 1013904223;
            out.push_back(letters[(seed >> 16) % letters.size()]);
        }
        return out;
    };
    // Every hundredth character becomes a word: as many edits as a text may have, and more with its length.
    const auto edited = [](const std::string& text) {
        std::string out;
        for (size_t i = 0; i < text.size(); ++i)
            out += i % 100 == 50 ? "Word" + std::to_string(i) : text.substr(i, 1);
        return out;
    };
    const auto shapes = [&](size_t size) {
        std::string reversed = random_text(size, 1, "abcdefgh \n");
        std::reverse(reversed.begin(), reversed.end());
        return std::vector<std::pair<std::string, std::string>>{
            {random_text(size, 1, "ab"), random_text(size, 2, "ab")},
            {random_text(size, 1, "abcdefgh \n"), random_text(size, 2, "abcdefgh \n")},
            {random_text(size, 1, "abcdefgh \n"), reversed},
            {std::string(size, 'a'), std::string(size / 2, 'a')},
            {random_text(size, 1, "a \n"), random_text(size, 3, "b \n")},
            {random_text(size, 1, "abcdefgh \n"), edited(random_text(size, 1, "abcdefgh \n"))},
        };
    };
    const auto small = shapes(20'000), large = shapes(200'000);
    for (size_t i = 0; i < small.size(); ++i) {
        const size_t one = steps(small[i].first, small[i].second), ten = steps(large[i].first, large[i].second);
        EXPECT_LT(ten, 20 * one) << i << ": ten times the text";
        EXPECT_LT(ten, 100 * (large[i].first.size() + large[i].second.size())) << i;
    }
}

}  // namespace
}  // namespace tombolo::merge
