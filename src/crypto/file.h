// File: an open file of the encrypting VFS. As it stands it hands every call on to the file of the VFS below; the kinds of files that
// hold rows override what differs for them. Results are SQLite's result codes.
#pragma once

#include <sqlite3.h>

#include "crypto/format.h"

namespace tombolo::crypto {

using PageBuffer = std::array<unsigned char, page_size>;

class File {
public:
    explicit File(sqlite3_file* real) : real_(real) {}  // open already; owned by this from now on
    virtual ~File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    virtual int close() { return real_->pMethods->xClose(real_); }
    virtual int read(void* out, int amount, sqlite3_int64 offset) { return real_->pMethods->xRead(real_, out, amount, offset); }
    virtual int write(const void* in, int amount, sqlite3_int64 offset) { return real_->pMethods->xWrite(real_, in, amount, offset); }
    virtual int truncate(sqlite3_int64 size) { return real_->pMethods->xTruncate(real_, size); }
    virtual int sync(int flags) { return real_->pMethods->xSync(real_, flags); }
    virtual int size(sqlite3_int64* size) { return real_->pMethods->xFileSize(real_, size); }
    virtual int lock(int level) { return real_->pMethods->xLock(real_, level); }
    virtual int unlock(int level) { return real_->pMethods->xUnlock(real_, level); }
    virtual int check_reserved(int* result) { return real_->pMethods->xCheckReservedLock(real_, result); }
    virtual int control(int operation, void* argument) { return real_->pMethods->xFileControl(real_, operation, argument); }
    virtual int sector_size() { return real_->pMethods->xSectorSize(real_); }
    virtual int characteristics() { return real_->pMethods->xDeviceCharacteristics(real_); }
    virtual int shared_lock(int offset, int count, int flags) { return real_->pMethods->xShmLock(real_, offset, count, flags); }

    sqlite3_file* real() const { return real_; }

protected:
    sqlite3_file* const real_;
};

}  // namespace tombolo::crypto
