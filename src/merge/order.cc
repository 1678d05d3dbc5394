// The order of SQL values, as SQLite sorts them under BINARY collation.
#include <cmath>
#include <cstring>

#include "merge/policies.h"

namespace tombolo::merge {

namespace {
int sign(bool less, bool greater) { return less ? -1 : (greater ? 1 : 0); }

int rank(const ValueView& v) {
    if (v.type() == ValueType::blob) return 3;
    if (v.type() == ValueType::text) return 2;
    if (v.type() == ValueType::real) return std::isnan(v.as_real()) ? 0 : 1;  // SQLite stores NaN as NULL
    return v.is_null() ? 0 : 1;
}

// Exact: a double cannot hold every int64, so neither side is converted without a look at what that would lose.
int compare_mixed(int64_t integer, double real) {
    constexpr double two_to_63 = 9223372036854775808.0;
    if (real >= two_to_63) return -1;
    if (real < -two_to_63) return 1;
    const auto whole = static_cast<int64_t>(real);
    if (integer != whole) return sign(integer < whole, true);
    const double rest = real - static_cast<double>(whole);
    return sign(rest > 0, rest < 0);
}

int compare_numbers(const ValueView& a, const ValueView& b) {
    const bool a_real = a.type() == ValueType::real;
    const bool b_real = b.type() == ValueType::real;
    if (a_real && b_real) return sign(a.as_real() < b.as_real(), a.as_real() > b.as_real());
    if (a_real) return -compare_mixed(b.as_integer(), a.as_real());
    if (b_real) return compare_mixed(a.as_integer(), b.as_real());
    return sign(a.as_integer() < b.as_integer(), a.as_integer() > b.as_integer());
}
}  // namespace

int compare_values(const ValueView& a, const ValueView& b) {
    const int rank_a = rank(a);
    const int rank_b = rank(b);
    if (rank_a != rank_b) return rank_a < rank_b ? -1 : 1;
    if (rank_a == 0) return 0;
    return rank_a == 1 ? compare_numbers(a, b) : a.bytes().compare(b.bytes());
}

}  // namespace tombolo::merge
