#include "crypto/main_file.h"

#include <openssl/rand.h>

#include <cstdlib>
#include <cstring>

namespace tombolo::crypto {

namespace {

constexpr sqlite3_int64 page_bytes = page_size;
constexpr int header_size = 100;    // what SQLite reads of a file before it takes any lock
constexpr size_t reserve_at = 20;   // in the header
constexpr int checkpoint_lock = 1;  // in the wal-index, see SQLite's wal.c

// Page size 4096, 80 reserved bytes; SQLite reads the rest again under its lock.
void put_header(unsigned char* out, size_t size) {
    std::memset(out, 0, size);
    std::memcpy(out, plain_magic, sizeof(plain_magic));
    out[16] = page_size >> 8;
    out[reserve_at] = reserved_size;
}

bool has_our_layout(const unsigned char* header) {
    return std::memcmp(header, plain_magic, sizeof(plain_magic)) == 0 && header[16] == page_size >> 8 && header[17] == 0 &&
           header[reserve_at] == reserved_size;
}

}  // namespace

MainFile::MainFile(sqlite3_file* real, std::string path, std::shared_ptr<KeyMaterial> key, bool empty_header)
    : File(real), path_(std::move(path)), key_(std::move(key)), empty_header_(empty_header) {}

int MainFile::report(Damage damage, int result_code) {
    damage_ = damage;
    return result_code;
}

// --- keys ---

bool MainFile::use_salt_of(const unsigned char* page) {
    Salt salt;
    std::memcpy(salt.data(), page, salt_size);
    if (cipher_ && cipher_->salt() == salt) return false;
    cipher_.emplace(key_->keys_for(salt));
    return true;
}

PageCipher* MainFile::cipher() {
    if (cipher_) return &*cipher_;
    Salt salt;
    if (File::read(salt.data(), salt_size, 0) != SQLITE_OK) return nullptr;
    use_salt_of(salt.data());
    return &*cipher_;
}

PageCipher* MainFile::cipher_to_write() {
    if (cipher_) return &*cipher_;
    sqlite3_int64 bytes = 0;
    if (size(&bytes) != SQLITE_OK) return nullptr;
    if (bytes > 0) return cipher();
    Salt salt;
    if (RAND_bytes(salt.data(), salt_size) != 1) return nullptr;
    use_salt_of(salt.data());
    return &*cipher_;
}

// --- reading ---

int MainFile::read(void* out, int amount, sqlite3_int64 offset) {
    if (offset % page_bytes == 0 && amount == page_bytes)
        return read_page(static_cast<PageNumber>(offset / page_bytes) + 1, static_cast<unsigned char*>(out));
    return read_part(out, amount, offset);
}

int MainFile::read_page(PageNumber number, unsigned char* out) {
    const sqlite3_int64 offset = (number - 1) * page_bytes;
    const int rc = File::read(buffer_.data(), page_size, offset);
    if (rc == SQLITE_IOERR_SHORT_READ) {
        sqlite3_int64 bytes = 0;
        std::memset(out, 0, page_size);
        // Nothing there is a page still to be written; part of a page is damage.
        return size(&bytes) == SQLITE_OK && bytes > offset ? report({Damage::Kind::page, number}, SQLITE_CORRUPT) : rc;
    }
    if (rc != SQLITE_OK) return rc;
    PageCipher* known = cipher();
    if (known == nullptr) return SQLITE_IOERR_READ;
    if (known->decrypt(number, buffer_.data(), out)) return SQLITE_OK;
    if (number == 1) {
        if (std::memcmp(buffer_.data(), plain_magic, salt_size) == 0) return report({Damage::Kind::plain_file, 1}, SQLITE_NOTADB);
        // The file was empty when this connection chose a salt, and another one was first.
        if (use_salt_of(buffer_.data()) && cipher_->decrypt(number, buffer_.data(), out)) return SQLITE_OK;
    }
    return report({Damage::Kind::page, number}, SQLITE_CORRUPT);
}

// Before it has read page 1, SQLite looks at its header, and later at the counter in it, to see whether its cache still holds. The
// first look gets what every header says; it may come before a torn page was restored from the log. The second look may meet a page that is
// being written: then it gets bytes that equal no counter, and SQLite reads the page.
int MainFile::read_part(void* out, int amount, sqlite3_int64 offset) {
    const sqlite3_int64 page = offset / page_bytes;
    if (amount <= 0 || (offset + amount - 1) / page_bytes != page) return SQLITE_IOERR_READ;
    sqlite3_int64 bytes = 0;
    if (const int rc = size(&bytes); rc != SQLITE_OK) return rc;
    if (offset == 0 && amount == header_size && (bytes > 0 || empty_header_)) {
        put_header(static_cast<unsigned char*>(out), header_size);
        return SQLITE_OK;
    }
    const auto number = static_cast<PageNumber>(page) + 1;
    const int rc = File::read(buffer_.data(), page_size, page * page_bytes);
    if (rc == SQLITE_IOERR_SHORT_READ) std::memset(out, 0, static_cast<size_t>(amount));
    if (rc != SQLITE_OK) return rc;
    PageBuffer plain;
    PageCipher* known = cipher();
    const bool good = known != nullptr && known->decrypt(number, buffer_.data(), plain.data());
    std::memcpy(out, (good ? plain : buffer_).data() + offset % page_bytes, static_cast<size_t>(amount));
    return SQLITE_OK;
}

// --- writing ---

int MainFile::write(const void* in, int amount, sqlite3_int64 offset) {
    if (amount != page_bytes || offset % page_bytes != 0) return report({Damage::Kind::layout, 0}, SQLITE_IOERR_WRITE);
    const auto* plain = static_cast<const unsigned char*>(in);
    const auto number = static_cast<PageNumber>(offset / page_bytes) + 1;
    if (checkpointing_ && number == passing_number_ && std::memcmp(plain, passing_.data(), page_size) == 0) {
        const int rc = fill_gap(offset);
        return rc == SQLITE_OK ? File::write(in, amount, offset) : rc;
    }
    if (number == 1 && !has_our_layout(plain)) return report({Damage::Kind::layout, 1}, SQLITE_IOERR_WRITE);
    PageCipher* known = cipher_to_write();
    if (known == nullptr) return SQLITE_IOERR_WRITE;
    if (const int rc = fill_gap(offset); rc != SQLITE_OK) return rc;
    known->encrypt(number, plain, buffer_.data());
    return File::write(buffer_.data(), page_size, offset);
}

// SQLite does not write pages that are free, but may read them later. A hole in the file would not be authentic, so there are none.
int MainFile::fill_gap(sqlite3_int64 end) {
    sqlite3_int64 bytes = 0;
    if (const int rc = size(&bytes); rc != SQLITE_OK) return rc;
    const sqlite3_int64 begin = bytes / page_bytes * page_bytes;
    if (begin >= end) return SQLITE_OK;
    PageCipher* known = cipher_to_write();
    if (known == nullptr) return SQLITE_IOERR_WRITE;
    const PageBuffer zeros{};
    for (sqlite3_int64 at = begin; at < end; at += page_bytes) {
        known->encrypt(static_cast<PageNumber>(at / page_bytes) + 1, zeros.data(), buffer_.data());
        if (const int rc = File::write(buffer_.data(), page_size, at); rc != SQLITE_OK) return rc;
    }
    return SQLITE_OK;
}

int MainFile::truncate(sqlite3_int64 size) {
    if (const int rc = fill_gap(size); rc != SQLITE_OK) return rc;
    return File::truncate(size);
}

void MainFile::pass_through(PageNumber number, const unsigned char* page) {
    passing_number_ = number;
    std::memcpy(passing_.data(), page, page_size);
}

// --- locks and controls ---

// A file that was replaced must not be used on: logs and journals are found by name, and belong to the new one. The one who replaces
// holds the exclusive lock while he does, so it cannot happen once the lock is here.
int MainFile::lock(int level) {
    const int rc = File::lock(level);
    if (rc == SQLITE_OK && level == SQLITE_LOCK_SHARED && has_moved()) {
        File::unlock(SQLITE_LOCK_NONE);
        return report({Damage::Kind::replaced, 0}, SQLITE_READONLY_DBMOVED);
    }
    return rc;
}

bool MainFile::has_moved() {
    int moved = 0;
    return File::control(SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

int MainFile::shared_lock(int offset, int count, int flags) {
    const int rc = File::shared_lock(offset, count, flags);
    if (offset == checkpoint_lock && count == 1) {
        checkpointing_ = rc == SQLITE_OK && (flags & SQLITE_SHM_LOCK) != 0 && (flags & SQLITE_SHM_EXCLUSIVE) != 0;
        passing_number_ = 0;
    }
    return rc;
}

int MainFile::control(int operation, void* argument) {
    switch (operation) {
        case damage_control: *static_cast<Damage*>(argument) = damage_; return SQLITE_OK;
        case SQLITE_FCNTL_MMAP_SIZE:  // pages are never mapped: they are not plain in the file
            *static_cast<sqlite3_int64*>(argument) = 0;
            return SQLITE_OK;
        case SQLITE_FCNTL_CHUNK_SIZE: return SQLITE_OK;  // it would fill the file with zeros, which are no pages of ours
        case SQLITE_FCNTL_PRAGMA: {
            auto** words = static_cast<char**>(argument);
            if (sqlite3_stricmp(words[1], "page_size") != 0 || words[2] == nullptr || std::atoi(words[2]) == static_cast<int>(page_size)) break;
            words[0] = sqlite3_mprintf("an encrypted file has pages of %d bytes", static_cast<int>(page_size));
            return SQLITE_ERROR;
        }
        default: break;
    }
    return File::control(operation, argument);
}

// What is written atomically below is not what SQLite wrote.
int MainFile::characteristics() {
    constexpr int kept = SQLITE_IOCAP_SAFE_APPEND | SQLITE_IOCAP_SEQUENTIAL | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN | SQLITE_IOCAP_POWERSAFE_OVERWRITE |
                         SQLITE_IOCAP_IMMUTABLE;
    return File::characteristics() & kept;
}

}  // namespace tombolo::crypto
