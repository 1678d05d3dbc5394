// The store on SQLite: one space is one file. sqlite_layout.h has the tables.
#pragma once

#include <memory>
#include <string>

#include "store/store.h"
#include "world/random.h"

namespace tombolo::store {

// Opens the space's file, or makes it. ":memory:" keeps everything in memory. Keeping a second hub off the same folder is the
// caller's affair; a file that somebody else writes to fails with Error(busy). Throws Error(too_new), and what SQLite says.
// `vfs` names the SQLite VFS to keep it on; nullptr: the default.
std::unique_ptr<Store> open_sqlite_store(const std::string& path, world::Random& random, const char* vfs = nullptr);

}  // namespace tombolo::store
