// open_encrypted: an sqlite3* of the application's own to an encrypted file, beside or without a Database.
#pragma once

#include <string>

#include "tombolo/key.h"

struct sqlite3;

namespace tombolo {

// As sqlite3_open_v2 for a plain file, made where it is missing; the application closes it with sqlite3_close. It is used by one thread at a
// time, waits for no lock until sqlite3_busy_timeout says so, and captures nothing until attach(). Throws what Database::open throws:
// Error(wrong_key) … An empty key is Error(usage).
sqlite3* open_encrypted(const std::string& path, const Key& key);

}  // namespace tombolo
