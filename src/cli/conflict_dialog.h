// Settling conflicts one by one, with a person at the terminal.
#pragma once

#include <iosfwd>

#include "cli/conflict_view.h"
#include "tombolo/database.h"

namespace tombolo::cli {

// Shows each open conflict and asks, on standard output; answers come from `answers`, a line each. Its end is "quit".
void settle_one_by_one(Database& db, std::istream& answers, const ConflictViewOptions& options);

}  // namespace tombolo::cli
