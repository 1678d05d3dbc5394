#include "client/token.h"

#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "client/log.h"
#include "tombolo/error.h"

namespace tombolo::client {

namespace {

std::string fetch_or_nothing(const std::function<std::string()>& fetch) {
    try {
        return resolve_token(fetch());
    } catch (const std::exception& error) {
        log(LogLevel::error, "the token could not be had: {}", error.what());
        return {};
    }
}

}  // namespace

std::string token_file_reference(const std::string& path) { return "@" + std::filesystem::absolute(path).string(); }

std::string resolve_token(std::string_view token) {
    if (token.empty() || token.front() != '@') return std::string(token);
    const std::string path(token.substr(1));
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(ErrorCode::not_found, fmt::format("the token file {} cannot be read", path), "check its path and permissions");
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text;
}

std::function<std::string()> token_source(const TokenSource& given, std::function<std::string()> stored) {
    if (const auto* fetch = std::get_if<std::function<std::string()>>(&given); fetch != nullptr && *fetch) {
        return [fetch = *fetch] { return fetch_or_nothing(fetch); };
    }
    const auto* text = std::get_if<std::string>(&given);
    if (text != nullptr && !text->empty()) {
        return [text = *text] { return fetch_or_nothing([&] { return text; }); };
    }
    return [stored = std::move(stored)] { return fetch_or_nothing(stored); };
}

}  // namespace tombolo::client
