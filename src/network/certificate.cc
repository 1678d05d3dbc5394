#include "network/certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <memory>
#include <sstream>

#include "network/system_random.h"
#include "tombolo/error.h"

namespace tombolo::network {

namespace {

constexpr long days_valid = 30;
constexpr long day_seconds = 24 * 3600;

template <auto free_function>
struct Free {
    template <typename T>
    void operator()(T* object) const {
        free_function(object);
    }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;

void require(bool done) {
    if (!done) throw Error(ErrorCode::internal, "OpenSSL could not make a certificate");
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<size_t>(size)};
}

void add_extension(X509* certificate, int nid, const char* value) {
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
    require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void describe(X509* certificate, EVP_PKEY* key) {
    require(X509_set_version(certificate, X509_VERSION_3) == 1);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), SystemRandom().number() >> 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -day_seconds);  // clocks that are a little behind
    X509_gmtime_adj(X509_getm_notAfter(certificate), days_valid * day_seconds);
    X509_NAME* const subject = X509_get_subject_name(certificate);
    const auto* const common_name = reinterpret_cast<const unsigned char*>("Tombolo development hub");
    require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1);
    require(X509_set_issuer_name(certificate, subject) == 1 && X509_set_pubkey(certificate, key) == 1);
    add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!file || !(text << file.rdbuf())) throw Error(ErrorCode::config, "cannot read " + path, "[tls] in hub.toml names PEM files");
    return text.str();
}

}  // namespace

Identity load_identity(const std::string& certificate_file, const std::string& key_file) {
    return {read_file(certificate_file), read_file(key_file)};
}

Identity make_dev_certificate() {
    const KeyPtr key(EVP_EC_gen("P-256"));
    const CertificatePtr certificate(X509_new());
    require(key != nullptr && certificate != nullptr);
    describe(certificate.get(), key.get());
    require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);

    const BioPtr certificate_text(BIO_new(BIO_s_mem()));
    const BioPtr key_text(BIO_new(BIO_s_mem()));
    require(certificate_text != nullptr && key_text != nullptr);
    require(PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1);
    require(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return {text_of(certificate_text.get()), text_of(key_text.get())};
}

}  // namespace tombolo::network
