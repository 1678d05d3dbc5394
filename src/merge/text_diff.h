// What one side did to a text, as edits a person would recognise. Time is bounded by the length of both texts (times a logarithm,
// where lines and words are sorted), never by its square.
//
// Common ends are cut off. What is left is compared by E. Myers' greedy algorithm (An O(ND) Difference Algorithm and Its Variations, 1986) as
// long as that stays cheap; else lines that occur once on each side, in their longest common order, are taken for the same (B. Cohen's
// patience diff), then words likewise between them, and what is left after that is one replaced stretch. At last edits slide to where words
// and lines begin, and chance matches inside a rewriting are given up (both after N. Fraser's diff-match-patch).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "merge/text_atoms.h"

namespace tombolo::merge {

// Atoms [begin, end) of the base became atoms [from, to) of the side.
struct TextEdit {
    uint32_t begin = 0, end = 0;
    uint32_t from = 0, to = 0;
    bool deletes() const { return begin < end; }
    bool inserts() const { return from < to; }
    bool operator==(const TextEdit&) const = default;
};

// In order; between two edits there is at least one atom that both texts have. `work`, if given, is raised by the steps taken.
std::vector<TextEdit> diff_texts(const AtomText& base, const AtomText& side, const AtomTable& table, size_t* work = nullptr);

}  // namespace tombolo::merge
