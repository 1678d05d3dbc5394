// The layout of an encrypted database file: SQLCipher 4's, as published. Fixed: other programs read and write it.
//
//   page 1     salt 16 | AES-256-CBC of the page's bytes 16…4015 | IV 16 | HMAC-SHA512 64
//   page n     AES-256-CBC of the page's bytes 0…4015            | IV 16 | HMAC-SHA512 64
//
// The HMAC covers cipher text, IV and the page's number (32 bits, little endian). The first 16 bytes of a database are always
// "SQLite format 3\0", so the salt takes their place. Keys: key_material.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tombolo::crypto {

inline constexpr size_t page_size = 4096;
inline constexpr size_t salt_size = 16;
inline constexpr size_t iv_size = 16;
inline constexpr size_t mac_size = 64;
inline constexpr size_t reserved_size = iv_size + mac_size;  // SQLite leaves so much free at the end of each page
inline constexpr size_t content_size = page_size - reserved_size;
inline constexpr size_t key_size = 32;

inline constexpr char plain_magic[] = "SQLite format 3";  // with its NUL: salt_size bytes
static_assert(sizeof(plain_magic) == salt_size);

using Salt = std::array<unsigned char, salt_size>;
using PageNumber = uint32_t;

}  // namespace tombolo::crypto
