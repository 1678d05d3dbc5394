#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "merge/json_value.h"
#include "merge/three_way.h"

namespace tombolo::merge {

namespace {

// nullptr: not there. So a removed member is a change as any other.
bool equal(const JsonValue* a, const JsonValue* b) {
    if (a == nullptr || b == nullptr) return a == b;
    return compare_json(*a, *b) == 0;
}
bool is_object(const JsonValue* value) { return value != nullptr && value->type == JsonValue::Type::object; }

// Walks the members of an object in ascending order of names, together with others.
class Members {
public:
    explicit Members(const JsonValue* object) : object_(is_object(object) ? object : nullptr) {}
    const std::string* name() const { return object_ != nullptr && at_ < object_->members.size() ? &object_->members[at_].name : nullptr; }
    const JsonValue* take(const std::string& wanted) {
        if (name() == nullptr || *name() != wanted) return nullptr;
        return &object_->members[at_++].value;
    }

private:
    const JsonValue* object_;
    size_t at_ = 0;
};

const std::string* least(std::initializer_list<const std::string*> names) {
    const std::string* found = nullptr;
    for (const std::string* name : names) {
        if (name != nullptr && (found == nullptr || *name < *found)) found = name;
    }
    return found;
}

// nullopt: not there.
std::optional<JsonValue> merge(const JsonValue* base, const JsonValue* mine, const JsonValue* theirs, bool mine_later) {
    const auto copy = [](const JsonValue* value) { return value != nullptr ? std::optional(*value) : std::nullopt; };
    if (equal(mine, base)) return copy(theirs);
    if (equal(theirs, base) || equal(mine, theirs)) return copy(mine);
    if (!is_object(mine) || !is_object(theirs)) return copy(mine_later ? mine : theirs);
    std::optional<JsonValue> merged(std::in_place);
    merged->type = JsonValue::Type::object;
    Members base_members(base), mine_members(mine), theirs_members(theirs);
    while (const std::string* next = least({base_members.name(), mine_members.name(), theirs_members.name()})) {
        const std::string name = *next;
        const JsonValue* was = base_members.take(name);
        const JsonValue* here = mine_members.take(name);
        auto value = merge(was, here, theirs_members.take(name), mine_later);
        if (value) merged->members.push_back({name, std::move(*value)});
    }
    return merged;
}

}  // namespace

std::optional<std::string> merge_json(std::string_view base_text, std::string_view mine_text, std::string_view theirs_text, bool mine_later) {
    if (std::max({base_text.size(), mine_text.size(), theirs_text.size()}) > limits::json_merge_bytes_max) return std::nullopt;
    const auto base = parse_json(base_text.empty() ? "{}" : base_text);
    const auto mine = parse_json(mine_text);
    const auto theirs = parse_json(theirs_text);
    if (!base || !mine || !theirs) return std::nullopt;
    // What only one side changed stays as that side wrote it.
    if (equal(&*mine, &*theirs)) return std::string(mine_later ? mine_text : theirs_text);
    if (equal(&*mine, &*base)) return std::string(theirs_text);
    if (equal(&*theirs, &*base)) return std::string(mine_text);
    std::string out;
    write_json(out, merge(&*base, &*mine, &*theirs, mine_later).value());
    return out;
}

}  // namespace tombolo::merge
