// A server's TLS identity.
#pragma once

#include <string>

namespace tombolo::network {

// PEM texts: the certificate with its chain, and its private key.
struct Identity {
    std::string certificate;
    std::string key;
};

// Throws Error(config) naming the file that cannot be read.
Identity load_identity(const std::string& certificate_file, const std::string& key_file);

// Self-signed, for localhost, 127.0.0.1 and ::1, good for 30 days: for trials on one machine.
Identity make_dev_certificate();

}  // namespace tombolo::network
