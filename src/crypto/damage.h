// Why a file could not be read under its key: what SQLite's result codes have no room for.
#pragma once

#include <cstdint>

#include "crypto/format.h"

namespace tombolo::crypto {

struct Damage {
    enum class Kind {
        none,
        plain_file,  // a key was given, and the file is not encrypted
        wrong_key,   // nothing in the file is authentic under this key
        page,        // this page is not authentic under a key that fits other pages: tampered with, or torn
        replaced,    // another file has taken this one's name while it was open (change of key)
        layout,      // a page of another size or without reserved bytes was to be written
    };
    Kind kind = Kind::none;
    PageNumber page = 0;
};

// A file control of our own, for sqlite3_file_control: copies the newest Damage of that database file. Other VFSs do not know the number.
inline constexpr int damage_control = 0x746f6d62;

}  // namespace tombolo::crypto
