// MainFile: an encrypted database file. SQLite reads and writes whole plain pages; the file holds encrypted ones.
//
// Its keys depend on the salt in the file's first bytes. A file that is still empty gets a salt with its first page, which SQLite
// writes under the exclusive lock; another process that made the file meanwhile wins, and its salt is read.
#pragma once

#include <optional>
#include <string>

#include "crypto/damage.h"
#include "crypto/file.h"
#include "crypto/page_cipher.h"

namespace tombolo::crypto {

class MainFile final : public File {
public:
    // `empty_header`: an empty file answers SQLite's first look with a header, so that it keeps our bytes free. For attached files, which
    // cannot be told in another way; it fixes page size and auto-vacuum, too.
    MainFile(sqlite3_file* real, std::string path, std::shared_ptr<KeyMaterial> key, bool empty_header);

    const std::string& path() const { return path_; }
    const Damage& damage() const { return damage_; }
    int report(Damage damage, int result_code);  // remembers, returns the code

    int read(void* out, int amount, sqlite3_int64 offset) override;
    int write(const void* in, int amount, sqlite3_int64 offset) override;
    int truncate(sqlite3_int64 size) override;
    int lock(int level) override;
    int control(int operation, void* argument) override;
    int characteristics() override;
    int shared_lock(int offset, int count, int flags) override;

    // --- for the log and the journal, whose pages have the same form ---
    PageCipher* cipher();           // nullptr: the file is empty, or cannot be read
    PageCipher* cipher_to_write();  // makes a salt for an empty file; nullptr: it cannot be read
    bool is_checkpointing() const { return checkpointing_; }
    // SQLite copies pages from the log to the database without looking at them. They are handed through as they are.
    void pass_through(PageNumber number, const unsigned char* page);

private:
    int read_page(PageNumber number, unsigned char* out);
    int read_part(void* out, int amount, sqlite3_int64 offset);
    int fill_gap(sqlite3_int64 end);
    bool has_moved();
    bool use_salt_of(const unsigned char* page);  // true: it is another one than so far

    const std::string path_;
    const std::shared_ptr<KeyMaterial> key_;
    const bool empty_header_;
    std::optional<PageCipher> cipher_;
    Damage damage_;
    PageBuffer buffer_{};
    bool checkpointing_ = false;
    PageNumber passing_number_ = 0;
    PageBuffer passing_{};
};

}  // namespace tombolo::crypto
