// First contact: what a new device must know of its hub, asked over one connection before any file is made.
#pragma once

#include <cstdint>
#include <string>

#include "model/schema.h"
#include "network/url.h"
#include "tombolo/options.h"

namespace tombolo::client {

struct HubSchema {
    Schema schema;
    uint64_t hash = 0;
};

// Connects once. Throws Error(unreachable), (needs_auth), (not_found) for a space the hub does not have …
HubSchema fetch_schema(const network::HubUrl& hub, const TokenSource& token, const std::string& ca_file);

}  // namespace tombolo::client
