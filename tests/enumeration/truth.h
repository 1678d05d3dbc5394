// What must hold after every commit, told from each row's full past instead of the hub's compact marks. Throws Violation.
#pragma once

#include "tests/enumeration/model.h"

namespace tombolo::enumeration {

// `before`: the hub's rows before the commit. The transaction of `site` took hub.head; `refused`: it was rejected in merge.
void check_commit(const World& world, Hub& hub, const std::array<Row, rows_max>& before, int site, const Entry& entry, HubTime stamp,
                  const merge::Outcome& outcome);

}  // namespace tombolo::enumeration
