// Does a key fit a file? Asked before SQLite sees the file: under a wrong key the log and the journal look empty, and SQLite would delete
// them, and with them what was committed.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "crypto/damage.h"
#include "crypto/key_material.h"

namespace tombolo::crypto {

// `file` is the database, open in `vfs`. None where the key fits, or nothing can be said yet (an empty file; one whose making was cut off).
Damage::Kind check_key(sqlite3_vfs* vfs, sqlite3_file* file, const std::string& path, KeyMaterial& key);

// For opening without a key: true if the file is no plain database but looks like an encrypted one. false for a file that is not there.
bool looks_encrypted(sqlite3_vfs* vfs, const std::string& path);

}  // namespace tombolo::crypto
