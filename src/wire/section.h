// The head of a section (format: wire/rows.h): whose rows follow, and where the sender's columns are in our table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/coding.h"
#include "model/record.h"
#include "model/schema.h"

namespace tombolo::wire {

void put_section(std::string& out, const Table& table);

struct Section {
    const Table* table = nullptr;
    std::vector<uint32_t> columns;  // section column -> table column; each at most once, all key columns among them
    bool ascending = true;          // `columns` is sorted
    bool key_contiguous = false;    // the key's values stand side by side, in key order: its record is a view of the item
    uint32_t key_first = 0;         // contiguous: section column of the key's first value
};

// Throws Error(protocol) on malformed bytes, Error(schema) on a table or column that the schema does not have.
void read_section(Reader& in, const Schema& schema, Section& section);

[[noreturn]] void fail_section(const Section& section, std::string_view what);

// Reads one value per section column into `slot(table column)`. Returns the row's key, which points into the reader's bytes or
// into `key_buffer`.
template <typename Slot>
std::string_view read_values(Reader& in, const Section& section, std::string& key_buffer, Slot slot) {
    const size_t key_last = section.key_first + section.table->key.size() - 1;
    const char* key_begin = nullptr;
    const char* key_end = nullptr;
    for (size_t i = 0; i < section.columns.size(); ++i) {
        if (i == section.key_first) key_begin = in.position();
        slot(section.columns[i]) = read_value(in);
        if (i == key_last) key_end = in.position();
    }
    if (in.failed()) fail_section(section, "a value is cut short or not in its one proper form");
    if (section.key_contiguous) return {key_begin, static_cast<size_t>(key_end - key_begin)};
    key_buffer.clear();
    for (const uint32_t column : section.table->key)
        put_value(key_buffer, slot(column));
    return key_buffer;
}

}  // namespace tombolo::wire
