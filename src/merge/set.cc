#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "merge/json_value.h"
#include "merge/three_way.h"

namespace tombolo::merge {

namespace {

bool less(const JsonMember& a, const JsonMember& b) { return compare_json(a.value, b.value) < 0; }
bool equal_elements(const JsonMember& a, const JsonMember& b) { return compare_json(a.value, b.value) == 0; }

// Ascending, each once.
std::optional<std::vector<JsonMember>> elements(std::string_view text) {
    if (text.empty() || text.size() > limits::json_merge_bytes_max) return std::nullopt;
    std::optional<JsonValue> array = parse_json(text);
    if (!array || array->type != JsonValue::Type::array) return std::nullopt;
    std::vector<JsonMember> set = std::move(array->members);
    std::sort(set.begin(), set.end(), less);
    set.erase(std::unique(set.begin(), set.end(), equal_elements), set.end());
    return set;
}

bool equal(const std::vector<JsonMember>& a, const std::vector<JsonMember>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal_elements);
}
bool has(const std::vector<JsonMember>& set, const JsonMember& element) { return std::binary_search(set.begin(), set.end(), element, less); }

}  // namespace

std::optional<std::string> merge_sets(std::string_view base_text, std::string_view mine_text, std::string_view theirs_text) {
    const auto base = elements(base_text.empty() ? "[]" : base_text);
    const auto mine = elements(mine_text);
    const auto theirs = elements(theirs_text);
    if (!base || !mine || !theirs) return std::nullopt;
    // What only one side changed stays as that side wrote it.
    if (equal(*mine, *base) && !equal(*theirs, *base)) return std::string(theirs_text);
    if (equal(*theirs, *base) && !equal(*mine, *base)) return std::string(mine_text);
    JsonValue merged;
    merged.type = JsonValue::Type::array;
    std::set_union(mine->begin(), mine->end(), theirs->begin(), theirs->end(), std::back_inserter(merged.members), less);
    const auto removed = [&](const JsonMember& element) { return has(*base, element) && !(has(*mine, element) && has(*theirs, element)); };
    merged.members.erase(std::remove_if(merged.members.begin(), merged.members.end(), removed), merged.members.end());
    std::string out;
    write_json(out, merged);
    return out;
}

}  // namespace tombolo::merge
