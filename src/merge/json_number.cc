#include "merge/json_number.h"

#include <charconv>
#include <cstdint>

namespace tombolo::merge {

namespace {

// ± 0.DIGITS × 10^point; no zero at either end of `digits`; zero has none, and no sign.
struct Decimal {
    bool negative = false;
    bool integer = true;  // as written: without point and exponent
    std::string digits;
    int64_t point = 0;
};

std::optional<Decimal> read(std::string_view text) {
    Decimal number;
    number.negative = text.front() == '-';
    const size_t exponent_at = text.find_first_of("eE");
    const std::string_view mantissa = text.substr(number.negative ? 1 : 0, exponent_at - (number.negative ? 1 : 0));
    if (exponent_at != std::string_view::npos) {
        std::string_view exponent = text.substr(exponent_at + 1);
        if (exponent.front() == '+') exponent.remove_prefix(1);
        if (exponent.size() > 10) return std::nullopt;
        std::from_chars(exponent.data(), exponent.data() + exponent.size(), number.point);
        number.integer = false;
    }
    const size_t dot = mantissa.find('.');
    if (dot != std::string_view::npos) number.integer = false;
    number.digits = std::string(mantissa.substr(0, dot));
    number.point += static_cast<int64_t>(number.digits.size());
    if (dot != std::string_view::npos) number.digits += mantissa.substr(dot + 1);

    const size_t first = number.digits.find_first_not_of('0');
    if (first == std::string::npos) return Decimal{false, number.integer, {}, 0};
    number.digits.erase(0, first);
    number.point -= static_cast<int64_t>(first);
    number.digits.erase(number.digits.find_last_not_of('0') + 1);
    return number;
}

std::string write_plain(const Decimal& number) {
    const auto whole = static_cast<size_t>(number.point);
    std::string text = number.digits.substr(0, whole);
    text.resize(whole, '0');
    if (number.integer) return text;
    return text + "." + (number.digits.size() > whole ? number.digits.substr(whole) : "0");
}

std::string write(const Decimal& number) {
    constexpr int64_t plain_digits_max = 17;
    if (number.digits.empty()) return number.integer ? "0" : "0.0";
    const std::string sign = number.negative ? "-" : "";
    if (number.integer || (number.point > 0 && number.point <= plain_digits_max)) return sign + write_plain(number);
    if (number.point <= 0 && number.point > -5) return sign + "0." + std::string(static_cast<size_t>(-number.point), '0') + number.digits;
    const std::string rest = number.digits.size() > 1 ? "." + number.digits.substr(1) : "";
    return sign + number.digits.front() + rest + "e" + std::to_string(number.point - 1);
}

int compare_sizes(const Decimal& a, const Decimal& b) {
    if (a.digits.empty() || b.digits.empty()) return static_cast<int>(!a.digits.empty()) - static_cast<int>(!b.digits.empty());
    if (a.point != b.point) return a.point < b.point ? -1 : 1;
    return a.digits.compare(b.digits);
}

}  // namespace

std::optional<std::string> canonical_number(std::string_view text) {
    const auto number = read(text);
    if (!number) return std::nullopt;
    return write(*number);
}

int compare_numbers(std::string_view a_text, std::string_view b_text) {
    const Decimal a = read(a_text).value();
    const Decimal b = read(b_text).value();
    if (a.negative != b.negative) return a.negative ? -1 : 1;
    const int sizes = a.negative ? compare_sizes(b, a) : compare_sizes(a, b);
    return sizes != 0 ? sizes : static_cast<int>(b.integer) - static_cast<int>(a.integer);
}

}  // namespace tombolo::merge
