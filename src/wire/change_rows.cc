// Changes as rows of a PushPart (format: wire/rows.h).
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "model/whole_change.h"
#include "wire/item.h"
#include "wire/rows.h"

namespace tombolo::wire {

namespace {
constexpr char whole_cell = 0;
constexpr char edited_cell = 1;
}  // namespace

// --- writing ---

void ChangeWriter::enter(const Table& table) {
    if (table_ == &table) return;
    if (table_ != nullptr) put_item(out_, Item::end);
    put_section(out_, table);
    table_ = &table;
}

void ChangeWriter::add(const ChangeView& change) {
    TOMBOLO_ASSERT(change.table != nullptr);
    TOMBOLO_ASSERT(change.kind == ChangeKind::update || change.cells.size() == change.table->columns.size());
    enter(*change.table);
    switch (change.kind) {
        case ChangeKind::insert:
            put_item(out_, change.over_own_delete ? Item::insert_over_own_delete : Item::insert);
            if (change.over_own_delete) {
                for (const CellView& cell : change.cells)
                    put_value(out_, cell.base);
            }
            for (const CellView& cell : change.cells)
                put_value(out_, cell.value);
            return;
        case ChangeKind::update: return add_update(change);
        case ChangeKind::erase:
            put_item(out_, Item::erase);
            for (const CellView& cell : change.cells)
                put_value(out_, cell.base);
            return;
    }
    TOMBOLO_ASSERT(false);
}

void ChangeWriter::add_update(const ChangeView& change) {
    const bool with_edits = has_edits(change);
    put_item(out_, with_edits ? Item::update_with_edits : Item::update);
    put_bytes(out_, change.key);
    put_varint(out_, change.cells.size());
    for (const CellView& cell : change.cells) {
        put_varint(out_, cell.column);
        if (with_edits) out_.push_back(cell.edit.empty() ? whole_cell : edited_cell);
        if (!cell.edit.empty()) {
            put_bytes(out_, cell.edit);
            continue;
        }
        put_value(out_, cell.value);
        put_value(out_, cell.base);
    }
}

std::string ChangeWriter::take() {
    if (table_ != nullptr) put_item(out_, Item::end);
    table_ = nullptr;
    return std::exchange(out_, {});
}

// --- reading ---

ChangeReader::ChangeReader(const Schema& schema, std::string_view rows) : items_(schema, rows) {}

const ChangeView* ChangeReader::next() {
    const Item item = items_.next();
    if (item == Item::end) return nullptr;
    if (items_.is_first()) every_column_ = false;
    change_.table = &items_.table();
    switch (item) {
        case Item::insert: read_insert(false); break;
        case Item::update: read_update(false); break;
        case Item::update_with_edits: read_update(true); break;
        case Item::erase: read_erase(); break;
        case Item::insert_over_own_delete: read_insert(true); break;
        default: items_.fail("an item is of a kind that no change has");
    }
    return &change_;
}

void ChangeReader::set_every_column() {
    const auto count = static_cast<uint32_t>(items_.table().columns.size());
    if (every_column_ && items_.section().columns.size() == count) return;
    // Columns that the section does not have keep what they are given here.
    change_.cells.clear();
    for (uint32_t i = 0; i < count; ++i) {
        const ValueView missing = items_.table().columns[i].default_value;
        change_.cells.push_back({i, missing, missing});
    }
    every_column_ = true;
}

void ChangeReader::read_insert(bool over_own_delete) {
    set_every_column();
    change_.kind = ChangeKind::insert;
    change_.over_own_delete = over_own_delete;
    if (over_own_delete) {
        items_.values([this](uint32_t column) -> ValueView& { return change_.cells[column].base; });
    } else {
        for (CellView& cell : change_.cells)
            cell.base = {};
    }
    change_.key = items_.values([this](uint32_t column) -> ValueView& { return change_.cells[column].value; });
}

void ChangeReader::read_erase() {
    set_every_column();
    change_.kind = ChangeKind::erase;
    change_.over_own_delete = false;
    for (CellView& cell : change_.cells)
        cell.value = {};
    change_.key = items_.values([this](uint32_t column) -> ValueView& { return change_.cells[column].base; });
}

void ChangeReader::read_update(bool with_edits) {
    every_column_ = false;
    change_.kind = ChangeKind::update;
    change_.over_own_delete = false;
    change_.key = items_.key();
    const uint64_t count = items_.in.count();
    if (count > items_.section().columns.size()) items_.fail("an update has more cells than columns");
    change_.cells.clear();
    uint64_t least = 0;
    for (uint64_t i = 0; i < count; ++i) {
        const uint64_t at = items_.in.varint();
        if (items_.in.failed() || at < least || at >= items_.section().columns.size()) items_.fail("an update's columns are not ascending");
        least = at + 1;
        CellView& cell = change_.cells.emplace_back();
        cell.column = items_.section().columns[at];
        if (items_.table().is_key(cell.column)) items_.fail("an update changes a key column");
        read_cell(cell, with_edits);
    }
    if (items_.in.failed()) items_.fail("an update is cut short or malformed");
    if (items_.section().ascending) return;
    std::sort(change_.cells.begin(), change_.cells.end(), [](const CellView& a, const CellView& b) { return a.column < b.column; });
}

void ChangeReader::read_cell(CellView& cell, bool with_edits) {
    const char form = with_edits ? static_cast<char>(items_.in.byte()) : whole_cell;
    if (form == whole_cell) {
        cell.value = read_value(items_.in);
        cell.base = read_value(items_.in);
        return;
    }
    cell.edit = items_.in.bytes();
    if (form != edited_cell || items_.in.failed() || !is_edit(cell.edit)) items_.fail("an edit of a text is malformed");
}

}  // namespace tombolo::wire
