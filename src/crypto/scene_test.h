// What the tests of encrypted files share: a folder, a key, bytes on the disk.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "sqlite/connection.h"

namespace tombolo::crypto {

inline Key test_key(char fill = 'k') { return Key::raw(std::string(32, fill)); }

inline sqlite::Connection open_encrypted(const std::string& path, const Key& key = test_key(), const char* vfs = nullptr) {
    sqlite::OpenOptions options;
    options.key = key;
    options.vfs = vfs;
    options.busy_timeout_ms = 0;
    return sqlite::Connection::open(path, options);
}

inline std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void put_bytes(const std::string& path, const std::string& bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << bytes;
}

inline Error error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    return Error(ErrorCode::ok, "");
}

class EncryptedScene : public testing::Test {
protected:
    EncryptedScene() {
        std::string pattern = (std::filesystem::temp_directory_path() / "tombolo-encrypted-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        path_ = folder_ + "/a.db";
    }
    ~EncryptedScene() override { std::filesystem::remove_all(folder_); }

    std::string folder_;
    std::string path_;
};

}  // namespace tombolo::crypto
