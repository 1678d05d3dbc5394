// set and json: documents taken apart, merged three ways, written in one form.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "base/limits.h"
#include "merge/json_value.h"
#include "merge/laws_test.h"
#include "merge/scene_test.h"
#include "merge/three_way.h"

namespace tombolo::merge {
namespace {
using testing::by;
using testing::holds;
using testing::Scene;
using testing::table_with;

std::string canonical(std::string_view text) {
    const auto value = parse_json(text);
    if (!value) return "unusable";
    std::string out;
    write_json(out, *value);
    return out;
}

std::string sets(std::string_view base, std::string_view mine, std::string_view theirs) {
    const auto merged = merge_sets(base, mine, theirs);
    const auto mirrored = merge_sets(base, theirs, mine);
    EXPECT_EQ(merged, mirrored) << "a set does not depend on who is called mine";
    return merged.value_or("unusable");
}

// mine is the later one
std::string json(std::string_view base, std::string_view mine, std::string_view theirs) {
    const auto merged = merge_json(base, mine, theirs, true);
    const auto mirrored = merge_json(base, theirs, mine, false);
    EXPECT_EQ(merged, mirrored) << "only the stamps choose";
    return merged.value_or("unusable");
}

// --- documents ---

TEST(JsonValue, is_written_in_one_form) {
    EXPECT_EQ(canonical(" { \"b\" : [ 1 , 2.50 , null ] , \"a\" : \"x\\u0041\\n\\u0001\" } "), "{\"a\":\"xA\\n\\u0001\",\"b\":[1,2.5,null]}");
    EXPECT_EQ(canonical("\"\\\"\\\\\\/\\b\\f\\r\\t\\u000b\\u001f\\u0000\x7f\""), "\"\\\"\\\\/\\b\\f\\r\\t\\u000b\\u001f\\u0000\x7f\"");
    EXPECT_EQ(canonical("\"\\ud83d\\ude00 \xc3\xa9\""), "\"\xf0\x9f\x98\x80 \xc3\xa9\"");
    EXPECT_EQ(canonical("[[],{},true,false]"), "[[],{},true,false]");
}

TEST(JsonValue, numbers_are_exact) {
    const std::pair<const char*, const char*> numbers[] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0.0"},
        {"1.0", "1.0"},
        {"1e0", "1.0"},
        {"10.00e-1", "1.0"},
        {"100", "100"},
        {"1E+2", "100.0"},
        {"-1.50", "-1.5"},
        {"0.00012", "0.00012"},
        {"0.0000012", "1.2e-6"},
        {"1e16", "10000000000000000.0"},
        {"1e17", "1e17"},
        {"12345678901234567890123", "12345678901234567890123"},
        {"0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"},
        {"-123.25e300", "-1.2325e302"},
    };
    for (const auto& [written, form] : numbers)
        EXPECT_EQ(canonical(written), form) << written;
    EXPECT_EQ(canonical("1e9999999999"), "unusable");
}

TEST(JsonValue, what_is_not_a_document_is_unusable) {
    for (const char* text : {"", " ", "{", "[1,]", "{\"a\":1,}", "nul", "01", "1.", "+1", "'a'", "[1] 2", "\"\xff\"", "\"\\ud800\"", "NaN", "// c\n1",
                             "{\"a\":1,\"a\":1}"})
        EXPECT_EQ(canonical(text), "unusable") << text;
    const size_t deepest = limits::nesting_max;
    EXPECT_EQ(canonical(std::string(deepest, '[') + std::string(deepest, ']')), std::string(deepest, '[') + std::string(deepest, ']'));
    EXPECT_EQ(canonical(std::string(deepest + 1, '[') + std::string(deepest + 1, ']')), "unusable");
}

TEST(JsonValue, has_one_order) {
    const char* ascending[] = {"null",  "false", "true", "-1e30", "-20", "-10.5", "-1",        "0",         "0.0",
                               "0.5",   "1",     "1.0",  "9",     "9.5", "10",    "1e300",     "\"\"",      "\"a\"",
                               "\"b\"", "[]",    "[1]",  "[1,0]", "[2]", "{}",    "{\"a\":1}", "{\"a\":2}", "{\"b\":0}"};
    for (size_t i = 0; i < std::size(ascending); ++i) {
        for (size_t j = 0; j < std::size(ascending); ++j) {
            const int order = compare_json(parse_json(ascending[i]).value(), parse_json(ascending[j]).value());
            EXPECT_EQ(order < 0, i < j) << ascending[i] << " " << ascending[j];
            EXPECT_EQ(order > 0, i > j) << ascending[i] << " " << ascending[j];
        }
    }
}

// --- sets ---

TEST(Set, keeps_what_either_side_added_and_drops_what_either_removed) {
    EXPECT_EQ(sets("[\"a\",\"b\"]", "[\"a\",\"b\",\"c\"]", "[\"b\",\"d\"]"), "[\"b\",\"c\",\"d\"]");
    EXPECT_EQ(sets("[1]", "[]", "[1,2]"), "[2]");
    EXPECT_EQ(sets("[]", "[1]", "[1]"), "[1]");
    EXPECT_EQ(sets("[1]", "[]", "[]"), "[]");
    EXPECT_EQ(sets("", "[2]", "[1]"), "[1,2]");
}

TEST(Set, stays_as_written_where_one_side_changed_nothing_but_the_writing) {
    EXPECT_EQ(sets("[2, 1]", "[1,2]", "[ 3, 2, 1 ]"), "[ 3, 2, 1 ]");
    EXPECT_EQ(sets("[2, 1]", "[1,2]", "[ 1, 2 ]"), "[1,2]");
}

TEST(Set, above_the_limit_is_a_value) {
    const std::string large = "[\"" + std::string(limits::json_merge_bytes_max, 'x') + "\"]";
    EXPECT_EQ(sets("[]", "[1]", large), "unusable");
    EXPECT_EQ(json("{}", "{\"a\":1}", large), "unusable");
}

// --- json ---

TEST(Json, merges_members_at_every_depth) {
    EXPECT_EQ(json("{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "{\"a\":1,\"b\":{\"c\":9,\"d\":3},\"n\":[1]}", "{\"a\":7,\"b\":{\"c\":2,\"e\":4}}"),
              "{\"a\":7,\"b\":{\"c\":9,\"e\":4},\"n\":[1]}");
    EXPECT_EQ(json("", "{\"a\":1}", "{\"b\":2}"), "{\"a\":1,\"b\":2}");
    EXPECT_EQ(json("[1]", "{\"a\":1}", "{\"b\":2}"), "{\"a\":1,\"b\":2}");
}

TEST(Json, a_clash_falls_to_the_later_write_and_its_siblings_survive) {
    EXPECT_EQ(json("{\"a\":1,\"b\":1}", "{\"a\":2,\"b\":1}", "{\"a\":3,\"b\":4}"), "{\"a\":2,\"b\":4}");
    EXPECT_EQ(json("{\"a\":1,\"b\":1}", "{\"b\":1}", "{\"a\":3,\"b\":4}"), "{\"b\":4}");          // removed, and later
    EXPECT_EQ(json("{\"a\":1,\"b\":1}", "{\"a\":3,\"b\":1}", "{\"b\":4}"), "{\"a\":3,\"b\":4}");  // changed, and later
    EXPECT_EQ(json("{\"a\":[1],\"b\":1}", "{\"a\":[1,2],\"b\":1}", "{\"a\":[0,1],\"b\":2}"), "{\"a\":[1,2],\"b\":2}");
    EXPECT_EQ(json("{\"a\":{\"x\":1},\"b\":1}", "{\"a\":5,\"b\":1}", "{\"a\":{\"x\":2},\"b\":2}"), "{\"a\":5,\"b\":2}");
    EXPECT_EQ(json("1", "2", "3"), "2");
    EXPECT_EQ(json("{\"a\":1}", "{\"a\":2}", "[]"), "{\"a\":2}");
}

TEST(Json, stays_as_written_where_one_side_changed_nothing_but_the_writing) {
    EXPECT_EQ(json("{\"a\":1,\"b\":2}", "{\"b\":2, \"a\":1}", "{ \"b\": 3 }"), "{ \"b\": 3 }");
    EXPECT_EQ(json("{\"a\":1}", "{ \"a\":2.0 }", "{\"a\":2e0}"), "{ \"a\":2.0 }");
}

// --- in a column ---

TEST(ThreeWay, in_a_column_marks_every_write_and_falls_to_lww_for_other_values) {
    Scene hub(table_with(ColumnPolicy::set));
    hub.commit(by(1).at(1).insert({"k", "[1]", nullptr}));
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", 1, "[1]", "[1,2]")), "accepted");
    EXPECT_EQ(hub.commit(by(3).seen(1).update("k", 1, "[1]", "[]")), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' '[2]' NULL");
    EXPECT_EQ(hub.marks("k"), "3@3/2 1@1/0 3@3/2 1@1/0");
    EXPECT_EQ(hub.commit(by(2).seen(1).at(21).update("k", 1, "[1,2]", "[1,2,3]")), "merged");  // site 3's is unseen still
    EXPECT_EQ(hub.show("k"), "alive 'k' '[2,3]' NULL");
    EXPECT_EQ(hub.commit(by(4).seen(1).at(5).update("k", 1, "[1]", "no array")), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' '[2,3]' NULL");
    EXPECT_EQ(hub.commit(by(4).seen(1).at(50).update("k", 1, "[1]", 7)), "accepted");
    EXPECT_EQ(hub.show("k"), "alive 'k' 7 NULL");
    EXPECT_EQ(hub.commit(by(2).seen(1).at(60).update("k", 2, nullptr, "[5]")), "accepted");
    EXPECT_EQ(hub.commit(by(3).seen(1).at(40).update("k", 2, nullptr, "[4]")), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' 7 '[4,5]'");
    EXPECT_EQ(hub.row("k").meta.cells[2].stamp, 60);
    EXPECT_EQ(hub.commit(by(4).seen(7).at(80).update("k", 2, Value::blob("x"), "[]")), "accepted");  // a base that is no text
}

TEST(ThreeWay, applies_an_own_edit_alone_where_the_one_before_it_was_refused) {
    Scene hub(table_with(ColumnPolicy::set));
    hub.commit(by(1).at(1).insert({"k", "[1]", nullptr}));
    EXPECT_EQ(hub.commit(by(2).seen(1).update("k", 1, "[1,2]", "[1,2,3]")), "merged");  // [1] to [1,2] was refused
    EXPECT_EQ(hub.show("k"), "alive 'k' '[1,3]' NULL");
    EXPECT_EQ(hub.commit(by(2).seen(1).at(15).retry().update("k", 1, "[1]", "[1,2]")), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' '[1,2,3]' NULL");
}

TEST(ThreeWay, a_retry_loses_a_clash_against_a_later_own_write) {
    Scene hub(table_with(ColumnPolicy::json));
    hub.commit(by(1).at(1).insert({"k", "{\"a\":1}", nullptr}));
    hub.commit(by(2).seen(1).at(30).update("k", 1, "{\"a\":1}", "{\"a\":3}"));
    EXPECT_EQ(hub.commit(by(2).seen(1).at(20).retry().update("k", 1, "{\"a\":1}", "{\"a\":2,\"b\":2}")), "merged");
    EXPECT_EQ(hub.show("k"), "alive 'k' '{\"a\":3,\"b\":2}' NULL");
}

// --- laws ---

std::string any_document(int depth) {
    switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
        case 0: return "null";
        case 1: return *rc::gen::element<std::string>("true", "false");
        case 2: return *rc::gen::element<std::string>("0", "1", "1.0", "2", "-3.5", "1e300");
        case 3: return *rc::gen::element<std::string>("\"\"", "\"a\"", "\"b\"", "\"\\u00e9\"");
        case 4: return *rc::gen::element<std::string>("[]", "{}");
        case 5: {
            std::string text = "[";
            for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
                text += any_document(depth - 1) + (i > 1 ? "," : "");
            return text + "]";
        }
        default: {
            std::string text = "{", comma;
            for (const char* name : {"a", "b", "c"}) {
                if (!*rc::gen::arbitrary<bool>()) continue;
                text += comma + "\"" + name + "\":" + any_document(depth - 1);
                comma = ",";
            }
            return text + "}";
        }
    }
}
// Documents that have much in common; now and then something else.
std::string any_object() { return *rc::gen::inRange(0, 20) == 0 ? *rc::gen::arbitrary<std::string>() : any_document(3); }
std::string any_set() {
    std::string text = "[";
    for (int i = *rc::gen::inRange(0, 6); i > 0; --i)
        text += *rc::gen::element<std::string>("1", "1.0", "\"1\"", "2", "3", "[1]", "{\"a\":1}", "null", "10e-1") + (i > 1 ? "," : "");
    return text + "]";
}
std::vector<std::string> elements(const std::string& set) {
    std::vector<std::string> texts;
    const JsonValue array = parse_json(set).value();
    for (const JsonMember& member : array.members) {
        texts.emplace_back();
        write_json(texts.back(), member.value);
    }
    return texts;
}

TEST(Law, a_set_has_exactly_what_both_kept_or_one_added) {
    holds([] {
        const std::string base = any_set(), mine = any_set(), theirs = any_set();
        const std::string merged = merge_sets(base, mine, theirs).value();
        RC_ASSERT(merged == merge_sets(base, theirs, mine).value());
        const auto b = elements(base), m = elements(mine), t = elements(theirs), out = elements(merged);
        const auto in = [](const std::vector<std::string>& list, const std::string& element) {
            return std::count(list.begin(), list.end(), element) > 0;
        };
        for (const auto* list : {&b, &m, &t}) {
            for (const std::string& e : *list)
                RC_ASSERT(in(out, e) == ((in(m, e) && in(t, e)) || (!in(b, e) && (in(m, e) || in(t, e)))));
        }
        for (const std::string& e : out)
            RC_ASSERT(in(m, e) || in(t, e));
    });
}

TEST(Law, a_merge_with_no_change_is_the_other_side_and_with_the_same_change_is_that) {
    holds([] {
        const std::string base = any_object(), side = any_object();
        const bool later = *rc::gen::arbitrary<bool>();
        if (!parse_json(base) || !parse_json(side)) return;
        const std::string merged = merge_json(base, base, side, later).value();
        RC_ASSERT(canonical(merged) == canonical(side));
        RC_ASSERT(merged == side || canonical(base) == canonical(side));  // both changed nothing: either writing of it
        RC_ASSERT(merge_json(base, side, side, later) == side);
    });
}

TEST(Law, json_never_fails_is_mirrored_and_invents_no_value) {
    holds([] {
        const std::string base = any_object(), mine = any_object(), theirs = any_object();
        const bool later = *rc::gen::arbitrary<bool>();
        const auto merged = merge_json(base, mine, theirs, later);
        RC_ASSERT(merged == merge_json(base, theirs, mine, !later));
        if (!merged) return;
        const auto value = parse_json(*merged);
        RC_ASSERT(value.has_value());
        if (value->type != JsonValue::Type::object) {
            RC_ASSERT(canonical(*merged) == canonical(mine) || canonical(*merged) == canonical(theirs));
            return;
        }
        for (const JsonMember& member : value->members) {
            const auto named = [&](const std::string& text) {
                const JsonValue side = parse_json(text).value();
                return std::any_of(side.members.begin(), side.members.end(), [&](const JsonMember& m) { return m.name == member.name; });
            };
            RC_ASSERT(named(mine) || named(theirs));
        }
    });
}

}  // namespace
}  // namespace tombolo::merge
