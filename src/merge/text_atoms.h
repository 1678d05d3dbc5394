// Text cut into atoms: what a person takes for one character, and a merge never splits. A code point with the marks and joiners that
// belong to it (combining marks, emoji with skin tone or joined by U+200D, flags), and CR LF. After Unicode's grapheme clusters (UAX 29), from
// tables of Unicode 14; what it calls prepend and conjuncts is not joined.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace tombolo::merge {

enum class AtomKind : uint8_t { line_end, space, word, other };  // word: letters and digits of scripts that put blanks between words

// Gives equal atoms equal numbers: the code point itself, or a number above all of them.
class AtomTable {
public:
    uint32_t number(std::string_view atom);
    AtomKind kind(uint32_t number) const;

private:
    std::map<std::string_view, uint32_t> joined_;  // a tree: a stranger chooses the keys
    std::vector<uint32_t> first_;                  // the first code point of each in joined_
};

struct AtomText {
    std::string_view bytes;
    std::vector<uint32_t> atoms;
    std::vector<uint32_t> starts;  // in bytes; one more than atoms

    std::string_view slice(size_t from, size_t to) const { return bytes.substr(starts[from], starts[to] - starts[from]); }
};

// `utf8` is valid, under 4 GiB, and outlives table and result.
AtomText cut_atoms(std::string_view utf8, AtomTable& table);

}  // namespace tombolo::merge
