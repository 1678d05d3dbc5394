// Laws of merging one column, for generated writes of three sites: what holds whatever the values, marks and orders.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "merge/laws_test.h"
#include "merge/policies.h"
#include "merge/scene_test.h"

namespace tombolo::merge {
namespace {
using testing::by;
using testing::By;
using testing::holds;
using testing::Scene;
using testing::table_with;

constexpr ColumnPolicy policies[] = {ColumnPolicy::lww,     ColumnPolicy::hub,  ColumnPolicy::device, ColumnPolicy::manual,
                                     ColumnPolicy::counter, ColumnPolicy::max,  ColumnPolicy::min,    ColumnPolicy::set,
                                     ColumnPolicy::json,    ColumnPolicy::text, ColumnPolicy::sql};

Value any_value() {
    switch (*rc::gen::inRange(0, 5)) {
        case 0: return nullptr;
        case 1: return Value(*rc::gen::arbitrary<int64_t>());
        case 2: return Value(*rc::gen::arbitrary<double>());
        case 3: return Value(*rc::gen::arbitrary<std::string>());
        default: return Value::blob(*rc::gen::arbitrary<std::string>());
    }
}
Value any_number() { return *rc::gen::arbitrary<bool>() ? Value(int64_t{*rc::gen::arbitrary<int32_t>()}) : Value(); }
int64_t number(const Value& v) { return v.is_null() ? 0 : v.as_integer(); }

// A write to column a of the row (k, 10, …) by one who saw only its birth. Each is by a site of its own.
struct Write {
    uint64_t site;
    HubTime stamp;
    Value value;
};

// Stamps are few, so that they are often equal.
std::vector<Write> any_writes(const std::function<Value()>& value) {
    std::vector<Write> writes;
    const uint64_t count = *rc::gen::inRange<uint64_t>(1, 5);
    for (uint64_t site = 2; site < 2 + count; ++site)
        writes.push_back({site, *rc::gen::inRange<HubTime>(2, 6), value()});
    return writes;
}

Scene after(ColumnPolicy policy, const std::vector<Write>& writes) {
    Scene hub(table_with(policy));
    hub.commit(by(1).at(1).insert({"k", 10, 20}));
    for (const Write& w : writes)
        hub.commit(by(w.site).seen(1).at(w.stamp).update("k", 1, 10, w.value));
    return hub;
}

Value stored(const Scene& hub) { return hub.row("k").values[1]; }

TEST(Law, lww_is_the_greatest_stamp_in_any_order) {
    holds([] {
        std::vector<Write> writes = any_writes(any_value);
        const Write greatest = *std::max_element(writes.begin(), writes.end(), [](const Write& a, const Write& b) {
            return Stamp{a.stamp, {a.site}} < Stamp{b.stamp, {b.site}};
        });
        const size_t turn = *rc::gen::inRange<size_t>(0, writes.size());
        std::rotate(writes.begin(), writes.begin() + static_cast<long>(turn), writes.end());
        RC_ASSERT(stored(after(ColumnPolicy::lww, writes)) == greatest.value);
    });
}

TEST(Law, counter_is_the_base_and_every_increment_in_any_order) {
    holds([] {
        std::vector<Write> writes = any_writes(any_number);
        int64_t sum = 10;
        for (const Write& w : writes)
            sum += number(w.value) - 10;
        std::reverse(writes.begin(), writes.end());
        RC_ASSERT(number(stored(after(ColumnPolicy::counter, writes))) == sum);
    });
}

TEST(Law, max_and_min_do_not_depend_on_the_order) {
    for (ColumnPolicy policy : {ColumnPolicy::max, ColumnPolicy::min}) {
        holds([policy] {
            std::vector<Write> writes = any_writes(any_value);
            const Value one = stored(after(policy, writes));
            std::reverse(writes.begin(), writes.end());
            RC_ASSERT(compare_values(one, stored(after(policy, writes))) == 0);  // 1 and 1.0 are equal: the first stays
        });
    }
}

// What is stored and what waits are together all writes, each once; equal values are one.
TEST(Law, manual_keeps_every_write_that_nobody_had_seen) {
    holds([] {
        const std::vector<Write> writes = any_writes(any_value);
        const Scene hub = after(ColumnPolicy::manual, writes);
        RC_ASSERT(stored(hub) == writes.front().value);
        const auto& waiting = hub.row("k").candidates;
        for (const Write& w : writes) {
            const auto is_this = [&](const Candidate& c) { return c.value == w.value && c.site.value == w.site; };
            RC_ASSERT((w.value == stored(hub)) != (std::count_if(waiting.begin(), waiting.end(), is_this) == 1));
        }
    });
}

class GreaterOne final : public Expressions {
public:
    std::optional<Value> evaluate(const Clash& clash) override {
        const ValueView mine = clash.mine[clash.column], theirs = clash.theirs[clash.column];
        if (mine.is_null() || theirs.is_null()) return std::nullopt;
        return Value(mine.as_integer() > theirs.as_integer() ? mine : theirs);
    }
};

// A failing expression leaves the arriving write waiting; the others are combined.
TEST(Law, sql_is_what_the_expression_says_and_loses_nothing_where_it_fails) {
    holds([] {
        const std::vector<Write> writes = any_writes(any_number);
        GreaterOne greater;
        Scene hub(table_with(ColumnPolicy::sql));
        hub.expressions = &greater;
        hub.commit(by(1).at(1).insert({"k", 10, 20}));
        Value right = 10;
        for (const Write& w : writes) {
            const std::string verdict = hub.commit(by(w.site).seen(1).at(w.stamp).update("k", 1, 10, w.value));
            const bool changed_here = !(w.value == Value(10)), changed_there = !(right == Value(10));
            const bool fails = changed_here && changed_there && !(w.value == right) && (w.value.is_null() || right.is_null());
            RC_ASSERT((verdict == "in-conflict") == fails);
            if (fails) {
                RC_ASSERT(hub.row("k").candidates.back().value == w.value);
            } else if (changed_here) {
                right = changed_there && !(w.value == right) ? Value(std::max(w.value.as_integer(), right.as_integer())) : w.value;
            }
            RC_ASSERT(stored(hub) == right);
        }
    });
}

TEST(Law, a_whole_row_is_the_one_of_the_greatest_stamp_in_any_order) {
    holds([] {
        std::vector<Write> writes = any_writes(any_value);
        const Write greatest = *std::max_element(writes.begin(), writes.end(), [](const Write& a, const Write& b) {
            return Stamp{a.stamp, {a.site}} < Stamp{b.stamp, {b.site}};
        });
        const size_t turn = *rc::gen::inRange<size_t>(0, writes.size());
        std::rotate(writes.begin(), writes.begin() + static_cast<long>(turn), writes.end());
        Table table = table_with(ColumnPolicy::lww);
        table.whole_rows = true;
        Scene hub(table);
        hub.commit(by(1).at(1).insert({"k", 10, 20}));
        // Each changes one column, and carries both.
        for (const Write& w : writes) {
            const bool a = w.site % 2 == 0;
            hub.commit(by(w.site).seen(1).at(w.stamp).update("k", {1, 2}, {10, 20}, {a ? w.value : Value(10), a ? Value(20) : w.value}));
        }
        const bool a = greatest.site % 2 == 0;
        RC_ASSERT(hub.row("k").values[1] == (a ? greatest.value : Value(10)));
        RC_ASSERT(hub.row("k").values[2] == (a ? Value(20) : greatest.value));
    });
}

TEST(Law, hub_keeps_the_first_and_device_the_last) {
    holds([] {
        const std::vector<Write> writes = any_writes(any_value);
        RC_ASSERT(stored(after(ColumnPolicy::hub, writes)) == writes.front().value);
        RC_ASSERT(stored(after(ColumnPolicy::device, writes)) == writes.back().value);
    });
}

TEST(Law, one_who_saw_everything_gets_what_he_wrote_under_every_policy) {
    for (ColumnPolicy policy : policies) {
        holds([policy] {
            Scene hub = after(policy, any_writes(any_number));
            const Value base = stored(hub);
            const Value value = any_number();
            const std::string outcome = hub.commit(by(9).seen(hub.head().value).at(1).update("k", 1, base, value));
            RC_ASSERT(outcome == "accepted");
            RC_ASSERT(stored(hub) == value || (value == base && stored(hub) == base));
        });
    }
}

TEST(Law, choosing_policies_invent_nothing) {
    for (ColumnPolicy policy : {ColumnPolicy::lww, ColumnPolicy::hub, ColumnPolicy::device, ColumnPolicy::max, ColumnPolicy::min}) {
        holds([policy] {
            const std::vector<Write> writes = any_writes(any_value);
            const Value result = stored(after(policy, writes));
            RC_ASSERT(std::any_of(writes.begin(), writes.end(), [&](const Write& w) { return w.value == result; }));
        });
    }
}

TEST(Law, a_cell_nobody_named_is_left_alone) {
    for (ColumnPolicy policy : policies) {
        holds([policy] {
            const Scene hub = after(policy, any_writes(any_number));
            RC_ASSERT(hub.row("k").values[2] == Value(20));
            RC_ASSERT(hub.row("k").meta.cell(2) == (WriteMark{{1}, {1}, {}, 1}));
        });
    }
}

TEST(Law, the_marks_name_every_site_but_the_last_that_an_unseen_write_may_hide) {
    holds([] {
        const std::vector<Write> writes = any_writes(any_number);
        const Scene hub = after(ColumnPolicy::counter, writes);
        const WriteMark mark = hub.row("k").meta.cell(1);
        RC_ASSERT(mark.site.value == writes.back().site);
        RC_ASSERT(mark.seq.value == writes.size() + 1);
        RC_ASSERT(mark.other.value == writes.size());  // each site wrote once: the one before the last
    });
}

TEST(Law, the_order_of_values_is_total) {
    holds([] {
        const Value a = any_value(), b = any_value(), c = any_value();
        RC_ASSERT(compare_values(a, a) == 0);
        RC_ASSERT((compare_values(a, b) < 0) == (compare_values(b, a) > 0));
        if (compare_values(a, b) <= 0 && compare_values(b, c) <= 0) RC_ASSERT(compare_values(a, c) <= 0);
    });
}

TEST(Law, counters_do_not_fail_on_any_numbers_but_refuse_what_does_not_fit) {
    holds([] {
        const auto stored_value = *rc::gen::arbitrary<int64_t>();
        const auto base = *rc::gen::arbitrary<int64_t>();
        const auto arriving = *rc::gen::arbitrary<int64_t>();
        const Value s(stored_value), b(base), n(arriving);
        const Decision d = decide_counter({.stored = s, .base = b, .arriving = n});
        const long double exact = static_cast<long double>(stored_value) + arriving - base;  // 64 bits of mantissa and a sign: exact to 2^64
        const bool fits = exact >= -9223372036854775808.0L && exact <= 9223372036854775807.0L;
        RC_ASSERT((d.code == RejectCode::none) == fits);
        if (fits) RC_ASSERT(static_cast<long double>(d.combined.as_integer()) == exact);
    });
}

}  // namespace
}  // namespace tombolo::merge
