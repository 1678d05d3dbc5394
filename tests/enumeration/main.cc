// tombolo-enumerate: every history of a small scope, through the product's merge code. Exit 1 with the shortest history that breaks a
// promise, 2 on wrong usage.
//
//   tombolo-enumerate --scope 2x2x2x2 --policy lww
//
// --scope D[xRxWxS]  devices, rows, writes and syncs per device
// --policy           lww, hub, device, manual, counter, max, min, set, json, text, sql, row (lww, by the row)
// --deletes          update-wins, delete-wins, manual;   --inserts  reject, merge
// --clocks A,B,C     how many ticks each device's clock is wrong (an event takes 10)
// --fine             push and pull are events of their own, and a connection may be cut
// --pairs            transactions that change both rows, too
// --references       with two rows: the second refers to the first
// --refusals         with --fine: the hub refuses some writes until it is allowed; each device may retry one
// --drain-everywhere drain and check after every event, not only at the end of each history
// --empty, --filled  no row, or every row exists at the start (otherwise the first does, and a second does not)
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tests/enumeration/walk.h"

namespace {

using namespace tombolo;
using namespace tombolo::enumeration;

// Numbers separated by `separator`; nullopt where there are too many, or something else.
template <size_t Size>
std::optional<std::array<int, Size>> numbers(std::string_view text, char separator) {
    std::array<int, Size> out{};
    for (size_t i = 0; i < Size && !text.empty(); ++i) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out[i]);
        if (error != std::errc()) return std::nullopt;
        text.remove_prefix(static_cast<size_t>(end - text.data()));
        if (!text.empty() && text.front() != separator) return std::nullopt;
        if (!text.empty()) text.remove_prefix(1);
    }
    return text.empty() ? std::optional(out) : std::nullopt;
}

bool set_scope(Scope& scope, std::string_view text) {
    const auto n = numbers<4>(text, 'x');
    if (!n) return false;
    const auto [devices, rows, writes, syncs] = *n;
    scope.settings.devices = devices;
    scope.settings.rows = rows;
    scope.writes = writes;
    scope.syncs = syncs;
    return devices >= 1 && devices <= devices_max && rows >= 1 && rows <= rows_max && writes >= 1 && writes <= 3 && syncs >= 0 && syncs <= 4;
}

bool set_policy(Scope& scope, std::string_view text) {
    constexpr std::pair<std::string_view, ColumnPolicy> policies[] = {
        {"lww", ColumnPolicy::lww},         {"hub", ColumnPolicy::hub},   {"device", ColumnPolicy::device}, {"manual", ColumnPolicy::manual},
        {"counter", ColumnPolicy::counter}, {"max", ColumnPolicy::max},   {"min", ColumnPolicy::min},       {"set", ColumnPolicy::set},
        {"json", ColumnPolicy::json},       {"text", ColumnPolicy::text}, {"sql", ColumnPolicy::sql}};
    scope.settings.whole_rows = text == "row";
    if (scope.settings.whole_rows) return scope.settings.policy = ColumnPolicy::lww, true;
    for (const auto& [name, policy] : policies) {
        if (name == text) return scope.settings.policy = policy, true;
    }
    return false;
}

bool set_option(Scope& scope, std::string_view name, std::string_view value) {
    if (name == "--scope") return set_scope(scope, value);
    if (name == "--policy") return set_policy(scope, value);
    if (name == "--deletes") {
        scope.settings.delete_mode = value == "delete-wins" ? DeleteMode::delete_wins
                                     : value == "manual"    ? DeleteMode::manual
                                                            : DeleteMode::update_wins;
        return value == "delete-wins" || value == "update-wins" || value == "manual";
    }
    if (name == "--inserts") {
        scope.settings.insert_mode = value == "merge" ? InsertMode::merge : InsertMode::reject;
        return value == "merge" || value == "reject";
    }
    if (name == "--clocks") {
        const auto errors = numbers<devices_max>(value, ',');
        if (errors) scope.settings.clock_error = *errors;
        return errors.has_value();
    }
    return false;
}

bool set_flag(Scope& scope, std::string_view name) {
    if (name == "--fine") return scope.fine = true;
    if (name == "--pairs") return scope.pairs = true;
    if (name == "--filled") return scope.settings.filled = {true, true}, true;
    if (name == "--refusals") return scope.refusals = true;
    if (name == "--references") return scope.settings.references = true;
    if (name == "--drain-everywhere") return scope.drain_everywhere = true;
    if (name == "--empty") return scope.settings.filled = {}, true;
    return false;
}

bool read_arguments(int count, char** arguments, Scope& scope) {
    for (int i = 1; i < count; ++i) {
        if (set_flag(scope, arguments[i])) continue;
        if (i + 1 == count || !set_option(scope, arguments[i], arguments[i + 1])) return false;
        ++i;
    }
    return true;
}

}  // namespace

int main(int count, char** arguments) {
    Scope scope;
    scope.settings.filled = {true, false};
    if (!read_arguments(count, arguments, scope)) {
        fmt::print(stderr,
                   "usage: tombolo-enumerate [--scope 2x2x2x2] [--policy lww|hub|device|manual|counter|max|min|set|json|text|sql|row] [--deletes "
                   "update-wins|delete-wins|manual]\n"
                   "         [--inserts reject|merge] [--clocks A,B,C] [--fine [--refusals]] [--pairs] [--references] [--drain-everywhere] "
                   "[--empty|--filled]\n");
        return 2;
    }
    const auto begin = std::chrono::steady_clock::now();
    const Result result = walk(scope);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    fmt::print("{} histories, {} states, {} drained, {} violations, {:.1f} s, {:.0f} histories/s\n", result.counts.histories, result.counts.states,
               result.counts.drains, result.finding ? 1 : 0, seconds, static_cast<double>(result.counts.histories) / seconds);
    if (!result.finding) return 0;
    fmt::print("shortest violation: {}\n  {}\n", result.finding->history, result.finding->what);
    return 1;
}
