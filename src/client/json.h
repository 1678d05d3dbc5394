// JSON as the command line's reference fixes it, written straight into a string.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tombolo/value.h"

namespace tombolo::client {

// Commas are the writer's business, balance is the caller's. No white space, so that a document is one line.
class JsonWriter {
public:
    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }

    JsonWriter& key(std::string_view name);
    JsonWriter& string(std::string_view utf8);  // invalid UTF-8 is replaced by U+FFFD
    JsonWriter& integer(int64_t value);
    JsonWriter& number(uint64_t value);
    JsonWriter& boolean(bool value);
    JsonWriter& null();
    JsonWriter& time(int64_t microseconds);  // since 1970; RFC 3339, UTC, milliseconds
    // An SQL value: REAL in its shortest form with '.' or 'e'; what JSON has no form for as {"$real"}, {"$text"}, {"$blob"}.
    JsonWriter& value(const ValueView& value);

    template <typename T, typename Write>
    JsonWriter& optional(const std::optional<T>& value, const Write& write) {
        return value ? write(*value) : null();
    }

    const std::string& text() const { return out_; }
    std::string take() { return std::move(out_); }

private:
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    JsonWriter& tagged(std::string_view tag, std::string_view content);
    void separate();
    void quote(std::string_view utf8);

    std::string out_;
    bool first_ = true;  // nothing stands before in this array or object
};

std::string time_text(int64_t microseconds);  // 2026-08-22T09:30:00.250Z
std::string real_text(double value);          // 1.0, 0.1, 1e+300; "inf", "-inf"

}  // namespace tombolo::client
