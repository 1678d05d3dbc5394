#include "network/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tombolo/error.h"

namespace tombolo::network {

namespace {

constexpr uint16_t default_port = 80;
constexpr uint16_t default_tls_port = 443;
constexpr size_t space_name_max = 64;
constexpr size_t host_max = 253;  // RFC 1035

[[noreturn]] void fail(std::string_view text, std::string_view what) {
    throw Error(ErrorCode::usage, fmt::format("{} is not an address: {}", text, what), "write ws://HOST:PORT/SPACE, or wss:// with TLS");
}

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_address_character(char c) {  // of an IPv6 address, with a zone
    return is_host_character(c) || c == ':' || c == '%';
}

uint16_t parse_port(std::string_view text, std::string_view digits) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port > 65535) fail(text, "its port is not a number from 0 to 65535");
    return static_cast<uint16_t>(port);
}

// What stands before and after the host; `port` is empty where there is none.
struct Authority {
    std::string_view host;
    std::string_view port;
};

Authority split_authority(std::string_view text, std::string_view authority) {
    if (authority.find('@') != std::string_view::npos) fail(text, "it holds a user or password, and tokens do not belong into it");
    Authority parts;
    if (!authority.empty() && authority.front() == '[') {
        const size_t bracket = authority.find(']');
        if (bracket == std::string_view::npos) fail(text, "its bracket is not closed");
        parts.host = authority.substr(1, bracket - 1);
        const std::string_view rest = authority.substr(bracket + 1);
        if (!rest.empty() && rest.front() != ':') fail(text, "something stands between its bracket and its port");
        if (rest.size() == 1) fail(text, "its port is missing after the colon");
        if (!rest.empty()) parts.port = rest.substr(1);
        if (!std::all_of(parts.host.begin(), parts.host.end(), is_address_character)) fail(text, "its host is not one");
    } else {
        const size_t colon = authority.find(':');
        parts.host = authority.substr(0, colon);
        if (colon != std::string_view::npos) {
            parts.port = authority.substr(colon + 1);
            if (parts.port.empty()) fail(text, "its port is missing after the colon");
            if (parts.port.find(':') != std::string_view::npos) fail(text, "an IPv6 address needs brackets around it");
        }
        if (!std::all_of(parts.host.begin(), parts.host.end(), is_host_character)) fail(text, "its host is not one");
    }
    if (parts.host.empty()) fail(text, "its host is missing");
    if (parts.host.size() > host_max) fail(text, "its host is too long");
    return parts;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix) return false;
    text.remove_prefix(prefix.size());
    return true;
}

}  // namespace

bool is_space_name(std::string_view name) {
    return !name.empty() && name.size() <= space_name_max &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_host_character(c) && c != '.'; });
}

HubUrl parse_hub_url(std::string_view text) {
    HubUrl url;
    std::string_view rest = text;
    if (take_prefix(rest, "wss://")) {
        url.tls = true;
    } else if (!take_prefix(rest, "ws://")) {
        fail(text, "it begins neither with ws:// nor with wss://");
    }
    const size_t slash = rest.find('/');
    const Authority authority = split_authority(text, rest.substr(0, slash));
    url.address.host = authority.host;
    url.address.port = url.tls ? default_tls_port : default_port;
    if (!authority.port.empty()) url.address.port = parse_port(text, authority.port);
    if (url.address.port == 0) fail(text, "nobody can be reached at port 0");

    std::string_view space = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    if (space.empty()) space = default_space;
    if (!is_space_name(space)) fail(text, "its space is not 1 to 64 letters, digits, - or _");
    url.space = space;
    return url;
}

HostPort parse_host_port(std::string_view text) {
    const Authority authority = split_authority(text, text);
    if (authority.port.empty()) fail(text, "its port is missing");
    return {std::string(authority.host), parse_port(text, authority.port)};
}

std::string to_string(const HostPort& address) {
    const bool needs_brackets = address.host.find(':') != std::string::npos;
    return needs_brackets ? fmt::format("[{}]:{}", address.host, address.port) : fmt::format("{}:{}", address.host, address.port);
}

std::string to_string(const HubUrl& url) { return fmt::format("{}://{}/{}", url.tls ? "wss" : "ws", to_string(url.address), url.space); }

}  // namespace tombolo::network
