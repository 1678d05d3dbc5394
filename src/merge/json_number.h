// Decimal numbers as JSON writes them, exact and of any length.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tombolo::merge {

// The one form of a JSON number: an integer as its digits; any other with a point or an exponent (0.5, 15.0, 1.5e300). `text` has
// JSON's grammar. nullopt: the exponent has more than nine digits.
std::optional<std::string> canonical_number(std::string_view text);
// Both canonical. Of equal ones an integer comes first.
int compare_numbers(std::string_view a, std::string_view b);

}  // namespace tombolo::merge
