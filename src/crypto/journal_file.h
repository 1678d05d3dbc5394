// JournalFile: the rollback journal of an encrypted database. A record is a page number (4 bytes), the page and a checksum (4), written and
// read as three calls; the page has the form it has in the database. Headers and the name of a super-journal stay plain.
#pragma once

#include "crypto/main_file.h"

namespace tombolo::crypto {

class JournalFile final : public File {
public:
    JournalFile(sqlite3_file* real, std::shared_ptr<MainFile> main) : File(real), main_(std::move(main)) {}

    int read(void* out, int amount, sqlite3_int64 offset) override;
    int write(const void* in, int amount, sqlite3_int64 offset) override;

private:
    int write_page(const unsigned char* plain, sqlite3_int64 offset);

    const std::shared_ptr<MainFile> main_;
    PageBuffer buffer_{};
    sqlite3_int64 page_at_ = -1;      // a page number was written just before: its page comes here
    sqlite3_int64 checksum_at_ = -1;  // a page was written just before: its checksum comes here
    PageNumber number_ = 0;
};

}  // namespace tombolo::crypto
