// counter: the increments of all writers add up. stored + arriving - base, exact in integers; NULL counts as 0.
// Every decision that is not a refusal is Take::combined.
#include <cmath>
#include <limits>

#include "merge/policies.h"

namespace tombolo::merge {

namespace {
// Wide enough for a sum of three int64, so only the result needs a check: 5 + (max - 7) is no overflow.
__extension__ using Wide = __int128;

bool is_number(const ValueView& v) { return v.type() != ValueType::text && v.type() != ValueType::blob; }
bool is_finite(const ValueView& v) { return v.type() != ValueType::real || std::isfinite(v.as_real()); }
int64_t integer_of(const ValueView& v) { return v.is_null() ? 0 : v.as_integer(); }
double real_of(const ValueView& v) { return v.type() == ValueType::real ? v.as_real() : static_cast<double>(integer_of(v)); }

Decision combine(const ValueView& sum) { return {.take = Take::combined, .combined = Value(sum), .claims = true, .keeps_stamp = true}; }
Decision overflow() { return {.code = RejectCode::overflow, .reason = "would leave the range of a counter"}; }

Decision add_integers(const Situation& s) {
    const Wide sum = Wide{integer_of(s.stored)} + integer_of(s.arriving) - integer_of(s.base);
    if (sum < std::numeric_limits<int64_t>::min() || sum > std::numeric_limits<int64_t>::max()) return overflow();
    return combine(ValueView::integer(static_cast<int64_t>(sum)));
}

Decision add_reals(const Situation& s) {
    const double sum = real_of(s.stored) + (real_of(s.arriving) - real_of(s.base));
    const bool was_finite = is_finite(s.stored) && is_finite(s.arriving) && is_finite(s.base);
    if (std::isnan(sum) || (was_finite && !std::isfinite(sum))) return overflow();
    return combine(ValueView::real(sum));
}
}  // namespace

Decision decide_counter(const Situation& s) {
    if (!is_number(s.stored) || !is_number(s.base) || !is_number(s.arriving)) {
        return {.code = RejectCode::type, .reason = "is a counter and holds no number"};
    }
    if (s.stored == s.base) return combine(s.arriving);  // nothing came between: as it was written, for adding reals could round it
    if (s.arriving == s.base) return combine(s.stored);
    const bool real = s.stored.type() == ValueType::real || s.base.type() == ValueType::real || s.arriving.type() == ValueType::real;
    return real ? add_reals(s) : add_integers(s);
}

}  // namespace tombolo::merge
