// Every (base, mine, theirs) over small alphabets, for every policy and both orders of the stamps: what merging promises whatever the
// values. Where sanitizers slow it down, smaller alphabets.
//
//   identity      a side that changed nothing leaves the other's value, byte for byte
//   idempotence   the same change on both sides is that change
//   symmetry      which side arrives does not matter where the policy takes values apart or compares them
//   invention     nothing comes out that did not go in
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "merge/json_value.h"
#include "merge/laws_test.h"
#include "merge/policies.h"
#include "merge/scene_test.h"
#include "merge/three_way.h"

namespace tombolo::merge {
namespace {
using testing::by;
using testing::Scene;
using testing::table_with;
using testing::text_of;

constexpr bool thorough = testing::law_cases == 100'000;

constexpr ColumnPolicy all_policies[] = {ColumnPolicy::lww,     ColumnPolicy::hub,  ColumnPolicy::device, ColumnPolicy::manual,
                                         ColumnPolicy::counter, ColumnPolicy::max,  ColumnPolicy::min,    ColumnPolicy::set,
                                         ColumnPolicy::json,    ColumnPolicy::text, ColumnPolicy::sql};

const std::vector<Value>& values() {
    static const std::vector<Value> list = {Value(),
                                            0,
                                            1,
                                            -1,
                                            std::numeric_limits<int64_t>::min(),
                                            std::numeric_limits<int64_t>::max(),
                                            0.0,
                                            -0.0,
                                            1.0,
                                            1.5,
                                            std::numeric_limits<double>::infinity(),
                                            "",
                                            "a",
                                            Value::blob("a")};
    return list;
}

bool is_one_of(ColumnPolicy policy, std::initializer_list<ColumnPolicy> list) { return std::find(list.begin(), list.end(), policy) != list.end(); }
bool compares_bases(ColumnPolicy policy) {
    return is_one_of(policy, {ColumnPolicy::counter, ColumnPolicy::set, ColumnPolicy::json, ColumnPolicy::text, ColumnPolicy::sql});
}

Value result(const Situation& s, const Decision& d) {
    if (d.take == Take::combined) return d.combined;
    return Value(d.take == Take::arriving ? s.arriving : s.stored);
}

// The situations of one triple: who knew what, whose stamp is greater.
std::vector<Situation> situations(const Value& base, const Value& arriving, const Value& stored) {
    std::vector<Situation> list;
    for (int bits = 0; bits < 16; ++bits) {
        Situation s{.stored = stored, .base = base, .arriving = arriving};
        s.unseen = (bits & 1) != 0;
        s.own = (bits & 2) != 0;
        s.later = (bits & 4) != 0;
        s.superseded = s.replaced = s.unseen && s.own && !s.later && (bits & 8) != 0;
        list.push_back(s);
    }
    return list;
}

std::string describe(ColumnPolicy policy, const Situation& s) {
    return "policy " + std::to_string(static_cast<int>(policy)) + ": " + text_of(s.base) + ", arriving " + text_of(s.arriving) + ", stored " +
           text_of(s.stored) + (s.unseen ? " unseen" : "") + (s.own ? " own" : "") + (s.later ? " later" : "");
}

void check_one(ColumnPolicy policy, const Situation& s) {
    const Decision d = decide(policy, s);
    const Decision again = decide(policy, s);
    const Value out = result(s, d);
    const std::string what = describe(policy, s);
    ASSERT_TRUE(out == result(s, again) && d.take == again.take && d.claims == again.claims && d.code == again.code) << what;
    if (d.code != RejectCode::none) {
        ASSERT_EQ(policy, ColumnPolicy::counter) << what;
        return;
    }
    if (policy != ColumnPolicy::counter) {
        ASSERT_TRUE(out == Value(s.stored) || out == Value(s.arriving)) << what;
    }
    if (d.opens) {
        ASSERT_TRUE(s.unseen && is_one_of(policy, {ColumnPolicy::manual, ColumnPolicy::sql}) && !(s.arriving == s.stored)) << what;
        ASSERT_TRUE(out == Value(s.stored)) << what;
        return;
    }
    if (s.arriving == s.stored && policy != ColumnPolicy::counter) {
        ASSERT_TRUE(out == Value(s.stored)) << what;
    }
    if (!s.unseen && !compares_bases(policy)) {
        ASSERT_TRUE(out == Value(s.arriving)) << what;
    }
    if (s.unseen && !s.superseded && compares_bases(policy)) {
        if (s.arriving == s.base) {
            ASSERT_TRUE(out == Value(s.stored)) << what;
        }
        if (s.stored == s.base) {
            ASSERT_TRUE(out == Value(s.arriving)) << what;
        }
    }
    if (d.take == Take::combined) {
        ASSERT_TRUE(d.claims && d.keeps_stamp) << what;
    }
}

TEST(Triples, every_policy_is_total_deterministic_and_invents_nothing) {
    for (ColumnPolicy policy : all_policies) {
        for (const Value& base : values()) {
            for (const Value& mine : values()) {
                for (const Value& theirs : values()) {
                    for (const Situation& s : situations(base, mine, theirs))
                        ASSERT_NO_FATAL_FAILURE(check_one(policy, s));
                }
            }
        }
    }
}

// --- symmetry, through whole commits in both orders ---

// The row (k, base, base), then two writes of column a whose authors saw only that, by sites 2 and 3 with these stamps.
std::string merged(ColumnPolicy policy, const Value& base, const Value& two, HubTime stamp_two, const Value& three, HubTime stamp_three,
                   bool two_first, Value* out) {
    Scene hub(table_with(policy));
    hub.commit(by(1).at(1).insert({"k", base, base}));
    std::string told;
    for (const bool is_two : {two_first, !two_first}) {
        const std::string verdict = is_two ? hub.commit(by(2).seen(1).at(stamp_two).update("k", 1, base, two))
                                           : hub.commit(by(3).seen(1).at(stamp_three).update("k", 1, base, three));
        if (verdict.rfind("rejected", 0) == 0) told = verdict;
    }
    *out = hub.row("k").values[1];
    return told;
}

TEST(Triples, both_orders_of_arrival_and_of_stamps_end_alike) {
    for (ColumnPolicy policy : {ColumnPolicy::lww, ColumnPolicy::counter, ColumnPolicy::max, ColumnPolicy::min, ColumnPolicy::set, ColumnPolicy::json,
                                ColumnPolicy::text}) {
        for (const Value& base : values()) {
            for (const Value& two : values()) {
                for (const Value& three : values()) {
                    if (two == base || three == base) continue;  // no write
                    for (const HubTime stamp : {4, 5, 6}) {
                        Value one, other;
                        const bool refused = !merged(policy, base, two, 5, three, stamp, true, &one).empty();
                        const bool also = !merged(policy, base, two, 5, three, stamp, false, &other).empty();
                        if (refused || also) continue;  // whoever comes second is refused
                        const std::string what = "policy " + std::to_string(static_cast<int>(policy)) + ": " + text_of(base) + ", " + text_of(two) +
                                                 ", " + text_of(three) + " at " + std::to_string(stamp) + ": " + text_of(one) + ", " + text_of(other);
                        const bool by_order = is_one_of(policy, {ColumnPolicy::max, ColumnPolicy::min, ColumnPolicy::counter});
                        ASSERT_TRUE(by_order ? compare_values(one, other) == 0 : one == other) << what;
                    }
                }
            }
        }
    }
}

TEST(Triples, an_update_against_a_delete_ends_as_the_mode_says_in_both_orders) {
    for (DeleteMode mode : {DeleteMode::update_wins, DeleteMode::delete_wins, DeleteMode::manual}) {
        Table table = table_with(ColumnPolicy::lww);
        table.delete_mode = mode;
        for (const Value& base : values()) {
            for (const Value& value : values()) {
                for (const HubTime stamp : {4, 6}) {
                    for (const bool update_first : {true, false}) {
                        Scene hub(table);
                        hub.commit(by(1).at(1).insert({"k", base, 7}));
                        if (!update_first) hub.commit(by(3).seen(1).at(5).erase({"k", base, 7}));
                        const std::string verdict = hub.commit(by(2).seen(1).at(stamp).update("k", 1, base, value));
                        if (update_first) hub.commit(by(3).seen(1).at(5).erase({"k", base, 7}));
                        const bool lives = mode != DeleteMode::delete_wins;
                        ASSERT_EQ(hub.row("k").existence, lives ? Existence::alive : Existence::dead);
                        ASSERT_EQ(hub.open("k").empty(), mode != DeleteMode::manual);
                        if (lives) {
                            ASSERT_TRUE(hub.row("k").values[1] == value && hub.row("k").values[2] == Value(7));
                        }
                        ASSERT_NE(verdict.rfind("rejected", 0), 0U);
                    }
                }
            }
        }
    }
}

// --- values that are taken apart ---

std::string bits_as_set(int bits) {
    std::string text;
    constexpr const char* elements[] = {"1", "1.0", "\"1\"", "[]"};
    for (int i = 0; i < 4; ++i) {
        if ((bits >> i & 1) != 0) text += (text.empty() ? "" : ",") + std::string(elements[i]);
    }
    return "[" + text + "]";
}

TEST(Triples, a_set_has_what_both_kept_and_what_either_added) {
    for (int base = 0; base < 16; ++base) {
        for (int mine = 0; mine < 16; ++mine) {
            for (int theirs = 0; theirs < 16; ++theirs) {
                const int right = (mine & theirs) | ((mine | theirs) & ~base);
                const auto set = merge_sets(bits_as_set(base), bits_as_set(mine), bits_as_set(theirs));
                ASSERT_EQ(parse_json(set.value()).value().members.size(), static_cast<size_t>(__builtin_popcount(static_cast<unsigned>(right))));
                std::string canonical;
                write_json(canonical, parse_json(*set).value());
                const auto sorted = merge_sets("[]", bits_as_set(right), bits_as_set(right)).value();
                ASSERT_TRUE(canonical == sorted || *set == bits_as_set(right)) << base << " " << mine << " " << theirs << ": " << *set;
            }
        }
    }
}

using Merge = std::optional<std::string> (*)(std::string_view, std::string_view, std::string_view, bool);

// The laws of a merge over all triples of `texts`; `sound` looks at what came out.
template <typename Sound>
void check_triples(Merge merge, const std::vector<std::string>& texts, Sound sound) {
    for (const std::string& base : texts) {
        for (const std::string& mine : texts) {
            for (const std::string& theirs : texts) {
                for (const bool later : {false, true}) {
                    const auto out = merge(base, mine, theirs, later);
                    const std::string what = base + " | " + mine + " | " + theirs + (later ? " later" : "");
                    ASSERT_TRUE(out.has_value()) << what;
                    ASSERT_EQ(out, merge(base, theirs, mine, !later)) << what;
                    if (mine == base) {
                        ASSERT_EQ(*out, theirs) << what;
                    }
                    if (mine == theirs) {
                        ASSERT_EQ(*out, mine) << what;
                    }
                    ASSERT_TRUE(sound(*out, mine, theirs)) << what << ": " << *out;
                }
            }
        }
    }
}

std::vector<std::string> texts_of(const std::string& letters, size_t longest) {
    std::vector<std::string> list = {""};
    for (size_t begin = 0, length = 1; length <= longest; ++length) {
        const size_t end = list.size();
        for (size_t i = begin; i < end; ++i) {
            for (const char letter : letters)
                list.push_back(list[i] + letter);
        }
        begin = end;
    }
    return list;
}

// No letter more often than both sides have it.
bool holds_no_other_letters(const std::string& out, const std::string& mine, const std::string& theirs) {
    return std::all_of(out.begin(), out.end(), [&](char c) {
        const auto in = [c](const std::string& text) { return std::count(text.begin(), text.end(), c); };
        return in(out) <= in(mine) + in(theirs);
    });
}

TEST(Triples, texts_of_two_letters) {
    const auto texts = texts_of("ab", thorough ? 4 : 3);
    ASSERT_EQ(texts.size(), thorough ? 31U : 15U);
    check_triples(merge_texts, texts, holds_no_other_letters);
}

TEST(Triples, texts_of_letters_and_blanks) {
    const auto texts = texts_of("ab ", thorough ? 3 : 2);
    ASSERT_EQ(texts.size(), thorough ? 40U : 13U);
    check_triples(merge_texts, texts, holds_no_other_letters);
}

// Every value at every place is one that a side has there.
bool is_made_of(const JsonValue& out, const JsonValue* mine, const JsonValue* theirs) {
    for (const JsonValue* side : {mine, theirs}) {
        if (side != nullptr && compare_json(out, *side) == 0) return true;
    }
    if (out.type != JsonValue::Type::object) return false;
    const auto member = [](const JsonValue* object, const std::string& name) -> const JsonValue* {
        if (object == nullptr) return nullptr;
        const auto found = std::find_if(object->members.begin(), object->members.end(), [&](const JsonMember& m) { return m.name == name; });
        return found == object->members.end() ? nullptr : &found->value;
    };
    return std::all_of(out.members.begin(), out.members.end(),
                       [&](const JsonMember& m) { return is_made_of(m.value, member(mine, m.name), member(theirs, m.name)); });
}
bool invents_no_value(const std::string& out, const std::string& mine, const std::string& theirs) {
    const JsonValue here = parse_json(mine).value(), there = parse_json(theirs).value();
    return is_made_of(parse_json(out).value(), &here, &there);
}

std::vector<std::string> objects_of(const std::vector<std::string>& leaves) {
    std::vector<std::string> objects;
    for (const std::string& a : leaves) {
        for (const std::string& b : leaves) {
            std::string object = a.empty() ? "" : "\"a\":" + a;
            if (!b.empty()) object += (object.empty() ? "" : ",") + ("\"b\":" + b);
            objects.push_back("{" + object + "}");
        }
    }
    return objects;
}

TEST(Triples, objects_of_two_members) {
    auto objects = objects_of(thorough ? std::vector<std::string>{"", "null", "1", "\"x\"", "{}", "[]"} : std::vector<std::string>{"", "1", "{}"});
    check_triples(merge_json, objects, invents_no_value);
}

TEST(Triples, objects_in_objects) {
    std::vector<std::string> inner = objects_of(thorough ? std::vector<std::string>{"", "null", "1", "{}", "[]"} : std::vector<std::string>{"", "1"});
    for (const char* leaf : {"null", "1", "\"x\"", "[]"})
        inner.emplace_back(leaf);
    std::vector<std::string> objects = {"{}"};
    for (const std::string& value : inner)
        objects.push_back("{\"a\":" + value + "}");
    check_triples(merge_json, objects, invents_no_value);
}

}  // namespace
}  // namespace tombolo::merge
