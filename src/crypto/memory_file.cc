#include "crypto/memory_file.h"

#include <algorithm>
#include <cstring>

#include "crypto/secret.h"

namespace tombolo::crypto {

MemoryFile::~MemoryFile() { wipe(bytes_); }

int MemoryFile::read(void* out, int amount, sqlite3_int64 offset) {
    const auto wanted = static_cast<size_t>(amount);
    const size_t begin = std::min(static_cast<size_t>(offset), bytes_.size());
    const size_t there = std::min(wanted, bytes_.size() - begin);
    std::memcpy(out, bytes_.data() + begin, there);
    std::memset(static_cast<char*>(out) + there, 0, wanted - there);
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int MemoryFile::write(const void* in, int amount, sqlite3_int64 offset) {
    const auto begin = static_cast<size_t>(offset);
    const auto size = static_cast<size_t>(amount);
    if (bytes_.size() < begin + size) bytes_.resize(begin + size);
    std::memcpy(bytes_.data() + begin, in, size);
    return SQLITE_OK;
}

int MemoryFile::truncate(sqlite3_int64 size) {
    bytes_.resize(std::min(static_cast<size_t>(size), bytes_.size()));
    return SQLITE_OK;
}

int MemoryFile::size(sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(bytes_.size());
    return SQLITE_OK;
}

int MemoryFile::check_reserved(int* result) {
    *result = 0;
    return SQLITE_OK;
}

}  // namespace tombolo::crypto
