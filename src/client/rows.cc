#include "client/rows.h"

#include <algorithm>
#include <string>

namespace tombolo::client {

namespace {

std::vector<std::string> column_names(const sqlite::Statement& statement) {
    std::vector<std::string> names;
    const auto taken = [&](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); };
    for (int i = 0; i < statement.column_count(); ++i) {
        const std::string plain = statement.column_name(i);
        std::string name = plain;
        for (int repeat = 1; taken(name); ++repeat)
            name = plain + ":" + std::to_string(repeat);
        names.push_back(std::move(name));
    }
    return names;
}

}  // namespace

Rows read_rows(sqlite::Statement& statement) {
    Rows rows;
    rows.columns = column_names(statement);
    while (statement.step()) {
        Row& row = rows.rows.emplace_back();
        row.reserve(rows.columns.size());
        for (int i = 0; i < statement.column_count(); ++i)
            row.emplace_back(statement.value(i));
    }
    return rows;
}

}  // namespace tombolo::client
