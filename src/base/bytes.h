// Byte strings and their text forms. A std::string holds bytes, a std::string_view looks at them; neither implies UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tombolo {

std::string to_hex(std::string_view bytes);                  // lower case
std::optional<std::string> from_hex(std::string_view text);  // nullopt: odd length or a non-hex digit
std::string to_base64(std::string_view bytes);               // RFC 4648, with padding
bool is_valid_utf8(std::string_view bytes);                  // RFC 3629: no surrogates, no overlong forms

}  // namespace tombolo
