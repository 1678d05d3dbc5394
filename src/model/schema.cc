#include "model/schema.h"

#include <algorithm>

namespace tombolo {

namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
}  // namespace

bool equal_names(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool Table::is_key(uint32_t column) const { return std::find(key.begin(), key.end(), column) != key.end(); }

bool Table::is_of_whole(uint32_t column) const { return whole_rows && columns[column].policy == ColumnPolicy::lww && !is_key(column); }

std::optional<uint32_t> Table::find_column(std::string_view column_name) const {
    for (uint32_t i = 0; i < columns.size(); ++i) {
        if (equal_names(columns[i].name, column_name)) return i;
    }
    return std::nullopt;
}

const Table* Schema::find(std::string_view table_name) const {
    for (const Table& table : tables) {
        if (equal_names(table.name, table_name)) return &table;
    }
    return nullptr;
}

void add_defaults(const Table& table, std::vector<Value>& values) {
    while (values.size() < table.columns.size())
        values.push_back(table.columns[values.size()].default_value);
}

std::string describe_difference(const Table& device, const Table& hub) {
    for (const Column& column : hub.columns) {
        const auto here = device.find_column(column.name);
        if (!here) return "table " + hub.name + " has no column " + column.name + " here, but the hub has";
        if (!equal_names(device.columns[*here].type, column.type)) {
            return "column " + hub.name + "." + column.name + " is " + device.columns[*here].type + " here, but " + column.type + " at the hub";
        }
    }
    for (const Column& column : device.columns) {
        if (!hub.find_column(column.name)) return "table " + hub.name + " has a column " + column.name + " here that the hub does not have";
    }
    if (device.columns.size() != hub.columns.size() || device.key.size() != hub.key.size()) {
        return "table " + hub.name + " has another primary key here than at the hub";
    }
    for (size_t i = 0; i < hub.key.size(); ++i) {
        if (!equal_names(device.columns[device.key[i]].name, hub.columns[hub.key[i]].name)) {
            return "table " + hub.name + " has another primary key here than at the hub";
        }
    }
    return {};
}

}  // namespace tombolo
