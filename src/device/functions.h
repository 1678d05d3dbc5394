// SQL functions of ours that are not capture.
#pragma once

#include <sqlite3.h>

#include <string>

#include "world/random.h"

namespace tombolo::device {

std::string make_uuid(world::Random& random);  // version 4, lower case, 36 characters

// tombolo_uuid(), tombolo_state(). `random` outlives the connection.
void register_functions(sqlite3* db, world::Random& random);

}  // namespace tombolo::device
