// A text as its atoms, for tests to look at.
#pragma once

#include <string>
#include <string_view>

#include "merge/text_atoms.h"

namespace tombolo::merge::testing {

inline std::string atoms(std::string_view utf8) {
    AtomTable table;
    const AtomText text = cut_atoms(utf8, table);
    std::string out;
    for (size_t i = 0; i < text.atoms.size(); ++i)
        out += (i > 0 ? "|" : "") + std::string(text.slice(i, i + 1));
    return out;
}

}  // namespace tombolo::merge::testing
