#include "merge/json_value.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <utility>

#include "base/limits.h"
#include "merge/json_number.h"

namespace tombolo::merge {

namespace {

using boost::json::error_code;
using boost::json::string_view;

// Builds the tree from Boost's events; it reports texts and numbers in parts.
class Builder {
public:
    static constexpr size_t max_object_size = SIZE_MAX;
    static constexpr size_t max_array_size = SIZE_MAX;
    static constexpr size_t max_key_size = SIZE_MAX;
    static constexpr size_t max_string_size = SIZE_MAX;

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_array_begin(error_code&) { return open(JsonValue::Type::array); }
    bool on_array_end(size_t, error_code&) { return close(); }
    bool on_object_begin(error_code&) { return open(JsonValue::Type::object); }
    bool on_object_end(size_t, error_code& error) {
        auto& members = open_.back().value.members;
        std::sort(members.begin(), members.end(), [](const JsonMember& a, const JsonMember& b) { return a.name < b.name; });
        const auto twice =
            std::adjacent_find(members.begin(), members.end(), [](const JsonMember& a, const JsonMember& b) { return a.name == b.name; });
        if (twice != members.end()) return fail(error);
        return close();
    }
    bool on_key_part(string_view part, size_t, error_code&) { return collect(part); }
    bool on_key(string_view part, size_t, error_code&) {
        collect(part);
        name_ = std::exchange(text_, {});
        return true;
    }
    bool on_string_part(string_view part, size_t, error_code&) { return collect(part); }
    bool on_string(string_view part, size_t, error_code&) {
        collect(part);
        return add({JsonValue::Type::text, std::exchange(text_, {}), {}});
    }
    bool on_number_part(string_view part, error_code&) { return collect(part); }
    bool on_int64(int64_t, string_view part, error_code& error) { return number(part, error); }
    bool on_uint64(uint64_t, string_view part, error_code& error) { return number(part, error); }
    bool on_double(double, string_view part, error_code& error) { return number(part, error); }
    bool on_bool(bool value, error_code&) { return add({value ? JsonValue::Type::yes : JsonValue::Type::no, {}, {}}); }
    bool on_null(error_code&) { return add({}); }
    bool on_comment_part(string_view, error_code&) { return true; }
    bool on_comment(string_view, error_code&) { return true; }

    JsonValue take() { return std::move(root_); }

private:
    static bool fail(error_code& error) {
        error = boost::json::error::syntax;
        return false;
    }
    bool collect(string_view part) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool number(string_view part, error_code& error) {
        collect(part);
        auto canonical = canonical_number(std::exchange(text_, {}));
        if (!canonical) return fail(error);
        return add({JsonValue::Type::number, std::move(*canonical), {}});
    }
    bool open(JsonValue::Type type) {
        open_.push_back({std::exchange(name_, {}), {type, {}, {}}});
        return true;
    }
    bool close() {
        JsonMember closed = std::move(open_.back());
        open_.pop_back();
        name_ = std::move(closed.name);
        return add(std::move(closed.value));
    }
    bool add(JsonValue value) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else {
            open_.back().value.members.push_back({std::exchange(name_, {}), std::move(value)});
        }
        return true;
    }

    JsonValue root_;
    std::vector<JsonMember> open_;  // arrays and objects around the place
    std::string name_;              // of the member that comes
    std::string text_;              // parts of a text, name or number
};

void write_text(std::string& out, std::string_view text) {
    constexpr std::string_view short_escapes = "btn?fr";  // of 8, 9, 10, 12, 13
    constexpr std::string_view digits = "0123456789abcdef";
    out.push_back('"');
    for (const char c : text) {
        const auto byte = static_cast<uint8_t>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte >= 8 && byte <= 13 && byte != 11) {
            out.push_back('\\');
            out.push_back(short_escapes[byte - 8U]);
        } else if (byte < 0x20) {
            out += "\\u00";
            out.push_back(digits[byte >> 4]);
            out.push_back(digits[byte & 15]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

}  // namespace

std::optional<JsonValue> parse_json(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = limits::nesting_max;
    boost::json::basic_parser<Builder> parser(options);
    error_code error;
    const size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (error || read != text.size()) return std::nullopt;
    return parser.handler().take();
}

void write_json(std::string& out, const JsonValue& value) {
    switch (value.type) {
        case JsonValue::Type::null: out += "null"; return;
        case JsonValue::Type::no: out += "false"; return;
        case JsonValue::Type::yes: out += "true"; return;
        case JsonValue::Type::number: out += value.text; return;
        case JsonValue::Type::text: write_text(out, value.text); return;
        default: break;  // array, object
    }
    const bool object = value.type == JsonValue::Type::object;
    out.push_back(object ? '{' : '[');
    for (size_t i = 0; i < value.members.size(); ++i) {
        if (i > 0) out.push_back(',');
        if (object) {
            write_text(out, value.members[i].name);
            out.push_back(':');
        }
        write_json(out, value.members[i].value);
    }
    out.push_back(object ? '}' : ']');
}

int compare_json(const JsonValue& a, const JsonValue& b) {
    if (a.type != b.type) return a.type < b.type ? -1 : 1;
    if (a.type == JsonValue::Type::number) return compare_numbers(a.text, b.text);
    if (const int order = a.text.compare(b.text)) return order;
    for (size_t i = 0; i < a.members.size() && i < b.members.size(); ++i) {
        if (const int order = a.members[i].name.compare(b.members[i].name)) return order;
        if (const int order = compare_json(a.members[i].value, b.members[i].value)) return order;
    }
    return static_cast<int>(a.members.size() > b.members.size()) - static_cast<int>(a.members.size() < b.members.size());
}

}  // namespace tombolo::merge
