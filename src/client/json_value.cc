#include "client/json_value.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include "sqlite/connection.h"
#include "tombolo/error.h"

namespace tombolo::client {

namespace {

[[noreturn]] void refuse(std::string_view json, std::string_view why) {
    throw Error(ErrorCode::usage, fmt::format("{} {}", json, why), "write text in quotes, as in '\"text\"'");
}

std::optional<std::string> from_base64(std::string_view text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    uint32_t bits = 0;
    int count = 0;
    if (text.size() % 4 != 0) return std::nullopt;
    while (!text.empty() && text.back() == '=')
        text.remove_suffix(1);
    for (const char c : text) {
        const size_t digit = digits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        bits = bits << 6 | static_cast<uint32_t>(digit);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<char>(bits >> count & 0xFF));
    }
    return bytes;
}

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    return result.ec == std::errc() && result.ptr == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const size_t first = text.find_first_not_of(blank);
    return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// {"$real":"inf"} and its like: one member, its value a text.
std::optional<Value> tagged(std::string_view json, std::string_view tag, std::string_view content) {
    if (tag == "$real" && (content == "inf" || content == "-inf"))
        return Value(content == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity());
    if (tag != "$text" && tag != "$blob") return std::nullopt;
    std::optional<std::string> bytes = from_base64(content);
    if (!bytes) refuse(json, "is not base64");
    return tag == "$text" ? Value(std::move(*bytes)) : Value::blob(std::move(*bytes));
}

}  // namespace

// With SQLite's own JSON functions: no second parser to keep.
Value value_from_json(std::string_view json) {
    sqlite::Connection scratch = sqlite::Connection::open(":memory:");
    sqlite::Statement valid = scratch.prepare("SELECT json_valid(?1)");
    if (!valid.with(json).step() || valid.integer(0) == 0) refuse(json, "is not JSON");
    sqlite::Statement look = scratch.prepare(
        "SELECT json_type(?1), json_extract(?1, '$'), (SELECT count(*) FROM json_each(?1)), (SELECT key FROM json_each(?1)), (SELECT value FROM "
        "json_each(?1)), (SELECT type FROM json_each(?1)), json(?1)");
    if (!look.with(json).step()) refuse(json, "is not JSON");
    const std::string_view type = look.text(0);
    if (type == "null") return {};
    if (type == "true" || type == "false") return Value(type == "true" ? 1 : 0);
    if (type == "text") return Value(std::string(look.text(1)));
    if (type == "integer") {
        const auto number = number_of<int64_t>(trimmed(json));
        if (!number) refuse(json, "is more than an INTEGER of 64 bits holds");
        return Value(*number);
    }
    if (type == "real") return Value(number_of<double>(trimmed(json)).value_or(look.value(1).as_real()));
    if (type == "object" && look.integer(2) == 1 && look.text(5) == "text") {
        if (std::optional<Value> value = tagged(json, look.text(3), look.text(4))) return *std::move(value);
    }
    return Value(std::string(look.text(6)));
}

}  // namespace tombolo::client
