#include "hub/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sqlite/expression.h"
#include "tombolo/error.h"

namespace tombolo::hub {

namespace {

struct Mistake {
    int line;
    std::string sentence;
};

[[noreturn]] void throw_mistakes(const std::string& file_name, std::vector<Mistake> mistakes) {
    std::stable_sort(mistakes.begin(), mistakes.end(), [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
    std::string text;
    for (const Mistake& mistake : mistakes)
        text += fmt::format("{}{}:{}: {}", text.empty() ? "" : "\n", file_name, mistake.line, mistake.sentence);
    throw Error(ErrorCode::config, std::move(text), fmt::format("correct {} and start again", file_name));
}

template <typename T>
using Names = std::initializer_list<std::pair<std::string_view, T>>;

constexpr std::string_view later = "is not supported in this version";

// "90d" in microseconds.
std::optional<int64_t> parse_duration(std::string_view text) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || end != text.data() + text.size() - 1) return std::nullopt;
    int64_t unit = 0;
    switch (*end) {
        case 's': unit = limits::second; break;
        case 'm': unit = 60 * limits::second; break;
        case 'h': unit = 3600 * limits::second; break;
        case 'd': unit = limits::day; break;
        default: return std::nullopt;
    }
    if (number > INT64_MAX / unit) return std::nullopt;
    return number * unit;
}

class ConfigReader {
public:
    explicit ConfigReader(std::string file_name) { config_.file_name = std::move(file_name); }

    Config read(std::string_view text) {
        config_.spaces["main"];
        try {
            const toml::table root = toml::parse(text, config_.file_name);
            read_root(root);
        } catch (const toml::parse_error& error) {
            mistake(static_cast<int>(error.source().begin.line), std::string(error.description()));
        }
        if (!mistakes_.empty()) throw_mistakes(config_.file_name, std::move(mistakes_));
        return std::move(config_);
    }

private:
    // --- sections ---

    void read_root(const toml::table& root) {
        for (const auto& [key, node] : root) {
            if (key == "hub") {
                if (const auto* table = as_table(key, node)) read_hub(*table);
            } else if (key == "tls") {
                if (const auto* table = as_table(key, node)) read_tls(*table);
            } else if (key == "log") {
                if (const auto* table = as_table(key, node)) read_log(*table);
            } else if (key == "spaces") {
                if (const auto* table = as_table(key, node)) read_spaces(*table);
            } else if (key == "limits") {
                mistake(line(node), fmt::format("[limits] {}", later));
            } else {
                read_space_part(key, node, config_.spaces["main"]);
            }
        }
    }

    // What both the root (for the space main) and [spaces.NAME] may hold.
    void read_space_part(std::string_view key, const toml::node& node, SpaceConfig& space) {
        if (key == "tables") {
            if (const auto* tables = as_table(key, node)) read_tables(*tables, space);
        } else if (key == "access") {
            mistake(line(node), fmt::format("[access] {}", later));
        } else {
            unknown(key, node);
        }
    }

    void read_hub(const toml::table& hub) {
        for (const auto& [key, node] : hub) {
            if (key == "listen") {
                config_.listen = text(key, node);
            } else if (key == "data") {
                config_.data = text(key, node);
            } else if (key == "metrics_token") {
                config_.metrics_token = text(key, node).value_or("");
            } else if (key == "retention") {
                const auto written = text(key, node);
                const auto duration = written ? parse_duration(*written) : std::nullopt;
                if (written && !duration) mistake(line(node), fmt::format("retention = \"{}\" is not a number with s, m, h or d", *written));
                if (duration) config_.retention = *duration;
            } else {
                unknown(key, node);
            }
        }
    }

    void read_tls(const toml::table& tls) {
        TlsConfig result;
        for (const auto& [key, node] : tls) {
            if (key == "cert") {
                result.certificate_file = text(key, node).value_or("");
            } else if (key == "key") {
                result.key_file = text(key, node).value_or("");
            } else {
                unknown(key, node);
            }
        }
        if (result.certificate_file.empty() || result.key_file.empty()) mistake(line(tls), "[tls] needs both cert and key");
        config_.tls = std::move(result);
    }

    void read_log(const toml::table& log) {
        static constexpr std::array<std::string_view, 4> levels = {"error", "warning", "info", "debug"};
        for (const auto& [key, node] : log) {
            if (key != "level") {
                unknown(key, node);
                continue;
            }
            const auto level = text(key, node);
            if (!level) continue;
            if (std::find(levels.begin(), levels.end(), *level) == levels.end()) {
                mistake(line(node), fmt::format("level = \"{}\" is none of error, warning, info, debug", *level));
            }
            config_.log_level = *level;
        }
    }

    void read_spaces(const toml::table& spaces) {
        for (const auto& [name, node] : spaces) {
            const auto* table = as_table(name, node);
            if (table == nullptr) continue;
            if (!is_space_name(name)) mistake(line(node), fmt::format("\"{}\" cannot name a space: letters, digits, - and _ can", name.str()));
            SpaceConfig& space = config_.spaces[std::string(name)];
            for (const auto& [key, part] : *table) {
                if (key == "schema") {
                    space.schema_file = text(key, part).value_or("");
                } else {
                    read_space_part(key, part, space);
                }
            }
        }
    }

    // A space's name is a folder's name too.
    static bool is_space_name(std::string_view name) {
        return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        });
    }

    void read_tables(const toml::table& tables, SpaceConfig& space) {
        for (const auto& [name, node] : tables) {
            const auto* table = as_table(name, node);
            if (table == nullptr) continue;
            TableConfig& config = space.tables.emplace_back();
            config.name = std::string(name);
            config.line = line(node);
            for (const auto& [key, value] : *table)
                read_table_key(key, value, config);
        }
    }

    void read_table_key(std::string_view key, const toml::node& node, TableConfig& table) {
        if (key == "policy") {
            choose(key, node,
                   {{"lww", ColumnPolicy::lww}, {"hub", ColumnPolicy::hub}, {"device", ColumnPolicy::device}, {"manual", ColumnPolicy::manual}}, {},
                   table.policy);
        } else if (key == "delete") {
            choose(key, node, {{"update-wins", DeleteMode::update_wins}, {"delete-wins", DeleteMode::delete_wins}, {"manual", DeleteMode::manual}},
                   {}, table.delete_mode);
        } else if (key == "insert") {
            choose(key, node, {{"reject", InsertMode::reject}, {"merge", InsertMode::merge}}, {}, table.insert_mode);
        } else if (key == "granularity") {
            choose(key, node, {{"cell", false}, {"row", true}}, {}, table.whole_rows);
        } else if (key == "channel") {
            mistake(line(node), fmt::format("channel {}", later));
        } else if (key == "columns") {
            const auto* columns = as_table(key, node);
            if (columns == nullptr) return;
            for (const auto& [name, policy] : *columns)
                read_column(name, policy, table);
        } else {
            unknown(key, node);
        }
    }

    void read_column(std::string_view name, const toml::node& node, TableConfig& table) {
        ColumnConfig& column = table.columns[std::string(name)];
        column.line = line(node);
        if (const auto* expression = node.as_table()) return read_expression(name, *expression, column);
        choose(name, node,
               {{"lww", ColumnPolicy::lww},
                {"hub", ColumnPolicy::hub},
                {"device", ColumnPolicy::device},
                {"manual", ColumnPolicy::manual},
                {"counter", ColumnPolicy::counter},
                {"set", ColumnPolicy::set},
                {"json", ColumnPolicy::json},
                {"text", ColumnPolicy::text},
                {"max", ColumnPolicy::max},
                {"min", ColumnPolicy::min}},
               {}, column.policy);
    }

    // name = { sql = "…" }
    void read_expression(std::string_view name, const toml::table& table, ColumnConfig& column) {
        column.policy = ColumnPolicy::sql;
        for (const auto& [key, node] : table) {
            if (key == "sql") {
                column.expression = text(key, node).value_or("");
            } else {
                unknown(key, node);
            }
        }
        if (table.get("sql") == nullptr) mistake(column.line, fmt::format("{} is neither a policy nor {{ sql = \"…\" }}", name));
    }

    // --- values ---

    // One of the names, or one of those that a later version will know, or a mistake.
    template <typename T>
    void choose(std::string_view key, const toml::node& node, Names<T> names, std::initializer_list<std::string_view> later_names, T& result) {
        const auto written = text(key, node);
        if (!written) return;
        std::string known;
        for (const auto& [name, value] : names) {
            if (name == *written) {
                result = value;
                return;
            }
            known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
        }
        const bool is_later = std::find(later_names.begin(), later_names.end(), *written) != later_names.end();
        mistake(line(node),
                is_later ? fmt::format("{} = \"{}\" {}", key, *written, later) : fmt::format("{} = \"{}\" is none of {}", key, *written, known));
    }

    std::optional<std::string> text(std::string_view key, const toml::node& node) {
        if (const auto* value = node.as_string()) return value->get();
        mistake(line(node), fmt::format("{} must be a text in quotes", key));
        return std::nullopt;
    }
    const toml::table* as_table(std::string_view key, const toml::node& node) {
        if (const auto* table = node.as_table()) return table;
        mistake(line(node), fmt::format("{} must be a section", key));
        return nullptr;
    }
    void unknown(std::string_view key, const toml::node& node) { mistake(line(node), fmt::format("{} is not known here", key)); }
    static int line(const toml::node& node) { return static_cast<int>(node.source().begin.line); }
    void mistake(int at_line, std::string sentence) { mistakes_.push_back({at_line, std::move(sentence)}); }

    Config config_;
    std::vector<Mistake> mistakes_;
};

void set_column(const ColumnConfig& config, const std::string& name, Table& table, std::vector<Mistake>& mistakes) {
    const auto index = table.find_column(name);
    if (!index) {
        mistakes.push_back({config.line, fmt::format("table {} has no column {}", table.name, name)});
    } else if (table.is_key(*index)) {
        mistakes.push_back({config.line, fmt::format("{}.{} is part of the primary key, which has no policy", table.name, name)});
    } else {
        table.columns[*index].policy = config.policy;
        table.columns[*index].expression = config.expression;
    }
}

void check_expressions(const TableConfig& config, const Table& table, std::vector<Mistake>& mistakes) {
    for (const auto& [name, column] : config.columns) {
        const auto index = table.find_column(name);
        if (column.policy != ColumnPolicy::sql || !index || table.is_key(*index)) continue;
        const std::string mistake = sqlite::ScratchExpressions::find_mistake(table, *index);
        if (!mistake.empty()) mistakes.push_back({column.line, fmt::format("the sql policy of {}.{}: {}", table.name, name, mistake)});
    }
}

void set_policies(const TableConfig& config, Table& table, std::vector<Mistake>& mistakes) {
    table.delete_mode = config.delete_mode;
    table.insert_mode = config.insert_mode;
    table.whole_rows = config.whole_rows;
    for (uint32_t i = 0; i < table.columns.size(); ++i) {
        if (!table.is_key(i)) table.columns[i].policy = config.policy;
    }
    for (const auto& [name, column] : config.columns)
        set_column(column, name, table, mistakes);
    check_expressions(config, table, mistakes);
}

std::vector<Table> configured_tables(const SpaceConfig& space, const Schema& schema, std::vector<Mistake>& mistakes) {
    std::vector<Table> tables = schema.tables;
    for (const TableConfig& table_config : space.tables) {
        const auto table = std::find_if(tables.begin(), tables.end(), [&](const Table& known) { return equal_names(known.name, table_config.name); });
        if (table == tables.end()) {
            mistakes.push_back({table_config.line, fmt::format("the schema has no table {}", table_config.name)});
        } else {
            set_policies(table_config, *table, mistakes);
        }
    }
    return tables;
}

}  // namespace

Config parse_config(std::string_view toml, std::string file_name) { return ConfigReader(std::move(file_name)).read(toml); }

void apply_policies(const Config& config, const std::map<std::string, store::Store*>& spaces) {
    std::vector<Mistake> mistakes;
    std::map<store::Store*, std::vector<Table>> tables;
    for (const auto& [name, store] : spaces)
        tables[store] = configured_tables(config.spaces.at(name), store->schema(), mistakes);
    if (!mistakes.empty()) throw_mistakes(config.file_name, std::move(mistakes));
    for (const auto& [store, configured] : tables)
        store->set_policies(configured);
}

}  // namespace tombolo::hub
