#include "crypto/key_check.h"

#include <algorithm>
#include <bitset>
#include <cstring>

#include "crypto/base_file.h"
#include "crypto/page_cipher.h"
#include "crypto/wal_file.h"

namespace tombolo::crypto {

namespace {

constexpr PageNumber pages_tried = 8;  // one authentic page proves a key; page 1 may be torn, or just being written
constexpr sqlite3_int64 page_bytes = page_size;

bool fits_database(sqlite3_file* file, sqlite3_int64 size, PageCipher& cipher) {
    PageBuffer page;
    const auto pages = static_cast<PageNumber>(std::min<sqlite3_int64>(size / page_bytes, pages_tried));
    for (PageNumber number = 1; number <= pages; ++number) {
        const bool read = file->pMethods->xRead(file, page.data(), page_size, (number - 1) * page_bytes) == SQLITE_OK;
        if (read && cipher.authentic(number, page.data())) return true;
    }
    return false;
}

bool fits_log(const BaseFile& log, PageCipher& cipher) {
    std::array<unsigned char, static_cast<size_t>(frame_size)> frame;
    for (PageNumber i = 0; i < pages_tried; ++i) {
        if (!log.read(frame.data(), frame.size(), wal_header_size + i * frame_size)) return false;
        if (cipher.authentic(frame_page_number(frame.data()), frame.data() + frame_header_size)) return true;
    }
    return false;
}

// The journal's header (SQLite's file format): magic 8, records 4, nonce 4, pages before the transaction 4, sector size 4.
constexpr size_t pages_before_at = 16;
constexpr size_t sector_size_at = 20;
constexpr size_t journal_header_size = 28;
constexpr unsigned char journal_magic[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};

bool fits_journal(const BaseFile& journal, PageCipher& cipher) {
    unsigned char header[journal_header_size];
    if (!journal.read(header, sizeof(header), 0) || std::memcmp(header, journal_magic, sizeof(journal_magic)) != 0) return false;
    if (frame_page_number(header + pages_before_at) == 0) return true;  // the file is being made: rolling back empties it, whatever the key
    const sqlite3_int64 records_at = frame_page_number(header + sector_size_at);
    std::array<unsigned char, page_size + 8> record;
    for (PageNumber i = 0; i < pages_tried; ++i) {
        if (!journal.read(record.data(), record.size(), records_at + i * static_cast<sqlite3_int64>(record.size()))) return false;
        if (cipher.authentic(frame_page_number(record.data()), record.data() + 4)) return true;
    }
    return false;
}

sqlite3_int64 size_of(sqlite3_file* file) {
    sqlite3_int64 bytes = 0;
    return file->pMethods->xFileSize(file, &bytes) == SQLITE_OK ? bytes : 0;
}

}  // namespace

Damage::Kind check_key(sqlite3_vfs* vfs, sqlite3_file* file, const std::string& path, KeyMaterial& key) {
    const sqlite3_int64 size = size_of(file);
    if (size == 0) return Damage::Kind::none;
    Salt salt{};
    const bool has_salt = file->pMethods->xRead(file, salt.data(), salt_size, 0) == SQLITE_OK;
    if (has_salt && std::memcmp(salt.data(), plain_magic, salt_size) == 0) return Damage::Kind::plain_file;
    PageCipher cipher(key.keys_for(salt));
    const bool fits = fits_database(file, size, cipher) || fits_log(BaseFile(vfs, path + "-wal", SQLITE_OPEN_WAL), cipher) ||
                      fits_journal(BaseFile(vfs, path + "-journal", SQLITE_OPEN_MAIN_JOURNAL), cipher) || fits_database(file, size, cipher);
    return fits ? Damage::Kind::none : Damage::Kind::wrong_key;
}

bool looks_encrypted(sqlite3_vfs* vfs, const std::string& path) {
    constexpr size_t distinct_least = 200;  // of the 256 byte values; cipher text has nearly all, plain pages and texts do not
    const BaseFile file(vfs, path, SQLITE_OPEN_MAIN_DB);
    PageBuffer page;
    if (!file || file.size() % page_bytes != 0 || !file.read(page.data(), page_size, 0)) return false;
    if (std::memcmp(page.data(), plain_magic, salt_size) == 0) return false;
    std::bitset<256> seen;
    for (const unsigned char byte : page)
        seen.set(byte);
    return seen.count() >= distinct_least;
}

}  // namespace tombolo::crypto
