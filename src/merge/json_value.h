// A JSON document taken apart for merging: read exactly, compared by type and value, written in one canonical form.
//
//   numbers   decimal and exact, of any length. 1 is an integer and 1.0 is not, so they differ; 1.0 and 10.00e-1 are the same
//   objects   the order of names does not matter; a name that occurs twice makes the document unusable
//   order     null, false, true, numbers (by value, an integer before an equal other), texts (by UTF-8 bytes), arrays, objects
//
// Written without white space, names in ascending order of bytes, escapes only where JSON asks for them, 1.50e1 as 15.0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tombolo::merge {

struct JsonMember;

struct JsonValue {
    enum class Type : uint8_t { null, no, yes, number, text, array, object };

    Type type = Type::null;
    std::string text;                 // number: canonical; text: without escapes, UTF-8
    std::vector<JsonMember> members;  // array: in order, without names; object: by ascending name
};

struct JsonMember {
    std::string name;
    JsonValue value;
};

// nullopt: not JSON, not UTF-8, deeper than limits::nesting_max, a repeated name, an exponent beyond reason.
std::optional<JsonValue> parse_json(std::string_view text);
void write_json(std::string& out, const JsonValue& value);
// Negative, zero or positive.
int compare_json(const JsonValue& a, const JsonValue& b);

}  // namespace tombolo::merge
