#include "crypto/wal_file.h"

#include <algorithm>
#include <cstring>

namespace tombolo::crypto {

namespace {

// Where in its frame an offset of the file lies.
sqlite3_int64 place_in_frame(sqlite3_int64 offset) { return (offset - wal_header_size) % frame_size; }

bool all_zero(const unsigned char* bytes, size_t size) {
    return std::all_of(bytes, bytes + size, [](unsigned char byte) { return byte == 0; });
}

}  // namespace

PageNumber frame_page_number(const unsigned char* frame) {
    return PageNumber{frame[0]} << 24 | PageNumber{frame[1]} << 16 | PageNumber{frame[2]} << 8 | PageNumber{frame[3]};
}

// --- reading ---

int WalFile::read_frame(sqlite3_int64 frame_at) { return File::read(frame_.data(), static_cast<int>(frame_size), frame_at); }

// SQLite reads headers alone, a page alone, and, when it recovers the log, whole frames: these may be torn or left over from earlier
// use of the file. A page that is not authentic only has to fail SQLite's checksum then, and its cipher text does. (Zeros would not: there
// are pages that are zero.)
int WalFile::read(void* out, int amount, sqlite3_int64 offset) {
    if (offset < wal_header_size) return File::read(out, amount, offset);
    const sqlite3_int64 place = place_in_frame(offset);
    if (place + amount <= frame_header_size) return File::read(out, amount, offset);
    const bool whole = place == 0 && amount == frame_size;
    const bool page = place == frame_header_size && amount == static_cast<int>(page_size);
    if (!whole && !page) return SQLITE_IOERR_READ;
    if (const int rc = read_frame(offset - place); rc != SQLITE_OK) {
        std::memset(out, 0, static_cast<size_t>(amount));
        return rc;
    }
    auto* bytes = static_cast<unsigned char*>(out);
    const unsigned char* stored = frame_.data() + frame_header_size;
    const PageNumber number = frame_page_number(frame_.data());
    PageCipher* cipher = main_->cipher();
    if (whole) {
        std::memcpy(bytes, frame_.data(), frame_.size());
        if (cipher != nullptr) cipher->decrypt(number, stored, bytes + frame_header_size);
        return SQLITE_OK;
    }
    if (cipher != nullptr && main_->is_checkpointing() && cipher->authentic(number, stored)) {
        main_->pass_through(number, stored);
        std::memcpy(bytes, stored, page_size);
        return SQLITE_OK;
    }
    if (cipher != nullptr && cipher->decrypt(number, stored, bytes)) return SQLITE_OK;
    return main_->report({Damage::Kind::page, number}, SQLITE_CORRUPT);
}

// --- writing ---

int WalFile::write(const void* in, int amount, sqlite3_int64 offset) {
    const auto* bytes = static_cast<const unsigned char*>(in);
    if (offset < wal_header_size) return File::write(in, amount, offset);
    sqlite3_int64 left = amount;
    while (left > 0) {
        const sqlite3_int64 place = place_in_frame(offset);
        const sqlite3_int64 end = place < frame_header_size ? frame_header_size : frame_size;
        const sqlite3_int64 part = std::min(left, end - place);
        if (const int rc = write_in_frame(bytes, part, offset); rc != SQLITE_OK) return rc;
        bytes += part;
        offset += part;
        left -= part;
    }
    return SQLITE_OK;
}

int WalFile::write_in_frame(const unsigned char* in, sqlite3_int64 amount, sqlite3_int64 offset) {
    const sqlite3_int64 place = place_in_frame(offset);
    if (place < frame_header_size) {
        header_at_ = place == 0 && amount == frame_header_size ? offset : -1;
        if (header_at_ >= 0) header_number_ = frame_page_number(in);
        return File::write(in, static_cast<int>(amount), offset);
    }
    if (amount == static_cast<sqlite3_int64>(page_size)) return write_page(in, offset);
    const auto begin = static_cast<size_t>(place - frame_header_size);
    if (begin == 0) {
        parts_at_ = offset;
        parts_size_ = 0;
    }
    if (parts_at_ + static_cast<sqlite3_int64>(parts_size_) != offset) return SQLITE_IOERR_WRITE;
    std::memcpy(parts_.data() + parts_size_, in, static_cast<size_t>(amount));
    parts_size_ += static_cast<size_t>(amount);
    return parts_size_ == page_size ? write_page(parts_.data(), parts_at_) : SQLITE_OK;
}

int WalFile::write_page(const unsigned char* plain, sqlite3_int64 page_at) {
    // The frame's checksum, written already, covers the reserved bytes; read back they are zero.
    if (!all_zero(plain + content_size, reserved_size)) return main_->report({Damage::Kind::layout, 0}, SQLITE_IOERR_WRITE);
    PageNumber number = 0;
    if (const int rc = page_number_at(page_at - frame_header_size, number); rc != SQLITE_OK) return rc;
    PageCipher* cipher = main_->cipher_to_write();
    if (cipher == nullptr) return SQLITE_IOERR_WRITE;
    unsigned char* page = frame_.data();
    cipher->encrypt(number, plain, page);
    return File::write(page, static_cast<int>(page_size), page_at);
}

// A page that is written a second time in its transaction comes without its header.
int WalFile::page_number_at(sqlite3_int64 frame_at, PageNumber& number) {
    if (header_at_ == frame_at) {
        number = header_number_;
        return SQLITE_OK;
    }
    unsigned char bytes[4];
    const int rc = File::read(bytes, sizeof(bytes), frame_at);
    if (rc == SQLITE_OK) number = frame_page_number(bytes);
    return rc;
}

}  // namespace tombolo::crypto
