#include "cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/bytes.h"
#include "client/json.h"

namespace tombolo::cli {

std::string printable(std::string_view text) {
    if (!is_valid_utf8(text)) return fmt::format("x'{}'", to_hex(text));
    std::string line;
    for (const char c : text) {
        if (c == '\n') {
            line += "\\n";
        } else if (c == '\t') {
            line += "\\t";
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            line += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
        } else {
            line.push_back(c);
        }
    }
    return line;
}

std::string value_text(const Value& value) {
    switch (value.type()) {
        case ValueType::null: return "NULL";
        case ValueType::integer: return std::to_string(value.as_integer());
        case ValueType::real: return client::real_text(value.as_real());
        case ValueType::text: return printable(value.bytes());
        case ValueType::blob: return fmt::format("x'{}'", to_hex(value.bytes()));
    }
    return {};
}

size_t code_points(std::string_view utf8) {
    return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

namespace {

void put_line(std::string& out, const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) line += "  ";
        line += cells[i];
        line.append(widths[i] - std::min(widths[i], code_points(cells[i])), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
}

std::string optional_time(const std::optional<int64_t>& at) { return at ? client::time_text(*at) : "never"; }

}  // namespace

void print_error(const Error& error) {
    std::string_view sentence = error.what();
    const bool is_list = error.code() == ErrorCode::config;  // one mistake a line
    const size_t first = is_list ? sentence.find('\n') : std::string_view::npos;
    fmt::print(stderr, "tombolo: {}: {}\n", to_string(error.code()), printable(sentence.substr(0, first)));
    if (first != std::string_view::npos) fmt::print(stderr, "{}\n", sentence.substr(first + 1));
    if (!error.advice().empty()) fmt::print(stderr, "{}\n", error.advice());
}

void print_line(std::string_view text) {
    fmt::print("{}\n", text);
    std::fflush(stdout);
}

std::string table_text(const Rows& rows) {
    std::vector<std::vector<std::string>> lines;
    std::vector<size_t> widths;
    for (const std::string& name : rows.columns)
        widths.push_back(code_points(printable(name)));
    for (const Row& row : rows.rows) {
        std::vector<std::string>& line = lines.emplace_back();
        for (size_t i = 0; i < row.size(); ++i) {
            line.push_back(value_text(row[i]));
            widths[i] = std::max(widths[i], code_points(line.back()));
        }
    }
    std::string out;
    std::vector<std::string> names;
    std::vector<std::string> rules;
    for (size_t i = 0; i < rows.columns.size(); ++i) {
        names.push_back(printable(rows.columns[i]));
        rules.emplace_back(widths[i], '-');
    }
    put_line(out, names, widths);
    put_line(out, rules, widths);
    for (const auto& line : lines)
        put_line(out, line, widths);
    return out;
}

std::string json_text(const Rows& rows) {
    client::JsonWriter json;
    json.begin_array();
    for (const Row& row : rows.rows) {
        json.begin_object();
        for (size_t i = 0; i < row.size(); ++i)
            json.key(rows.columns[i]).value(row[i]);
        json.end_object();
    }
    return json.end_array().take();
}

std::string status_table(const Status& status) {
    std::string out;
    const auto line = [&](std::string_view name, std::string_view text) { out += fmt::format("{:<21} {}\n", name, text); };
    line("site", status.site);
    line("hub", status.hub.empty() ? "none yet" : fmt::format("{}, space {}", status.hub, status.space));
    line("state", status.cause.empty() ? std::string(to_string(status.state)) : fmt::format("{}: {}", to_string(status.state), status.cause));
    if (status.state_since != 0) line("since", client::time_text(status.state_since));
    line("network", status.network_cause.empty() ? std::string(to_string(status.network))
                                                 : fmt::format("{}: {}", to_string(status.network), printable(status.network_cause)));
    if (status.interface_kind != InterfaceKind::unknown || status.metered) {
        line("interface", fmt::format("{}{}", to_string(status.interface_kind),
                                      !status.metered   ? ""
                                      : *status.metered ? ", metered"
                                                        : ", not metered"));
    }
    line("hub is", to_string(status.hub_reach));
    line("pending", fmt::format("{}, {}", count_text(status.pending_transactions, "transaction"), count_text(status.pending_rows, "row")));
    line("rejected", std::to_string(status.rejected));
    line("conflicts", std::to_string(status.conflicts));
    line("cursor", fmt::format("{} of {}", status.cursor, status.hub_seq ? std::to_string(*status.hub_seq) : "unknown"));
    line("last sync", optional_time(status.last_sync_at));
    if (status.last_error)
        line("last error", fmt::format("{}: {} ({})", status.last_error->code, status.last_error->message, client::time_text(status.last_error->at)));
    line("synced by", status.holder_pid ? fmt::format("process {}", *status.holder_pid) : "no process now");
    return out;
}

std::string status_line(const Status& status, bool progress) {
    std::string line(to_string(status.state));
    if (!status.cause.empty()) line += ": " + printable(status.cause);
    if (status.network != NetworkState::available) line += fmt::format(" · network {}", to_string(status.network));
    if (status.rejected > 0) line += fmt::format(" · {} rejected", status.rejected);
    if (!progress) return line;
    const Progress& done = status.progress;
    if (done.rows_up_done > 0) {
        line += fmt::format(" · {} of {} sent ({})", done.rows_up_done, count_text(done.rows_up_total, "row"), bytes_text(done.bytes_up));
    } else if (status.pending_transactions > 0) {
        line += fmt::format(" · {} to send", count_text(status.pending_rows, "row"));
    }
    if (done.rows_total > 0)
        line += fmt::format(" · {} of {} received ({})", done.rows_done, count_text(done.rows_total, "row"), bytes_text(done.bytes_down));
    line += fmt::format(" · at {}", status.cursor);
    if (status.hub_seq && *status.hub_seq != status.cursor) line += fmt::format(" of {}", *status.hub_seq);
    return line;
}

std::string bytes_text(int64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    double amount = static_cast<double>(bytes);
    const char* unit = "B";
    for (const char* larger : {"kB", "MB", "GB"}) {
        if (amount < 1000) break;
        amount /= 1000;
        unit = larger;
    }
    return fmt::format("{:.1f} {}", amount, unit);
}

std::string count_text(int64_t count, std::string_view noun) {
    std::string digits = std::to_string(count);
    for (size_t at = digits.size(); at > 3; at -= 3)
        digits.insert(at - 3, 1, ',');
    return fmt::format("{} {}{}", digits, noun, count == 1 ? "" : "s");
}

bool stdout_is_terminal() { return isatty(STDOUT_FILENO) == 1; }
bool stdin_is_terminal() { return isatty(STDIN_FILENO) == 1; }

}  // namespace tombolo::cli
