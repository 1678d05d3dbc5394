// The demo's data: this machine's package catalogue, or rows made up where there is none.
#pragma once

#include <functional>
#include <string>

#include "tombolo/value.h"

namespace tombolo::cli {

inline constexpr const char* catalogue_table_sql =
    "CREATE TABLE packages(name TEXT, version TEXT, section TEXT, priority TEXT, maintainer TEXT, installed_size INTEGER, homepage TEXT, "
    "description TEXT, PRIMARY KEY (name, version))";

// Calls `add` with one row per package, columns as in the table. Returns how many; 0: there is no catalogue.
size_t read_package_catalogue(const std::function<void(const Row&)>& add);
size_t make_catalogue(size_t rows, const std::function<void(const Row&)>& add);

}  // namespace tombolo::cli
