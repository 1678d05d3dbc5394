// The inside of a CREATE TABLE statement, cut into columns and constraints, so that two versions of it can be compared.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tombolo::store {

// SQL in a form in which only differences that mean something remain: tokens between single spaces, words in lower case, no
// comments. Quoted text is left alone.
std::string normalize_sql(std::string_view sql);

struct Definition {
    std::string text;  // as written
    std::string normalized;
};

struct TableDefinition {
    std::vector<Definition> columns;
    std::vector<Definition> constraints;
    std::string options;  // normalized: what follows the last parenthesis (WITHOUT ROWID, STRICT)
};
TableDefinition parse_table_definition(std::string_view create_table_sql);

// Whether rows that exist can take the column: it has a constant default, or may be NULL. SQLite refuses the others only where there
// are rows, and those may be on a device.
bool can_be_added(const Definition& column);

}  // namespace tombolo::store
