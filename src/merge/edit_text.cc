#include "merge/edit_text.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "merge/text_diff.h"
#include "model/text_edit.h"

namespace tombolo::merge {

namespace {

bool continues(std::string_view text, size_t at) { return at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80; }

size_t common_front(std::string_view a, std::string_view b) {
    const size_t least = std::min(a.size(), b.size());
    auto same = static_cast<size_t>(std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(least), b.begin()).first - a.begin());
    while (continues(a, same))  // then b does, too: their code points begin alike
        --same;
    return same;
}

size_t common_back(std::string_view a, std::string_view b) {
    const size_t least = std::min(a.size(), b.size());
    auto same = static_cast<size_t>(std::mismatch(a.rbegin(), a.rbegin() + static_cast<ptrdiff_t>(least), b.rbegin()).first - a.rbegin());
    while (same > 0 && continues(a, a.size() - same))
        --same;
    return same;
}

std::vector<TextRun> runs_between(std::string_view base, std::string_view value) {
    if (base == value) return {};
    const size_t front = common_front(base, value);
    const size_t back = common_back(base.substr(front), value.substr(front));
    const std::string_view from = base.substr(front, base.size() - front - back);
    const std::string_view to = value.substr(front, value.size() - front - back);
    if (from.empty() || to.empty() || std::max(from.size(), to.size()) > limits::text_merge_bytes_max) return {{front, from, to}};

    AtomTable table;
    const AtomText before = cut_atoms(from, table);
    const AtomText after = cut_atoms(to, table);
    std::vector<TextRun> runs;
    size_t done = 0;  // of `from`
    for (const TextEdit& edit : diff_texts(before, after, table)) {
        const size_t kept = before.starts[edit.begin] - done + (runs.empty() ? front : 0);
        runs.push_back({kept, before.slice(edit.begin, edit.end), after.slice(edit.from, edit.to)});
        done = before.starts[edit.end];
    }
    return runs;
}

}  // namespace

std::optional<std::string> edit_text(std::string_view base, std::string_view value) {
    if (!is_valid_utf8(base) || !is_valid_utf8(value)) return std::nullopt;
    std::string edit = encode_edit(base, runs_between(base, value));
    if (edit.size() >= base.size() + value.size()) return std::nullopt;
    return edit;
}

}  // namespace tombolo::merge
