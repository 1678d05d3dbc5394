#include "tombolo/key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "crypto/key_material.h"
#include "tombolo/error.h"

namespace tombolo {

namespace {

using crypto::KeyMaterial;
using crypto::Secret;

constexpr size_t key_file_max = 4096;  // longer than any passphrase anybody types

std::string_view view(const Secret& secret, size_t size) { return {reinterpret_cast<const char*>(secret.data()), size}; }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Empty text where it is no raw key in hex digits.
bool read_hex(std::string_view text, Secret& raw) {
    if (text.size() != 2 * crypto::key_size) return false;
    for (size_t i = 0; i < crypto::key_size; ++i) {
        const int high = hex_digit(text[2 * i]);
        const int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        raw.data()[i] = static_cast<unsigned char>(high << 4 | low);
    }
    return true;
}

// Straight into a Secret: a stream would leave copies in its buffers.
size_t read_key_file(const std::string& path, Secret& content) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        const bool missing = errno == ENOENT;
        throw Error(missing ? ErrorCode::not_found : ErrorCode::io, fmt::format("could not open the key file {}: {}", path, std::strerror(errno)),
                    "check the path and who may read it");
    }
    size_t size = 0;
    ssize_t got = 1;
    while (got > 0 && size < content.size()) {
        got = read(file, content.data() + size, content.size() - size);
        if (got > 0) size += static_cast<size_t>(got);
    }
    const int error = errno;
    close(file);
    if (got < 0) throw Error(ErrorCode::io, fmt::format("could not read the key file {}: {}", path, std::strerror(error)), "check the path");
    return size;
}

}  // namespace

Key Key::raw(std::string_view bytes) {
    if (bytes.size() != crypto::key_size) {
        throw Error(ErrorCode::usage, fmt::format("a raw key has {} bytes, and this one has {}", crypto::key_size, bytes.size()),
                    "take the bytes of a key generator, or use Key::passphrase");
    }
    return Key(std::make_shared<KeyMaterial>(KeyMaterial::Kind::raw, bytes));
}

Key Key::passphrase(std::string_view text) {
    if (text.empty()) throw Error(ErrorCode::usage, "the passphrase is empty", "leave the key out for a file that is not encrypted");
    return Key(std::make_shared<KeyMaterial>(KeyMaterial::Kind::passphrase, text));
}

Key Key::from_file(const std::string& path) {
    Secret content(key_file_max + 1);
    const size_t size = read_key_file(path, content);
    if (size > key_file_max)
        throw Error(ErrorCode::usage, fmt::format("{} is too long for a key file: more than {} bytes", path, key_file_max), "check the path");
    if (size == crypto::key_size) return raw(view(content, size));
    const bool newline = size > 0 && content.data()[size - 1] == '\n';
    const std::string_view text = view(content, newline ? size - 1 : size);
    Secret decoded(crypto::key_size);
    if (read_hex(text, decoded)) return raw(view(decoded, crypto::key_size));
    if (text.empty()) throw Error(ErrorCode::usage, fmt::format("the key file {} is empty", path), "write a key or a passphrase into it");
    return passphrase(text);
}

}  // namespace tombolo
