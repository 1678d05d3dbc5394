#include "crypto/key_material.h"

#include <openssl/evp.h>

#include "tombolo/error.h"

namespace tombolo::crypto {

namespace {

constexpr int passphrase_rounds = 256'000;
constexpr int mac_key_rounds = 2;
constexpr unsigned char mac_salt_mask = 0x3a;
constexpr size_t derived_max = 8;  // files with the same key that one process has open

void stretch(const unsigned char* secret, size_t size, const Salt& salt, int rounds, unsigned char* key) {
    const int done = PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(secret), static_cast<int>(size), salt.data(), static_cast<int>(salt.size()),
                                       rounds, EVP_sha512(), static_cast<int>(key_size), key);
    if (done != 1) throw Error(ErrorCode::internal, "OpenSSL could not derive a key");
}

class Locked {
public:
    explicit Locked(sqlite3_mutex* mutex) : mutex_(mutex) { sqlite3_mutex_enter(mutex_); }
    ~Locked() { sqlite3_mutex_leave(mutex_); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

private:
    sqlite3_mutex* mutex_;
};

}  // namespace

KeyMaterial::KeyMaterial(Kind kind, std::string_view bytes) : kind_(kind), secret_(bytes), mutex_(sqlite3_mutex_alloc(SQLITE_MUTEX_FAST)) {}

KeyMaterial::~KeyMaterial() { sqlite3_mutex_free(mutex_); }

std::shared_ptr<const PageKeys> KeyMaterial::keys_for(const Salt& salt) {
    const Locked locked(mutex_);
    for (const auto& keys : derived_) {
        if (keys->salt == salt) return keys;
    }
    derived_.push_back(derive(salt));
    if (derived_.size() > derived_max) derived_.erase(derived_.begin());
    return derived_.back();
}

std::shared_ptr<const PageKeys> KeyMaterial::derive(const Salt& salt) const {
    auto keys = std::make_shared<PageKeys>(salt);
    if (kind_ == Kind::raw) {
        std::copy(secret_.data(), secret_.data() + key_size, keys->cipher_key());
    } else {
        stretch(secret_.data(), secret_.size(), salt, passphrase_rounds, keys->cipher_key());
    }
    Salt mac_salt = salt;
    for (unsigned char& byte : mac_salt)
        byte ^= mac_salt_mask;
    stretch(keys->cipher_key(), key_size, mac_salt, mac_key_rounds, keys->mac_key());
    return keys;
}

}  // namespace tombolo::crypto
