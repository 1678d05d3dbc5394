#include "sqlite/commit_counter.h"

#include <cstring>
#include <string_view>

#include "sqlite/connection.h"

namespace tombolo::sqlite {

namespace {
constexpr int region_size = 32768;    // of a wal-index
constexpr size_t change_counter = 8;  // bytes into its header
}  // namespace

CommitCounter::CommitCounter(sqlite3* db) {
    Connection borrowed = Connection::borrow(db);
    if (borrowed.query_text("PRAGMA journal_mode") != "wal") return;
    borrowed.query_integer("SELECT count(*) FROM sqlite_schema");  // maps the wal-index
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file_) != SQLITE_OK) file_ = nullptr;
    if (file_ != nullptr && (file_->pMethods == nullptr || file_->pMethods->iVersion < 2)) file_ = nullptr;
}

std::optional<uint32_t> CommitCounter::read() const {
    void volatile* region = nullptr;
    if (file_ == nullptr || file_->pMethods == nullptr || file_->pMethods->xShmMap(file_, 0, region_size, 0, &region) != SQLITE_OK ||
        region == nullptr)
        return std::nullopt;
    return *reinterpret_cast<const volatile uint32_t*>(static_cast<const volatile char*>(region) + change_counter);
}

}  // namespace tombolo::sqlite
