#include "cli/conflict_view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "cli/output.h"
#include "client/json.h"
#include "merge/text_atoms.h"
#include "merge/text_diff.h"

namespace tombolo::cli {

namespace {

using Lines = std::vector<std::string>;

constexpr size_t column_width_min = 10;
constexpr size_t lines_max = 12;  // of a value; a longer text shows in its differences
constexpr std::string_view gap = " | ";

Lines split_lines(std::string_view text) {
    Lines lines;
    while (true) {
        const size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back(printable(line));
        if (end == std::string_view::npos) return lines;
        text.remove_prefix(end + 1);
    }
}

size_t byte_of(std::string_view utf8, size_t code_point) {
    size_t at = 0;
    for (; at < utf8.size(); ++at) {
        const bool starts = (static_cast<unsigned char>(utf8[at]) & 0xC0) != 0x80;
        if (starts && code_point-- == 0) return at;
    }
    return at;
}

// Cuts at blanks where there are any in the second half.
Lines wrap(const Lines& text, size_t width) {
    Lines lines;
    for (const std::string& whole : text) {
        std::string_view rest = whole;
        while (code_points(rest) > width) {
            size_t end = byte_of(rest, width);
            const size_t blank = rest.substr(0, end).rfind(' ');
            if (blank != std::string_view::npos && blank > end / 2) end = blank + 1;
            lines.emplace_back(rest.substr(0, end));
            rest.remove_prefix(end);
        }
        lines.emplace_back(rest);
    }
    if (lines.size() > lines_max) {
        lines.resize(lines_max);
        lines.back() = "…";
    }
    return lines;
}

Lines value_lines(const Value& value) {
    const bool plain = value.type() == ValueType::text && is_valid_utf8(value.bytes());
    return plain ? split_lines(value.bytes()) : Lines{value_text(value)};
}

// Lines of text in columns beside each other.
class Columns {
public:
    Columns(size_t count, size_t width) : width_(std::max(column_width_min, (width - gap.size() * (count - 1)) / count)) {}
    void add(const std::vector<Lines>& cells) {
        std::vector<Lines> wrapped;
        size_t height = 0;
        for (const Lines& cell : cells) {
            wrapped.push_back(wrap(cell, width_));
            height = std::max(height, wrapped.back().size());
        }
        for (size_t y = 0; y < height; ++y)
            rows_.push_back(row(wrapped, y));
        for (const auto& line : rows_) {
            used_.resize(line.size());
            for (size_t x = 0; x < line.size(); ++x)
                used_[x] = std::max(used_[x], code_points(line[x]));
        }
    }
    void rule() { rules_.push_back(rows_.size()); }
    std::string text() const {
        std::string out;
        for (size_t y = 0; y < rows_.size(); ++y) {
            if (std::find(rules_.begin(), rules_.end(), y) != rules_.end()) out += line(Lines(used_.size()), '-', "-+-");
            out += line(rows_[y], ' ', gap);
        }
        return out;
    }

private:
    static Lines row(const std::vector<Lines>& cells, size_t y) {
        Lines line;
        for (const Lines& cell : cells)
            line.push_back(y < cell.size() ? cell[y] : std::string());
        return line;
    }
    std::string line(const Lines& cells, char fill, std::string_view between) const {
        std::string out;
        for (size_t x = 0; x < cells.size(); ++x) {
            if (x > 0) out += between;
            out += cells[x];
            out.append(used_[x] - std::min(used_[x], code_points(cells[x])), fill);
        }
        out.erase(out.find_last_not_of(' ') + 1);
        return out + "\n";
    }

    size_t width_;
    std::vector<Lines> rows_;
    std::vector<size_t> used_;
    std::vector<size_t> rules_;  // above these rows
};

// Over the columns of the two sides.
std::vector<Lines> heads(const Conflict& conflict, const ConflictViewOptions& options) {
    return {{"what the author", "of mine saw"},
            {"not stored", site_text(conflict.mine_site, options.own_site), client::time_text(conflict.candidates.back().at)},
            {"stored at the hub", site_text(conflict.theirs_site, options.own_site)}};
}

const Value* find_value(const std::optional<NamedRow>& row, const std::string& name) {
    if (!row) return nullptr;
    const auto found = std::find_if(row->begin(), row->end(), [&](const NamedValue& one) { return one.name == name; });
    return found == row->end() ? nullptr : &found->value;
}

Lines cell_of(const std::optional<NamedRow>& row, const std::string& name) {
    const Value* value = find_value(row, name);
    return value != nullptr ? value_lines(*value) : Lines{""};
}

std::string cell_table(const Conflict& conflict, const ConflictViewOptions& options) {
    Columns columns(3, options.width);
    columns.add({{"base"}, {"mine"}, {"theirs"}});
    columns.add(heads(conflict, options));
    columns.rule();
    columns.add({value_lines(conflict.base.value), value_lines(conflict.mine.value), value_lines(conflict.theirs.value)});
    return columns.text();
}

std::string row_table(const Conflict& conflict, const ConflictViewOptions& options) {
    Columns columns(4, options.width);
    const auto fate = [](const ConflictSide& side) { return side.row ? Lines{""} : Lines{"deleted"}; };
    columns.add({{""}, {"base"}, {"mine"}, {"theirs"}});
    std::vector<Lines> sides = heads(conflict, options);
    sides.insert(sides.begin(), Lines{""});
    columns.add(sides);
    columns.rule();
    columns.add({{"the row"}, fate(conflict.base), fate(conflict.mine), fate(conflict.theirs)});
    const std::optional<NamedRow>& names = conflict.theirs.row ? conflict.theirs.row : conflict.base.row;
    for (const NamedValue& one : names.value_or(NamedRow{}))
        columns.add({{printable(one.name)},
                     cell_of(conflict.base.row, one.name),
                     cell_of(conflict.mine.row, one.name),
                     cell_of(conflict.theirs.row, one.name)});
    return columns.text();
}

// --- what a side did to a text ---

// The text of both, deletions and insertions marked, line by line; `changed` tells which lines have marks.
class MarkedText {
public:
    MarkedText(std::string_view base, std::string_view side) {
        merge::AtomTable table;
        const merge::AtomText from = merge::cut_atoms(base, table);
        const merge::AtomText to = merge::cut_atoms(side, table);
        size_t done = 0;
        for (const merge::TextEdit& edit : merge::diff_texts(from, to, table)) {
            put(from.slice(done, edit.begin), "", "");
            if (edit.deletes()) put(from.slice(edit.begin, edit.end), "[-", "-]");
            if (edit.inserts()) put(to.slice(edit.from, edit.to), "{+", "+}");
            done = edit.end;
        }
        put(from.slice(done, from.atoms.size()), "", "");
    }
    // Changed lines with one line around them.
    Lines lines() const {
        Lines shown;
        bool left_out = false;
        for (size_t i = 0; i < lines_.size(); ++i) {
            const bool wanted = changed_[i] || (i > 0 && changed_[i - 1]) || (i + 1 < lines_.size() && changed_[i + 1]);
            if (wanted && left_out) shown.emplace_back("…");
            if (wanted) shown.push_back(lines_[i]);
            left_out = !wanted;
        }
        if (left_out && !shown.empty()) shown.emplace_back("…");
        return shown;
    }

private:
    void put(std::string_view text, std::string_view open, std::string_view close) {
        if (text.empty()) return;
        const Lines parts = split_lines(text);
        for (size_t i = 0; i < parts.size(); ++i) {
            if (i > 0) {
                lines_.emplace_back();
                changed_.push_back(false);
            }
            const bool marks = !open.empty() && !(parts[i].empty() && i + 1 == parts.size() && parts.size() > 1);
            if (marks) {
                lines_.back() += fmt::format("{}{}{}", open, parts[i], close);
                changed_.back() = true;
            } else {
                lines_.back() += parts[i];
            }
        }
    }

    Lines lines_{""};
    std::vector<bool> changed_{false};
};

bool is_mergeable_text(const Value& value) {
    return value.type() == ValueType::text && is_valid_utf8(value.bytes()) && value.bytes().size() <= limits::text_merge_bytes_max;
}

void put_differences(std::string& out, std::string_view name, const Value& base, const Value& side, size_t width) {
    if (!is_mergeable_text(base) || !is_mergeable_text(side) || base.bytes().empty() || base == side) return;
    out += fmt::format("{} against base, [-without-] {{+with+}}:\n", name);
    for (const std::string& line : wrap(MarkedText(base.bytes(), side.bytes()).lines(), width - 2))
        out += "  " + line + "\n";
}

}  // namespace

std::string site_text(const std::string& site, const std::string& own_site) {
    if (site.empty()) return "unknown";
    return site == own_site ? "this device" : "device " + site.substr(0, 8);
}

std::string conflict_title(const Conflict& conflict) {
    std::string title = printable(conflict.table);
    for (const NamedValue& part : conflict.key)
        title += fmt::format(", {} {}", printable(part.name), value_text(part.value));
    return title + (conflict.column ? fmt::format(", column {}", printable(*conflict.column)) : ", the row itself");
}

std::string side_text(const Conflict& conflict, const ConflictSide& side) {
    if (conflict.column) return value_text(side.value);
    if (!side.row) return "deleted";
    std::string text;
    for (const NamedValue& one : *side.row)
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", printable(one.name), value_text(one.value));
    return text;
}

std::string conflict_view(const Conflict& conflict, const ConflictViewOptions& options) {
    const size_t width = std::max<size_t>(options.width, 4 * column_width_min);
    std::string out = fmt::format("{}\nconflict {}, opened {}\n\n", conflict_title(conflict), conflict.id, client::time_text(conflict.opened_at));
    out += conflict.column ? cell_table(conflict, {width, options.own_site}) : row_table(conflict, {width, options.own_site});
    if (conflict.column) {
        put_differences(out, "\nmine", conflict.base.value, conflict.mine.value, width);
        put_differences(out, "\ntheirs", conflict.base.value, conflict.theirs.value, width);
    }
    for (size_t i = 0; i + 1 < conflict.candidates.size(); ++i) {
        const ConflictCandidate& other = conflict.candidates[i];
        out += fmt::format("{}also waiting: {} ({})\n", i == 0 ? "\n" : "", side_text(conflict, other.value),
                           site_text(other.site, options.own_site) + ", " + client::time_text(other.at));
    }
    if (conflict.settling) out += "\ndecided on this device; the hub has not answered yet\n";
    if (conflict.resolution)
        out += fmt::format("\nended {}: {}, by {}\n", client::time_text(conflict.resolved_at), *conflict.resolution,
                           site_text(conflict.resolved_by, options.own_site));
    return out;
}

size_t terminal_width() {
    winsize size{};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace tombolo::cli
