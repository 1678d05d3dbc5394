#include "model/conflict_table.h"

#include "model/record.h"

namespace tombolo {

std::string put_named_row(const Table& table, const std::vector<Value>& values) {
    std::string out;
    for (size_t i = 0; i < values.size() && i < table.columns.size(); ++i) {
        put_value(out, ValueView::text(table.columns[i].name));
        put_value(out, values[i]);
    }
    return out;
}

std::string put_named_key(const Table& table, std::string_view key) {
    std::string out;
    Reader in(key);
    for (size_t i = 0; i < table.key.size() && !in.at_end(); ++i) {
        put_value(out, ValueView::text(table.columns[table.key[i]].name));
        put_value(out, read_value(in));
    }
    return out;
}

bool read_named_row(std::string_view bytes, NamedRow& row) {
    std::vector<ValueView> values;
    if (!decode_record(bytes, values) || values.size() % 2 != 0) return false;
    row.clear();
    for (size_t i = 0; i < values.size(); i += 2) {
        if (values[i].type() != ValueType::text) return false;
        row.push_back({std::string(values[i].bytes()), Value(values[i + 1])});
    }
    return true;
}

}  // namespace tombolo
