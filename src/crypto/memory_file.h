// MemoryFile: temporary files and statement journals. Connections with a key ask SQLite to keep these in memory; what it still wants
// to put into a file stays in memory too, and no rows lie on the disk in plain.
#pragma once

#include <string>

#include "crypto/file.h"

namespace tombolo::crypto {

class MemoryFile final : public File {
public:
    MemoryFile() : File(nullptr) {}
    ~MemoryFile() override;

    int close() override { return SQLITE_OK; }
    int read(void* out, int amount, sqlite3_int64 offset) override;
    int write(const void* in, int amount, sqlite3_int64 offset) override;
    int truncate(sqlite3_int64 size) override;
    int sync(int) override { return SQLITE_OK; }
    int size(sqlite3_int64* size) override;
    int lock(int) override { return SQLITE_OK; }
    int unlock(int) override { return SQLITE_OK; }
    int check_reserved(int* result) override;
    int control(int, void*) override { return SQLITE_NOTFOUND; }
    int sector_size() override { return 512; }
    int characteristics() override { return 0; }
    int shared_lock(int, int, int) override { return SQLITE_IOERR_SHMLOCK; }

private:
    std::string bytes_;
};

}  // namespace tombolo::crypto
