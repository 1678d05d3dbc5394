#include "crypto/base_file.h"

namespace tombolo::crypto {

BaseFile::BaseFile(sqlite3_vfs* vfs, const std::string& path, int type)
    : memory_(std::make_unique<sqlite3_int64[]>(static_cast<size_t>(vfs->szOsFile) / sizeof(sqlite3_int64) + 1)),
      name_(sqlite3_create_filename(path.c_str(), "", "", 0, nullptr)) {
    file()->pMethods = nullptr;
    int exists = 0;
    if (name_ == nullptr || vfs->xAccess(vfs, name_, SQLITE_ACCESS_EXISTS, &exists) != SQLITE_OK || exists == 0) return;
    int flags = 0;
    if (vfs->xOpen(vfs, name_, file(), SQLITE_OPEN_READONLY | type, &flags) != SQLITE_OK) file()->pMethods = nullptr;
}

BaseFile::~BaseFile() {
    if (*this) file()->pMethods->xClose(file());
    sqlite3_free_filename(const_cast<char*>(name_));
}

sqlite3_int64 BaseFile::size() const {
    sqlite3_int64 bytes = 0;
    return *this && file()->pMethods->xFileSize(file(), &bytes) == SQLITE_OK ? bytes : 0;
}

bool BaseFile::read(void* out, size_t amount, sqlite3_int64 offset) const {
    return *this && file()->pMethods->xRead(file(), out, static_cast<int>(amount), offset) == SQLITE_OK;
}

}  // namespace tombolo::crypto
