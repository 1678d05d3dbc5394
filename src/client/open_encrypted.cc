#include "tombolo/open_encrypted.h"

#include "crypto/encrypting_vfs.h"
#include "sqlite/connection.h"
#include "tombolo/error.h"

namespace tombolo {

sqlite3* open_encrypted(const std::string& path, const Key& key) {
    if (key.empty()) throw Error(ErrorCode::usage, "an encrypted file needs a key", "open a plain file with sqlite3_open");
    sqlite::OpenOptions options;
    options.key = key;
    sqlite::Connection::open(path, options);  // says in words what is wrong
    const std::shared_ptr<crypto::EncryptingVfs> vfs = crypto::EncryptingVfs::make(nullptr, key);
    // URIs are for ATTACH; the path is a path, whatever it begins with.
    const std::string name = path.rfind("file:", 0) == 0 ? "./" + path : path;
    sqlite3* handle = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI;
    const int opened = sqlite3_open_v2(name.c_str(), &handle, flags, vfs->name());
    if (opened != SQLITE_OK) {
        sqlite3_close(handle);
        sqlite::throw_error(nullptr, opened, "open " + path);
    }
    vfs->serve(handle);  // which lives on with the handle's open files
    sqlite::Connection::borrow(handle).execute("PRAGMA temp_store = MEMORY");
    return handle;
}

}  // namespace tombolo
