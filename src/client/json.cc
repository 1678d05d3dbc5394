#include "client/json.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <ctime>

#include "base/bytes.h"

namespace tombolo::client {

namespace {

// The longest prefix of `bytes` that is valid UTF-8, at most one code point: 0 if there is none.
size_t code_point_size(std::string_view bytes) {
    for (size_t size = 1; size <= 4 && size <= bytes.size(); ++size) {
        if (is_valid_utf8(bytes.substr(0, size))) return size;
    }
    return 0;
}

std::string replace_invalid(std::string_view bytes) {
    std::string valid;
    while (!bytes.empty()) {
        const size_t size = code_point_size(bytes);
        valid += size == 0 ? std::string_view("\xEF\xBF\xBD") : bytes.substr(0, size);
        bytes.remove_prefix(size == 0 ? 1 : size);
    }
    return valid;
}

}  // namespace

std::string time_text(int64_t microseconds) {
    int64_t seconds = microseconds / 1000000;
    int64_t rest = microseconds % 1000000;
    if (rest < 0) {
        rest += 1000000;
        --seconds;
    }
    const std::time_t time = seconds;
    std::tm utc{};
    gmtime_r(&time, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                       utc.tm_sec, rest / 1000);
}

std::string real_text(double value) {
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    char buffer[32];
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
    std::string text(buffer, result.ptr);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

JsonWriter& JsonWriter::open(char bracket) {
    separate();
    out_.push_back(bracket);
    first_ = true;
    return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
    out_.push_back(bracket);
    first_ = false;
    return *this;
}

void JsonWriter::separate() {
    if (!first_) out_.push_back(',');
    first_ = false;
}

void JsonWriter::quote(std::string_view utf8) {
    out_.push_back('"');
    for (const char c : utf8) {
        switch (c) {
            case '"': out_ += "\\\""; break;
            case '\\': out_ += "\\\\"; break;
            case '\n': out_ += "\\n"; break;
            case '\r': out_ += "\\r"; break;
            case '\t': out_ += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    out_.push_back(c);
                }
        }
    }
    out_.push_back('"');
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    quote(is_valid_utf8(name) ? std::string(name) : replace_invalid(name));
    out_.push_back(':');
    first_ = true;  // no comma between a key and its value
    return *this;
}

JsonWriter& JsonWriter::string(std::string_view utf8) {
    separate();
    quote(is_valid_utf8(utf8) ? std::string(utf8) : replace_invalid(utf8));
    return *this;
}

JsonWriter& JsonWriter::integer(int64_t value) {
    separate();
    out_ += std::to_string(value);
    return *this;
}

JsonWriter& JsonWriter::number(uint64_t value) {
    separate();
    out_ += std::to_string(value);
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    separate();
    out_ += value ? "true" : "false";
    return *this;
}

JsonWriter& JsonWriter::null() {
    separate();
    out_ += "null";
    return *this;
}

JsonWriter& JsonWriter::time(int64_t microseconds) { return string(time_text(microseconds)); }

JsonWriter& JsonWriter::tagged(std::string_view tag, std::string_view content) { return begin_object().key(tag).string(content).end_object(); }

JsonWriter& JsonWriter::value(const ValueView& value) {
    switch (value.type()) {
        case ValueType::null: return null();
        case ValueType::integer: return integer(value.as_integer());
        case ValueType::real: {
            const std::string text = real_text(value.as_real());
            if (std::isinf(value.as_real())) return tagged("$real", text);
            separate();
            out_ += text;
            return *this;
        }
        case ValueType::text: {
            const std::string_view bytes = value.bytes();
            const bool plain = bytes.find('\0') == std::string_view::npos && is_valid_utf8(bytes);
            return plain ? string(bytes) : tagged("$text", to_base64(bytes));
        }
        case ValueType::blob: return tagged("$blob", to_base64(value.bytes()));
    }
    return null();
}

}  // namespace tombolo::client
