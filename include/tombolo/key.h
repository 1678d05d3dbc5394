// Key: what opens an encrypted file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tombolo {

namespace crypto {
class KeyMaterial;
}

// A value; copies share the secret, which lies on locked memory of its own, stays out of core dumps where the system allows that,
// and is wiped when the last copy goes. The bytes that were handed in are the caller's to wipe. Thread-safe.
class Key {
public:
    Key() = default;  // none: the file is plain SQLite

    static Key raw(std::string_view bytes);        // 32 random bytes, else Error(usage)
    static Key passphrase(std::string_view text);  // anything but empty text; opening a file with it takes about 0.1 s
    // What a file holds, as for `tombolo --key-file`: 32 bytes or 64 hex digits (and a newline, if any) are a raw key, anything else is a
    // passphrase without its last newline. Error(not_found), (io), or (usage) for an empty file.
    static Key from_file(const std::string& path);

    bool empty() const { return material_ == nullptr; }
    const std::shared_ptr<crypto::KeyMaterial>& material() const { return material_; }  // for Tombolo itself

private:
    explicit Key(std::shared_ptr<crypto::KeyMaterial> material) : material_(std::move(material)) {}

    std::shared_ptr<crypto::KeyMaterial> material_;
};

}  // namespace tombolo
