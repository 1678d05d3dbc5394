#include "store/table_definition.h"

#include <algorithm>
#include <array>

namespace tombolo::store {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || c == '.' ||
           static_cast<unsigned char>(c) >= 0x80;
}

// Length of the white space or comment at the start of `sql`; 0: a token stands there.
size_t blank_length(std::string_view sql) {
    if (is_space(sql[0])) return 1;
    if (sql.substr(0, 2) == "--") return std::min(sql.find('\n'), sql.size());
    if (sql.substr(0, 2) == "/*") {
        const size_t end = sql.find("*/", 2);
        return end == std::string_view::npos ? sql.size() : end + 2;
    }
    return 0;
}

size_t quoted_length(std::string_view sql, char close) {
    for (size_t i = 1; i < sql.size(); ++i) {
        if (sql[i] != close) continue;
        if (close != ']' && i + 1 < sql.size() && sql[i + 1] == close) {
            ++i;  // a doubled quote stands for itself
        } else {
            return i + 1;
        }
    }
    return sql.size();
}

size_t token_length(std::string_view sql) {
    switch (sql[0]) {
        case '\'':
        case '"':
        case '`': return quoted_length(sql, sql[0]);
        case '[': return quoted_length(sql, ']');
        default: break;
    }
    size_t length = 0;
    while (length < sql.size() && is_word(sql[length]))
        ++length;
    return std::max<size_t>(length, 1);
}

std::vector<std::string_view> tokenize(std::string_view sql) {
    std::vector<std::string_view> tokens;
    while (!sql.empty()) {
        if (const size_t blank = blank_length(sql)) {
            sql.remove_prefix(blank);
            continue;
        }
        const size_t length = token_length(sql);
        tokens.push_back(sql.substr(0, length));
        sql.remove_prefix(length);
    }
    return tokens;
}

std::string lower(std::string_view word) {
    std::string result(word);
    if (is_word(word[0])) {
        for (char& c : result)
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return result;
}

std::string join(const std::vector<std::string_view>& tokens) {
    std::string joined;
    for (const std::string_view token : tokens) {
        if (!joined.empty()) joined.push_back(' ');
        joined += lower(token);
    }
    return joined;
}

Definition make_definition(const std::vector<std::string_view>& tokens) {
    const char* begin = tokens.front().data();
    const char* end = tokens.back().data() + tokens.back().size();
    return {std::string(begin, end), join(tokens)};
}

bool is_constraint(const Definition& definition) {
    static constexpr std::array<std::string_view, 5> words = {"constraint", "primary", "unique", "check", "foreign"};
    const std::string_view first = std::string_view(definition.normalized).substr(0, definition.normalized.find(' '));
    return std::find(words.begin(), words.end(), first) != words.end();
}

}  // namespace

std::string normalize_sql(std::string_view sql) { return join(tokenize(sql)); }

TableDefinition parse_table_definition(std::string_view create_table_sql) {
    TableDefinition result;
    std::vector<std::string_view> item;
    std::vector<std::string_view> options;
    int depth = 0;
    bool closed = false;
    const auto finish_item = [&] {
        if (item.empty()) return;
        Definition definition = make_definition(item);
        (is_constraint(definition) ? result.constraints : result.columns).push_back(std::move(definition));
        item.clear();
    };
    for (const std::string_view token : tokenize(create_table_sql)) {
        if (closed) {
            options.push_back(token);
            continue;
        }
        if (token == ")") --depth;
        if (depth == 0 && token == ")") {
            finish_item();
            closed = true;
        } else if (depth == 1 && token == ",") {
            finish_item();
        } else if (depth >= 1) {
            item.push_back(token);
        }
        if (token == "(") ++depth;
    }
    result.options = join(options);
    return result;
}

bool can_be_added(const Definition& column) {
    const std::vector<std::string_view> tokens = tokenize(column.text);
    bool may_be_null = true;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
        const std::string word = lower(tokens[i]);
        const std::string next = lower(tokens[i + 1]);
        if (word == "default") return next != "(" && !next.starts_with("current_");
        if (word == "not" && next == "null") may_be_null = false;
    }
    return may_be_null;
}

}  // namespace tombolo::store
