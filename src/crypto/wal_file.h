// WalFile: the write-ahead log of an encrypted database. Its header and the headers of its frames stay as SQLite writes them; the page in
// a frame has the form it has in the database. SQLite's checksums are over plain pages, so other programs cannot read a log with
// frames in it, nor we theirs.
#pragma once

#include "crypto/main_file.h"

namespace tombolo::crypto {

inline constexpr sqlite3_int64 wal_header_size = 32;
inline constexpr sqlite3_int64 frame_header_size = 24;
inline constexpr sqlite3_int64 frame_size = frame_header_size + static_cast<sqlite3_int64>(page_size);

class WalFile final : public File {
public:
    WalFile(sqlite3_file* real, std::shared_ptr<MainFile> main) : File(real), main_(std::move(main)) {}

    int read(void* out, int amount, sqlite3_int64 offset) override;
    int write(const void* in, int amount, sqlite3_int64 offset) override;

private:
    using Frame = std::array<unsigned char, static_cast<size_t>(frame_size)>;

    int read_frame(sqlite3_int64 frame_at);
    int write_in_frame(const unsigned char* in, sqlite3_int64 amount, sqlite3_int64 offset);
    int write_page(const unsigned char* plain, sqlite3_int64 page_at);
    int page_number_at(sqlite3_int64 frame_at, PageNumber& number);

    const std::shared_ptr<MainFile> main_;
    Frame frame_{};
    // A page that SQLite writes in parts, so that it can sync between them: kept until it is whole.
    PageBuffer parts_{};
    sqlite3_int64 parts_at_ = -1;
    size_t parts_size_ = 0;
    // The header written last: its page usually follows at once.
    sqlite3_int64 header_at_ = -1;
    PageNumber header_number_ = 0;
};

PageNumber frame_page_number(const unsigned char* frame);  // from its header

}  // namespace tombolo::crypto
