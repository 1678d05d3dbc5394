#include "merge/policies.h"

#include <iterator>
#include <string>

#include "base/assert.h"
#include "merge/three_way.h"

namespace tombolo::merge {

namespace {
Decision choose(bool arriving_wins) { return {.take = arriving_wins ? Take::arriving : Take::stored, .claims = arriving_wins}; }

// `order` is positive where `arriving` goes further in the policy's direction. NULL goes nowhere, whichever the direction.
Decision choose_extreme(const Situation& s, int order) {
    bool arriving_wins = true;
    if (s.unseen) arriving_wins = !s.arriving.is_null() && (s.stored.is_null() || order > 0);
    return {.take = arriving_wins ? Take::arriving : Take::stored, .claims = true, .keeps_stamp = true};
}

bool arriving_is_later(const Situation& s) { return !s.superseded && (s.own || s.later); }

Decision combine(Take take, Value value = {}) { return {.take = take, .combined = std::move(value), .claims = true, .keeps_stamp = true}; }

// Where one side changed nothing the other's value stands, byte for byte. A NULL base is a cell that had nothing in it.
template <typename Merge>
Decision decide_three_way(const Situation& s, Merge merge) {
    if (s.arriving == s.stored || s.arriving == s.base) return combine(Take::stored);
    if (s.stored == s.base) return combine(Take::arriving);
    const bool texts = s.arriving.type() == ValueType::text && s.stored.type() == ValueType::text;
    if (!texts || (s.base.type() != ValueType::text && !s.base.is_null())) return decide_lww(s);
    std::optional<std::string> merged = merge(s.base.bytes(), s.arriving.bytes(), s.stored.bytes());
    return merged ? combine(Take::combined, std::move(*merged)) : decide_lww(s);
}
}  // namespace

Decision decide_lww(const Situation& s) { return choose(!s.superseded && (!s.unseen || s.own || s.later)); }

Decision decide_set(const Situation& s) { return decide_three_way(s, merge_sets); }

Decision decide_json(const Situation& s) {
    const bool later = arriving_is_later(s);
    return decide_three_way(s, [later](auto base, auto mine, auto theirs) { return merge_json(base, mine, theirs, later); });
}

Decision decide_hub(const Situation& s) { return choose(!s.unseen); }

Decision decide_device(const Situation& s) { return choose(!s.superseded); }

Decision decide_manual(const Situation& s) {
    if (s.superseded || !s.unseen) return choose(!s.superseded);
    return {.opens = !(s.arriving == s.stored)};
}

Decision decide_max(const Situation& s) { return choose_extreme(s, compare_values(s.arriving, s.stored)); }

Decision decide_min(const Situation& s) { return choose_extreme(s, compare_values(s.stored, s.arriving)); }

Decision decide_text(const Situation& s) {
    const bool later = arriving_is_later(s);
    return decide_three_way(s, [later](auto base, auto mine, auto theirs) { return merge_texts(base, mine, theirs, later); });
}

// The expression is asked only where both sides changed the value, and not to the same.
Decision decide_sql(const Situation& s) {
    if (s.replaced || !s.unseen) return choose(!s.replaced);
    if (s.arriving == s.stored || s.arriving == s.base) return combine(Take::stored);
    if (s.stored == s.base) return combine(Take::arriving);
    std::optional<Value> value = s.expression != nullptr ? (*s.expression)() : std::nullopt;
    return value ? combine(Take::combined, std::move(*value)) : Decision{.opens = true};
}

Decision decide(ColumnPolicy policy, const Situation& situation) {
    using Decide = Decision (*)(const Situation&);
    static constexpr Decide by_policy[] = {decide_lww, decide_hub, decide_device, decide_manual, decide_counter, decide_max,
                                           decide_min, decide_set, decide_json,   decide_text,   decide_sql};
    const auto index = static_cast<size_t>(policy);
    TOMBOLO_ASSERT(index < std::size(by_policy));
    return by_policy[index](situation);
}

}  // namespace tombolo::merge
