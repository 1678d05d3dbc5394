// What the program prints: tables, JSON and errors.
#pragma once

#include <string>
#include <string_view>

#include "tombolo/error.h"
#include "tombolo/status.h"
#include "tombolo/value.h"

namespace tombolo::cli {

// "tombolo: CODE: sentence", then what to do about it, on stderr.
void print_error(const Error& error);

void print_line(std::string_view text);          // on stdout, flushed
std::string table_text(const Rows& rows);        // aligned columns under their names
std::string json_text(const Rows& rows);         // an array with one object per row
std::string status_table(const Status& status);  // one line per field, for people
// The whole of it on one line; with `progress`, also what changes many times a second.
std::string status_line(const Status& status, bool progress = true);
std::string bytes_text(int64_t bytes);                         // "812 B", "3.4 MB"
std::string count_text(int64_t count, std::string_view noun);  // "1 row", "63,214 rows"

// On one line: what would move the cursor or colour the terminal is shown as an escape.
std::string printable(std::string_view text);
std::string value_text(const Value& value);
size_t code_points(std::string_view utf8);

bool stdout_is_terminal();
bool stdin_is_terminal();

}  // namespace tombolo::cli
