// A change with the texts in it that travelled as edits.
#pragma once

#include <algorithm>
#include <deque>
#include <string>

#include "model/change.h"
#include "model/text_edit.h"

namespace tombolo {

inline bool has_edits(const ChangeView& change) {
    return std::any_of(change.cells.begin(), change.cells.end(), [](const CellView& cell) { return !cell.edit.empty(); });
}

class WholeChange {
public:
    // `base_of(cell)` gives the text that the cell's edit was made of. nullptr: an edit that does not fit it. `change` itself, where
    // nothing is to be done; else valid until the next call.
    template <typename BaseOf>
    const ChangeView* make(const ChangeView& change, BaseOf base_of) {
        if (!has_edits(change)) return &change;
        whole_ = change;
        texts_.clear();
        for (CellView& cell : whole_.cells) {
            if (cell.edit.empty()) continue;
            const std::string& base = texts_.emplace_back(base_of(cell));
            std::optional<std::string> value = apply_edit(cell.edit, base);
            if (!value) return nullptr;
            cell.base = ValueView::text(base);
            cell.value = ValueView::text(texts_.emplace_back(std::move(*value)));
            cell.edit = {};
        }
        return &whole_;
    }

private:
    ChangeView whole_;
    std::deque<std::string> texts_;  // a deque: they never move
};

}  // namespace tombolo
