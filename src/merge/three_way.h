// Three-way merges of what a cell holds: what became of `base` on both sides, in one value. Pure; the same for both sides but for
// `mine_later`, which says whose write has the greater (stamp, site).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tombolo::merge {

// nullopt: one of them is not what the policy is for; the later write wins then. A base that was NULL is empty.

// JSON arrays as sets: what either side added is in, what either side removed is out. Elements are equal by JSON type and value,
// each is there once, in the order of json_value.h.
std::optional<std::string> merge_sets(std::string_view base, std::string_view mine, std::string_view theirs);
// JSON documents: objects member by member, at every depth; anything else is a value. Where both sides changed one value, the later
// write has it.
std::optional<std::string> merge_json(std::string_view base, std::string_view mine, std::string_view theirs, bool mine_later);
// Texts in UTF-8: both sides' insertions and deletions, no character split. What was typed at one place follows each other, the earlier
// write first. Time is bounded by the length of the texts.
std::optional<std::string> merge_texts(std::string_view base, std::string_view mine, std::string_view theirs, bool mine_later);

}  // namespace tombolo::merge
