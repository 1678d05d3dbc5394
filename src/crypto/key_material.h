// KeyMaterial: the secret behind a Key, and the keys of a file derived from it.
//
//   raw key      32 bytes, the pages' AES key itself
//   passphrase   AES key = PBKDF2-HMAC-SHA512(passphrase, the file's salt, 256,000 rounds)
//   HMAC key     PBKDF2-HMAC-SHA512(AES key, the salt with every byte XOR 0x3a, 2 rounds)
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string_view>
#include <vector>

#include "crypto/format.h"
#include "crypto/secret.h"

namespace tombolo::crypto {

// What the pages of one file are encrypted and authenticated with.
struct PageKeys {
    explicit PageKeys(const Salt& file_salt) : salt(file_salt), secret(2 * key_size) {}

    unsigned char* cipher_key() { return secret.data(); }
    const unsigned char* cipher_key() const { return secret.data(); }
    unsigned char* mac_key() { return secret.data() + key_size; }
    const unsigned char* mac_key() const { return secret.data() + key_size; }

    Salt salt;
    Secret secret;
};

// Thread-safe: the connections of a process share one.
class KeyMaterial {
public:
    enum class Kind { raw, passphrase };

    KeyMaterial(Kind kind, std::string_view bytes);
    ~KeyMaterial();
    KeyMaterial(const KeyMaterial&) = delete;
    KeyMaterial& operator=(const KeyMaterial&) = delete;

    // Derived once a salt; a passphrase takes about 0.1 s then.
    std::shared_ptr<const PageKeys> keys_for(const Salt& salt);

private:
    std::shared_ptr<const PageKeys> derive(const Salt& salt) const;

    Kind kind_;
    Secret secret_;
    sqlite3_mutex* mutex_;
    std::vector<std::shared_ptr<const PageKeys>> derived_;  // newest last
};

}  // namespace tombolo::crypto
