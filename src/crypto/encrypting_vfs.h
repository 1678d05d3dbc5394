// EncryptingVfs: an SQLite VFS over another one, through which a connection reads and writes encrypted files (format.h).
//
//   database, log, rollback journal   encrypted pages (main_file.h, wal_file.h, journal_file.h)
//   temporary files                   in memory (memory_file.h)
//   super-journals                    as they are: they hold names of files only
//
// One per connection and used by its thread; the connection's databases share its key, attached ones too. A plain file is attached as
// 'file:NAME?encrypted=0'.
#pragma once

#include <sqlite3.h>

#include <map>
#include <memory>
#include <string>

#include "crypto/damage.h"
#include "tombolo/key.h"

namespace tombolo::crypto {

class MainFile;

class EncryptingVfs : public std::enable_shared_from_this<EncryptingVfs> {
public:
    // `base`: name of the VFS below, nullptr for SQLite's default. Registered under a name of its own as long as the object or an open
    // file of it lives.
    static std::shared_ptr<EncryptingVfs> make(const char* base, const Key& key);
    ~EncryptingVfs();
    EncryptingVfs(const EncryptingVfs&) = delete;
    EncryptingVfs& operator=(const EncryptingVfs&) = delete;

    const char* name() const { return name_.c_str(); }
    // The connection that uses it, as soon as it is open: a file that is still empty is told to keep our bytes free.
    void serve(sqlite3* db);
    // Why the last attempt to open a database failed.
    const Damage& refusal() const { return refusal_; }

private:
    EncryptingVfs(sqlite3_vfs* base, const Key& key);
    struct Callbacks;
    int open_database(const char* path, sqlite3_file* raw, int flags, int* out_flags);
    int open_beside(const char* path, sqlite3_file* raw, int flags, int* out_flags);
    bool is_vacuum_target() const;

    sqlite3_vfs* const base_;
    const Key key_;
    std::string name_;
    sqlite3_vfs vfs_{};
    sqlite3* db_ = nullptr;
    Damage refusal_;
    std::map<std::string, std::weak_ptr<MainFile>> open_;  // databases by path, for their logs and journals
};

}  // namespace tombolo::crypto
