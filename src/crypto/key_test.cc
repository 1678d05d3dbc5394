#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "crypto/file.h"
#include "crypto/key_material.h"
#include "crypto/page_cipher.h"
#include "tombolo/error.h"
#include "tombolo/key.h"

namespace tombolo::crypto {
namespace {

std::string in_hex(const unsigned char* bytes, size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) {
        text += "0123456789abcdef"[bytes[i] >> 4];
        text += "0123456789abcdef"[bytes[i] & 15];
    }
    return text;
}

std::string cipher_key(const Key& key) {
    Salt salt{};
    for (size_t i = 0; i < salt.size(); ++i)
        salt[i] = static_cast<unsigned char>(i);
    return in_hex(key.material()->keys_for(salt)->cipher_key(), key_size);
}

class KeyFileTest : public testing::Test {
protected:
    KeyFileTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "tombolo-key-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~KeyFileTest() override { std::filesystem::remove_all(folder_); }

    std::string file_with(const std::string& content) {
        std::ofstream(folder_ + "/key", std::ios::binary) << content;
        return folder_ + "/key";
    }
    ErrorCode refused(const std::string& path) {
        try {
            Key::from_file(path);
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::ok;
    }
    std::string folder_;
};

TEST_F(KeyFileTest, thirty_two_bytes_or_sixty_four_hex_digits_are_a_raw_key) {
    std::string raw;
    for (int i = 0; i < 32; ++i)
        raw.push_back(static_cast<char>(i * 7));
    const std::string hex = in_hex(reinterpret_cast<const unsigned char*>(raw.data()), raw.size());
    EXPECT_EQ(cipher_key(Key::from_file(file_with(raw))), hex);
    EXPECT_EQ(cipher_key(Key::from_file(file_with(hex))), hex);
    EXPECT_EQ(cipher_key(Key::from_file(file_with(hex + "\n"))), hex);
    EXPECT_EQ(cipher_key(Key::raw(raw)), hex);
}

TEST_F(KeyFileTest, anything_else_is_a_passphrase_without_its_last_newline) {
    const std::string expected = cipher_key(Key::passphrase("correct horse"));
    EXPECT_EQ(cipher_key(Key::from_file(file_with("correct horse"))), expected);
    EXPECT_EQ(cipher_key(Key::from_file(file_with("correct horse\n"))), expected);
    EXPECT_NE(cipher_key(Key::from_file(file_with("correct horse\n\n"))), expected);
    EXPECT_EQ(cipher_key(Key::from_file(file_with(std::string(31, 'x') + "\n"))),
              in_hex(reinterpret_cast<const unsigned char*>((std::string(31, 'x') + "\n").data()), 32));
    EXPECT_EQ(cipher_key(Key::from_file(file_with(std::string(64, 'g')))), cipher_key(Key::passphrase(std::string(64, 'g'))));
}

TEST_F(KeyFileTest, what_cannot_be_a_key_is_refused) {
    EXPECT_EQ(refused(folder_ + "/none"), ErrorCode::not_found);
    EXPECT_EQ(refused(file_with("")), ErrorCode::usage);
    EXPECT_EQ(refused(file_with("\n")), ErrorCode::usage);
    EXPECT_EQ(refused(file_with(std::string(5000, 'x'))), ErrorCode::usage);
    EXPECT_EQ(refused(folder_), ErrorCode::io);
    EXPECT_THROW(Key::raw("short"), Error);
    EXPECT_THROW(Key::passphrase(""), Error);
}

// Computed with Python's hashlib: pbkdf2_hmac("sha512", b"correct horse", bytes(range(16)), 256000, 32), and from it the HMAC key.
TEST(KeyMaterialTest, derives_what_the_format_says) {
    Salt salt{};
    for (size_t i = 0; i < salt.size(); ++i)
        salt[i] = static_cast<unsigned char>(i);
    const auto keys = Key::passphrase("correct horse").material()->keys_for(salt);
    EXPECT_EQ(in_hex(keys->cipher_key(), key_size), "9118a024311c6a93d17484b07c24ec754e0559cc3b687954de6daa9ad9495042");
    EXPECT_EQ(in_hex(keys->mac_key(), key_size), "90d442e2acdb433135e27ea4c651c5c4ab528bff6f005ffb8bb97de28dbc945f");
}

TEST(KeyMaterialTest, derives_once_a_salt) {
    const Key key = Key::passphrase("correct horse");
    const auto first = key.material()->keys_for(Salt{});
    EXPECT_EQ(key.material()->keys_for(Salt{}), first);
    EXPECT_EQ(Key(key).material()->keys_for(Salt{}), first);
}

class PageCipherTest : public testing::Test {
protected:
    PageCipherTest() : cipher_(Key::raw(std::string(32, 'k')).material()->keys_for(Salt{1, 2, 3})) {
        for (size_t i = 0; i < content_size; ++i)
            plain_[i] = static_cast<unsigned char>(i * 31 >> 3);
        std::memcpy(plain_.data(), plain_magic, salt_size);
    }
    PageCipher cipher_;
    PageBuffer plain_{};
    PageBuffer page_{};
    PageBuffer back_{};
};

TEST_F(PageCipherTest, a_page_comes_back_under_its_own_number_only) {
    for (const PageNumber number : {PageNumber{1}, PageNumber{2}, PageNumber{0x01020304}}) {
        cipher_.encrypt(number, plain_.data(), page_.data());
        ASSERT_TRUE(cipher_.decrypt(number, page_.data(), back_.data()));
        EXPECT_EQ(back_, plain_);
        EXPECT_FALSE(cipher_.decrypt(number + 1, page_.data(), back_.data()));
    }
}

TEST_F(PageCipherTest, page_one_begins_with_the_salt) {
    cipher_.encrypt(1, plain_.data(), page_.data());
    EXPECT_EQ(std::memcmp(page_.data(), cipher_.salt().data(), salt_size), 0);
}

TEST_F(PageCipherTest, the_same_page_never_looks_the_same_twice) {
    PageBuffer other;
    for (int i = 0; i < 200; ++i) {
        cipher_.encrypt(7, plain_.data(), page_.data());
        cipher_.encrypt(7, plain_.data(), other.data());
        ASSERT_NE(page_, other);
    }
}

TEST_F(PageCipherTest, every_bit_counts) {
    cipher_.encrypt(7, plain_.data(), page_.data());
    for (size_t bit = 0; bit < page_size * 8; bit += 5) {
        page_[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
        ASSERT_FALSE(cipher_.authentic(7, page_.data())) << bit;
        page_[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    }
    EXPECT_TRUE(cipher_.authentic(7, page_.data()));
}

}  // namespace
}  // namespace tombolo::crypto
