#include "sqlite/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace tombolo::sqlite {

std::vector<std::string> column_names(const Statement& statement) {
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

void bind_all(Statement& statement, const std::vector<Value>& arguments) {
    const int wanted = sqlite3_bind_parameter_count(statement.handle());
    if (wanted != static_cast<int>(arguments.size())) {
        throw Error(ErrorCode::usage, fmt::format("the statement has {} parameters, and {} values were given", wanted, arguments.size()));
    }
    for (size_t i = 0; i < arguments.size(); ++i)
        statement.bind(static_cast<int>(i) + 1, arguments[i].view());
}

Rows read_rows(Statement& statement) {
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

}  // namespace tombolo::sqlite
