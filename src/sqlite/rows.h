// Values into a statement, and its rows as values that outlive it.
#pragma once

#include <string>
#include <vector>

#include "sqlite/connection.h"
#include "tombolo/value.h"

namespace tombolo::sqlite {

std::vector<std::string> column_names(const Statement& statement);  // a repeated one gets ":1", ":2"
Rows read_rows(Statement& statement);                               // steps to the end

// From ?1 on. Error(usage): the statement has more parameters, or fewer.
void bind_all(Statement& statement, const std::vector<Value>& arguments);

}  // namespace tombolo::sqlite
