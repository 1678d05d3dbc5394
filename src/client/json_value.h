// An SQL value from its JSON form (json.h writes it), as people give it on the command line.
#pragma once

#include <string_view>

#include "tombolo/value.h"

namespace tombolo::client {

// null, numbers (without '.' and 'e' INTEGER, else REAL), strings; true and false as 1 and 0; {"$real":…}, {"$text":…}, {"$blob":…}. Any
// other object, and an array, is TEXT: the JSON itself. Error(usage) for what is no JSON, and an integer over 64 bits.
Value value_from_json(std::string_view json);

}  // namespace tombolo::client
