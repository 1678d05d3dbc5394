// hub.toml as values. All mistakes are found and reported together, each with its line; what this version does not do yet is a
// mistake too, never silently ignored.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "model/schema.h"
#include "store/store.h"

namespace tombolo::hub {

struct ColumnConfig {
    int line = 0;
    ColumnPolicy policy = ColumnPolicy::lww;
    std::string expression{};  // of ColumnPolicy::sql
};

struct TableConfig {
    std::string name;
    int line = 0;                             // where hub.toml speaks of it first
    ColumnPolicy policy = ColumnPolicy::lww;  // of columns without one of their own
    DeleteMode delete_mode = DeleteMode::update_wins;
    InsertMode insert_mode = InsertMode::reject;
    bool whole_rows = false;  // granularity = "row"
    std::map<std::string, ColumnConfig> columns;
};

struct SpaceConfig {
    std::string schema_file;  // empty: none named
    std::vector<TableConfig> tables;
};

struct TlsConfig {
    std::string certificate_file;
    std::string key_file;
};

// File names are as written: relative to the folder the caller decides on.
struct Config {
    std::string file_name = "hub.toml";  // for messages
    std::optional<std::string> listen;
    std::optional<std::string> data;
    int64_t retention = limits::retention_default;  // microseconds
    std::string metrics_token;                      // empty: /metrics for loopback only
    std::string log_level = "info";                 // error, warning, info, debug
    std::optional<TlsConfig> tls;
    std::map<std::string, SpaceConfig> spaces;  // `main` is always there
};

// Throws Error(config) with one line per mistake: "hub.toml:7: …".
Config parse_config(std::string_view toml, std::string file_name = "hub.toml");

// Gives the tables of these spaces their policies. Throws Error(config), before any was given, when hub.toml
// names tables or columns that a schema does not have, or an expression that SQLite does not take.
void apply_policies(const Config& config, const std::map<std::string, store::Store*>& spaces);

}  // namespace tombolo::hub
