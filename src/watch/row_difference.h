// What turns one result of a query into the next, row by row.
#pragma once

#include <vector>

#include "tombolo/watch.h"

namespace tombolo::watch {

// `key`: the columns that name a row. Rows of the same key are told apart by their order. Results with
// other columns have no row in common.
RowsChange difference(const Rows& before, const Rows& now, const std::vector<size_t>& key);

}  // namespace tombolo::watch
