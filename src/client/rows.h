// Rows of a statement as values that outlive it.
#pragma once

#include "sqlite/connection.h"
#include "tombolo/value.h"

namespace tombolo::client {

Rows read_rows(sqlite::Statement& statement);  // steps to the end; repeated column names get ":1", ":2"

}  // namespace tombolo::client
