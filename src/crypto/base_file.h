// BaseFile: a file of a VFS, opened for a look beside SQLite. Goes through the VFS, not the system: closing a descriptor of our own would
// take away the locks that SQLite holds on the file in this process.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

namespace tombolo::crypto {

class BaseFile {
public:
    // `type` is SQLITE_OPEN_MAIN_DB, _WAL or _MAIN_JOURNAL. Read only. Where there is no such file the object is empty.
    BaseFile(sqlite3_vfs* vfs, const std::string& path, int type);
    ~BaseFile();
    BaseFile(const BaseFile&) = delete;
    BaseFile& operator=(const BaseFile&) = delete;

    explicit operator bool() const { return file()->pMethods != nullptr; }
    sqlite3_int64 size() const;                                       // 0 where it cannot be had
    bool read(void* out, size_t amount, sqlite3_int64 offset) const;  // false: not all of it is there

private:
    sqlite3_file* file() const { return reinterpret_cast<sqlite3_file*>(memory_.get()); }

    std::unique_ptr<sqlite3_int64[]> memory_;
    const char* name_ = nullptr;
};

}  // namespace tombolo::crypto
