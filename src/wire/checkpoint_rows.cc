// Rows of a CheckpointPart (format: wire/rows.h).
#include <utility>

#include "base/assert.h"
#include "wire/item.h"
#include "wire/rows.h"

namespace tombolo::wire {

// --- writing ---

void RowWriter::enter(const Table& table) {
    if (table_ == &table) return;
    if (table_ != nullptr) put_item(out_, Item::end);
    put_section(out_, table);
    table_ = &table;
    last_meta_.clear();
}

void RowWriter::put_meta_form(const RowMeta& meta) {
    scratch_.clear();
    put_meta(scratch_, meta);
    const bool same = scratch_ == last_meta_;
    out_.push_back(same ? 1 : 0);
    if (same) return;
    out_.append(scratch_);
    last_meta_.swap(scratch_);
}

void RowWriter::add_row(const Table& table, const std::vector<ValueView>& values, const RowMeta& meta) {
    TOMBOLO_ASSERT(values.size() == table.columns.size());
    enter(table);
    put_item(out_, Item::row);
    put_meta_form(meta);
    for (const ValueView& value : values)
        put_value(out_, value);
}

void RowWriter::add_gone(const Table& table, std::string_view key, Gone reason, const RowMeta& meta, const std::vector<ValueView>* image) {
    TOMBOLO_ASSERT(image == nullptr || image->size() == table.columns.size());
    enter(table);
    put_item(out_, image != nullptr ? Item::gone_with_image : Item::gone);
    out_.push_back(static_cast<char>(reason));
    if (image != nullptr) {
        put_meta(out_, meta);
        for (const ValueView& value : *image)
            put_value(out_, value);
    } else {
        put_varint(out_, meta.death.site.value);
        put_varint(out_, meta.death.seq.value);
        put_bytes(out_, key);
    }
}

std::string RowWriter::take() {
    if (table_ != nullptr) put_item(out_, Item::end);
    table_ = nullptr;
    return std::exchange(out_, {});
}

// --- reading ---

namespace {

Gone read_reason(ItemReader& items) {
    const uint8_t byte = items.in.byte();
    if (byte != static_cast<uint8_t>(Gone::deleted) && byte != static_cast<uint8_t>(Gone::left_channels)) {
        items.fail("a row is gone for an unknown reason");
    }
    return static_cast<Gone>(byte);
}

// One meta cell per section column becomes one per table column.
void map_cells(const Section& section, RowMeta& meta) {
    if (meta.cells.empty()) return;
    if (meta.cells.size() != section.columns.size()) fail_section(section, "a row's cells are not as many as its columns");
    if (section.ascending && section.columns.size() == section.table->columns.size()) return;
    const std::vector<WriteMark> sent = std::exchange(meta.cells, {});
    const WriteMark born{meta.birth.site, meta.birth.seq, Seq{}, meta.birth_stamp};
    meta.cells.assign(section.table->columns.size(), born);
    for (size_t i = 0; i < sent.size(); ++i)
        meta.cells[section.columns[i]] = sent[i];
}

void fill_defaults(const Table& table, std::vector<ValueView>& values) {
    values.clear();
    for (const Column& column : table.columns)
        values.push_back(column.default_value);
}

}  // namespace

RowReader::RowReader(const Schema& schema, std::string_view rows) : items_(schema, rows) {}

const RowView* RowReader::next() {
    const Item item = items_.next();
    if (item == Item::end) return nullptr;
    if (items_.is_first()) enter_section();
    switch (item) {
        case Item::row: read_row(); return &row_;
        case Item::gone: read_gone(); return &gone_;
        case Item::gone_with_image: read_gone_with_image(); return &gone_;
        default: items_.fail("an item is of a kind that no checkpoint has");
    }
}

// Columns that the section does not have keep what they are given here.
void RowReader::enter_section() {
    row_.table = &items_.table();
    fill_defaults(items_.table(), row_.values);
    has_meta_ = false;
    gone_.table = &items_.table();
    gone_.gone = true;
}

void RowReader::read_mapped_meta(RowMeta& meta) {
    if (!read_meta(items_.in, meta)) items_.fail("a row's meta is cut short or malformed");
    map_cells(items_.section(), meta);
}

void RowReader::read_row() {
    const uint8_t form = items_.in.byte();
    if (form > 1 || (form == 1 && !has_meta_)) items_.fail("a row's meta is of an unknown form");
    if (form == 0) read_mapped_meta(row_.meta);
    has_meta_ = true;
    row_.key = items_.values([this](uint32_t column) -> ValueView& { return row_.values[column]; });
}

void RowReader::read_gone() {
    gone_.reason = read_reason(items_);
    gone_.has_image = false;
    gone_.values.clear();
    gone_.meta = {};
    gone_.meta.death.site.value = items_.in.varint();
    gone_.meta.death.seq.value = items_.in.varint();
    gone_.key = items_.key();
}

void RowReader::read_gone_with_image() {
    gone_.reason = read_reason(items_);
    gone_.has_image = true;
    read_mapped_meta(gone_.meta);
    fill_defaults(items_.table(), gone_.values);
    gone_.key = items_.values([this](uint32_t column) -> ValueView& { return gone_.values[column]; });
}

}  // namespace tombolo::wire
