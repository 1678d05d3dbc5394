#include "tombolo/open_encrypted.h"

#include "sqlite/connection.h"
#include "tombolo/error.h"

namespace tombolo {

sqlite3* open_encrypted(const std::string& path, const Key& key) {
    if (key.empty()) throw Error(ErrorCode::usage, "an encrypted file needs a key", "open a plain file with sqlite3_open");
    sqlite::OpenOptions options;
    options.key = key;
    options.busy_timeout_ms = 0;
    return sqlite::Connection::open(path, options).release();
}

}  // namespace tombolo
