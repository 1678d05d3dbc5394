#include "wire/section.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "tombolo/error.h"

namespace tombolo::wire {

namespace {

// Both ends mostly know the same columns in the same order, so the search begins where the last one ended.
uint32_t find_column(const Table& table, std::string_view column_name, uint32_t expected) {
    if (expected < table.columns.size() && equal_names(table.columns[expected].name, column_name)) return expected;
    if (const auto column = table.find_column(column_name)) return *column;
    throw Error(ErrorCode::schema, fmt::format("the other side sent a column {}.{} that the schema here does not have", table.name, column_name));
}

uint32_t section_column_of(const Section& section, uint32_t table_column) {
    const auto found = std::find(section.columns.begin(), section.columns.end(), table_column);
    if (found != section.columns.end()) return static_cast<uint32_t>(found - section.columns.begin());
    throw Error(ErrorCode::schema, fmt::format("the other side sent rows of {} without their key column {}", section.table->name,
                                               section.table->columns[table_column].name));
}

void locate_key(Section& section) {
    const std::vector<uint32_t>& key = section.table->key;
    section.key_first = section_column_of(section, key[0]);
    section.key_contiguous = true;
    for (uint32_t i = 1; i < key.size(); ++i) {
        if (section_column_of(section, key[i]) != section.key_first + i) section.key_contiguous = false;
    }
}

}  // namespace

void put_section(std::string& out, const Table& table) {
    put_bytes(out, table.name);
    put_varint(out, table.columns.size());
    for (const Column& column : table.columns)
        put_bytes(out, column.name);
}

void read_section(Reader& in, const Schema& schema, Section& section) {
    const std::string_view table_name = in.bytes();
    const uint64_t count = in.count();
    if (in.failed() || count == 0 || count > limits::columns_max) throw Error(ErrorCode::protocol, "a section of rows has no proper head");
    section.table = schema.find(table_name);
    if (section.table == nullptr) {
        throw Error(ErrorCode::schema, fmt::format("the other side sent rows of a table {} that the schema here does not have", table_name));
    }

    section.columns.clear();
    section.ascending = true;
    std::vector<bool> seen(section.table->columns.size());
    uint32_t expected = 0;
    for (uint64_t i = 0; i < count; ++i) {
        const std::string_view column_name = in.bytes();
        if (in.failed()) fail_section(section, "its column names are cut short");
        const uint32_t column = find_column(*section.table, column_name, expected);
        if (seen[column]) fail_section(section, "a column is named twice");
        seen[column] = true;
        if (column < expected) section.ascending = false;
        section.columns.push_back(column);
        expected = column + 1;
    }
    locate_key(section);
}

void fail_section(const Section& section, std::string_view what) {
    throw Error(ErrorCode::protocol, fmt::format("a section of rows of {} is malformed: {}", section.table->name, what));
}

}  // namespace tombolo::wire
