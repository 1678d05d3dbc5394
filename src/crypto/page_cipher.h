// PageCipher: one page in, one page out. Holds what OpenSSL keeps per key, so that a page costs no set-up. Not thread-safe.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "crypto/format.h"
#include "crypto/key_material.h"

namespace tombolo::crypto {

class PageCipher {
public:
    explicit PageCipher(std::shared_ptr<const PageKeys> keys);

    const Salt& salt() const { return keys_->salt; }

    // All buffers are page_size bytes; `plain` and `page` must not overlap. The reserved bytes of `plain` are ignored, and zero after decrypt.
    void encrypt(PageNumber number, const unsigned char* plain, unsigned char* page);
    bool decrypt(PageNumber number, const unsigned char* page, unsigned char* plain);  // false: not authentic; `plain` is untouched
    bool authentic(PageNumber number, const unsigned char* page);

private:
    struct Free {
        void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
        void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
    };
    void take_iv(unsigned char* iv);
    void authenticate(PageNumber number, const unsigned char* page, unsigned char* mac);

    std::shared_ptr<const PageKeys> keys_;
    std::unique_ptr<EVP_CIPHER_CTX, Free> encryptor_;
    std::unique_ptr<EVP_CIPHER_CTX, Free> decryptor_;
    std::unique_ptr<EVP_MAC_CTX, Free> mac_;
    std::array<unsigned char, 64 * iv_size> random_{};  // fetched in bulk: a call of the generator costs as much as a page's AES
    size_t random_left_ = 0;
};

}  // namespace tombolo::crypto
