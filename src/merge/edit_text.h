// What became of a text, as the edit that outbox and wire carry (model/text_edit.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tombolo::merge {

// nullopt where it would not be smaller than the two texts, or where one is not UTF-8. Time is bounded by the length of the texts.
std::optional<std::string> edit_text(std::string_view base, std::string_view value);

}  // namespace tombolo::merge
