// One row's change, as it was written: every new value with the base value its author saw.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/schema.h"
#include "tombolo/value.h"

namespace tombolo {

enum class ChangeKind : uint8_t { insert = 1, update = 2, erase = 3 };  // sent and persisted: never renumber

// A cell of a change. `column` is an index into Table::columns.
struct CellView {
    uint32_t column = 0;
    ValueView base;
    ValueView value;
    std::string_view edit{};  // of a text, in place of base and value (model/text_edit.h); merge never sees one
};

// A view into encoded bytes, valid until its source moves on.
//   insert   cells: every column, in order; base is NULL, or the deleted image if over_own_delete
//   update   cells: the changed columns, none of them a key column; ascending. A cell whose value is its base is a write too (a decision
//            for what is stored); no cells at all: a touch, which keeps a row that somebody wants deleted
//   erase    cells: every column, in order; base is the image the author saw; value is NULL
struct ChangeView {
    const Table* table = nullptr;
    ChangeKind kind = ChangeKind::update;
    bool over_own_delete = false;
    std::string_view key;  // record of the key columns (model/record.h)
    std::vector<CellView> cells;
};

// Walks the changes of one transaction; as often as needed, since a transaction may be too big to hold.
class ChangeSource {
public:
    virtual ~ChangeSource() = default;
    virtual void rewind() = 0;
    virtual const ChangeView* next() = 0;  // nullptr at the end; valid until the next call
};

}  // namespace tombolo
