// Addresses as people write them: ws://HOST:PORT/SPACE, wss://HOST/SPACE, HOST:PORT.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tombolo::network {

struct HostPort {
    std::string host;  // without the brackets of an IPv6 address
    uint16_t port = 0;
    bool operator==(const HostPort&) const = default;
};

struct HubUrl {
    bool tls = false;
    HostPort address;
    std::string space;
    bool operator==(const HubUrl&) const = default;
};

// No port: 80, or 443 with wss. No space: "main". Throws Error(usage) that says what is wrong.
HubUrl parse_hub_url(std::string_view text);
// The port must be there; 0 is allowed (a listener then picks one).
HostPort parse_host_port(std::string_view text);

std::string to_string(const HostPort& address);  // IPv6 in brackets
std::string to_string(const HubUrl& url);        // complete, with port and space

inline constexpr std::string_view default_space = "main";
bool is_space_name(std::string_view name);  // [A-Za-z0-9_-]{1,64}: a file name, a URL segment and a label at once

}  // namespace tombolo::network
