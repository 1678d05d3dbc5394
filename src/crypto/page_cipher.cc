#include "crypto/page_cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <cstring>

#include "tombolo/error.h"

namespace tombolo::crypto {

namespace {

void require(int done, const char* what) {
    if (done != 1) throw Error(ErrorCode::internal, std::string("OpenSSL could not ") + what);
}

EVP_MAC_CTX* new_mac(const unsigned char* key) {
    EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX* context = EVP_MAC_CTX_new(algorithm);
    EVP_MAC_free(algorithm);
    char digest[] = "SHA512";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    if (context != nullptr) require(EVP_MAC_init(context, key, key_size, parameters), "prepare HMAC-SHA512");
    return context;
}

// Where the encrypted part of a page begins.
size_t clear_size(PageNumber number) { return number == 1 ? salt_size : 0; }

}  // namespace

PageCipher::PageCipher(std::shared_ptr<const PageKeys> keys)
    : keys_(std::move(keys)), encryptor_(EVP_CIPHER_CTX_new()), decryptor_(EVP_CIPHER_CTX_new()), mac_(new_mac(keys_->mac_key())) {
    if (encryptor_ == nullptr || decryptor_ == nullptr || mac_ == nullptr) throw std::bad_alloc();
    require(EVP_EncryptInit_ex(encryptor_.get(), EVP_aes_256_cbc(), nullptr, keys_->cipher_key(), nullptr), "prepare AES-256-CBC");
    require(EVP_DecryptInit_ex(decryptor_.get(), EVP_aes_256_cbc(), nullptr, keys_->cipher_key(), nullptr), "prepare AES-256-CBC");
    EVP_CIPHER_CTX_set_padding(encryptor_.get(), 0);
    EVP_CIPHER_CTX_set_padding(decryptor_.get(), 0);
}

void PageCipher::take_iv(unsigned char* iv) {
    if (random_left_ == 0) {
        require(RAND_bytes(random_.data(), static_cast<int>(random_.size())), "get random bytes");
        random_left_ = random_.size();
    }
    random_left_ -= iv_size;
    std::memcpy(iv, random_.data() + random_left_, iv_size);
}

void PageCipher::authenticate(PageNumber number, const unsigned char* page, unsigned char* mac) {
    const unsigned char little_endian[4] = {static_cast<unsigned char>(number), static_cast<unsigned char>(number >> 8),
                                            static_cast<unsigned char>(number >> 16), static_cast<unsigned char>(number >> 24)};
    const size_t begin = clear_size(number);
    size_t size = 0;
    require(EVP_MAC_init(mac_.get(), nullptr, 0, nullptr), "start an HMAC");
    require(EVP_MAC_update(mac_.get(), page + begin, content_size + iv_size - begin), "compute an HMAC");
    require(EVP_MAC_update(mac_.get(), little_endian, sizeof(little_endian)), "compute an HMAC");
    require(EVP_MAC_final(mac_.get(), mac, &size, mac_size), "compute an HMAC");
}

void PageCipher::encrypt(PageNumber number, const unsigned char* plain, unsigned char* page) {
    const size_t begin = clear_size(number);
    if (begin > 0) std::memcpy(page, salt().data(), begin);
    unsigned char* iv = page + content_size;
    take_iv(iv);
    int size = 0;
    require(EVP_EncryptInit_ex(encryptor_.get(), nullptr, nullptr, nullptr, iv), "start AES-256-CBC");
    require(EVP_EncryptUpdate(encryptor_.get(), page + begin, &size, plain + begin, static_cast<int>(content_size - begin)), "encrypt a page");
    authenticate(number, page, iv + iv_size);
}

bool PageCipher::authentic(PageNumber number, const unsigned char* page) {
    unsigned char mac[mac_size];
    authenticate(number, page, mac);
    return CRYPTO_memcmp(mac, page + content_size + iv_size, mac_size) == 0;
}

bool PageCipher::decrypt(PageNumber number, const unsigned char* page, unsigned char* plain) {
    if (!authentic(number, page)) return false;
    const size_t begin = clear_size(number);
    if (begin > 0) std::memcpy(plain, plain_magic, begin);
    int size = 0;
    require(EVP_DecryptInit_ex(decryptor_.get(), nullptr, nullptr, nullptr, page + content_size), "start AES-256-CBC");
    require(EVP_DecryptUpdate(decryptor_.get(), plain + begin, &size, page + begin, static_cast<int>(content_size - begin)), "decrypt a page");
    std::memset(plain + content_size, 0, reserved_size);
    return true;
}

}  // namespace tombolo::crypto
