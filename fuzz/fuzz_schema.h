// The schema that the fuzz targets read rows with, and their seeds are written with.
#pragma once

#include "model/schema.h"

namespace tombolo::fuzz {

inline Schema schema() {
    const Table tasks{"tasks", {{"id", "TEXT", {}}, {"title", "TEXT", {}}, {"done", "INTEGER", {}}}, {0}, false, {}, {}};
    const Table members{"members", {{"user", "TEXT", {}}, {"since", "REAL", {}}, {"team", "TEXT", {}}}, {2, 0}, true, {}, {}};
    return {{tasks, members}, {"CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER)"}};
}

}  // namespace tombolo::fuzz
