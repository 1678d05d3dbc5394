// Column affinity: what SQLite makes of a value when it is stored in a column.
#pragma once

#include <string_view>

#include "tombolo/value.h"

namespace tombolo::sqlite {

enum class Affinity { blob, text, numeric, integer, real };

Affinity affinity_of(std::string_view declared_type);  // SQLite's rule

// The value as a column of that affinity would hold it: '7' in a number column is 7, 7 in a text column '7'.
Value as_stored(Affinity affinity, const ValueView& value);

}  // namespace tombolo::sqlite
