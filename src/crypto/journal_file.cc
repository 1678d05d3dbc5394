#include "crypto/journal_file.h"

#include <cstring>

namespace tombolo::crypto {

namespace {
constexpr int number_size = 4;

PageNumber big_endian(const unsigned char* bytes) {
    return PageNumber{bytes[0]} << 24 | PageNumber{bytes[1]} << 16 | PageNumber{bytes[2]} << 8 | PageNumber{bytes[3]};
}
}  // namespace

// Only pages are read in pieces of this size. One that is not authentic is torn, or left over from earlier use of the file: the journal
// ends before it, which SQLite takes from a short read.
int JournalFile::read(void* out, int amount, sqlite3_int64 offset) {
    if (amount != static_cast<int>(page_size) || offset < number_size) return File::read(out, amount, offset);
    unsigned char number[number_size];
    int rc = File::read(number, number_size, offset - number_size);
    if (rc == SQLITE_OK) rc = File::read(buffer_.data(), amount, offset);
    auto* plain = static_cast<unsigned char*>(out);
    if (rc == SQLITE_OK) {
        PageCipher* cipher = main_->cipher();
        if (cipher != nullptr && cipher->decrypt(big_endian(number), buffer_.data(), plain)) return SQLITE_OK;
        rc = SQLITE_IOERR_SHORT_READ;
    }
    std::memset(plain, 0, page_size);
    return rc;
}

// A header may be as long as a page, and may follow a checksum; so it is the page number before it that makes a page one.
int JournalFile::write(const void* in, int amount, sqlite3_int64 offset) {
    const auto* bytes = static_cast<const unsigned char*>(in);
    if (amount == static_cast<int>(page_size) && offset == page_at_) return write_page(bytes, offset);
    const bool is_number = amount == number_size && offset != checksum_at_;
    page_at_ = is_number ? offset + number_size : -1;
    checksum_at_ = -1;
    if (is_number) number_ = big_endian(bytes);
    return File::write(in, amount, offset);
}

int JournalFile::write_page(const unsigned char* plain, sqlite3_int64 offset) {
    page_at_ = -1;
    checksum_at_ = offset + static_cast<sqlite3_int64>(page_size);
    PageCipher* cipher = main_->cipher_to_write();
    if (cipher == nullptr) return SQLITE_IOERR_WRITE;
    cipher->encrypt(number_, plain, buffer_.data());
    return File::write(buffer_.data(), static_cast<int>(page_size), offset);
}

}  // namespace tombolo::crypto
