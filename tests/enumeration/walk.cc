#include "tests/enumeration/walk.h"

#include <array>
#include <utility>
#include <vector>

namespace tombolo::enumeration {

namespace {

enum class Kind : uint8_t { write, pair, forbidden, sync, push, pull, cut, allow, retry };

struct Event {
    Kind kind;
    int device;
    int row = 0;
    Write write = Write::update_a;
    Write other = Write::update_a;  // Kind::pair: of the second row
};

constexpr std::array<Write, 5> all_writes{Write::update_a, Write::update_b, Write::erase, Write::insert, Write::insert_common};

std::string name(const Event& event) {
    const std::string device = std::string(1, static_cast<char>('A' + event.device)) + ".";
    const std::string row = std::string("(") + static_cast<char>('p' + event.row) + ")";
    constexpr const char* writes[] = {"a", "b", "delete", "insert", "insert-common"};
    switch (event.kind) {
        case Kind::write: return device + writes[static_cast<size_t>(event.write)] + row;
        case Kind::pair: return device + writes[static_cast<size_t>(event.write)] + "(p)+" + writes[static_cast<size_t>(event.other)] + "(q)";
        case Kind::forbidden: return device + "forbidden-a" + row;
        case Kind::sync: return device + "sync";
        case Kind::push: return device + "push";
        case Kind::pull: return device + "pull";
        case Kind::cut: return device + "cut";
        case Kind::allow: return "hub.allow";
        case Kind::retry: return device + "retry";
    }
    return "?";
}

// What is left of a history's budget.
struct Budget {
    std::array<int, devices_max> writes{}, syncs{}, pushes{}, pulls{}, cuts{}, retries{};
    bool allow = false;
};

class Walk {
public:
    // `depth`: no history longer than this.
    Walk(const Scope& scope, size_t depth) : scope_(scope), world_(scope.settings), depth_(depth) {}

    Result run() {
        Budget budget;
        for (size_t d = 0; d < static_cast<size_t>(scope_.settings.devices); ++d) {
            budget.writes[d] = scope_.writes;
            budget.syncs[d] = scope_.fine ? 0 : scope_.syncs;
            budget.pushes[d] = budget.pulls[d] = scope_.fine ? scope_.syncs : 0;
            budget.cuts[d] = scope_.fine ? 1 : 0;
            budget.retries[d] = scope_.refusals ? 1 : 0;
        }
        budget.allow = scope_.refusals;
        try {
            step(start(world_), budget);
        } catch (const Violation& violation) {
            result_.finding = Finding{history(), violation.what()};
        }
        return result_;
    }

private:
    void step(const State& state, const Budget& budget) {
        ++result_.counts.states;
        bool last = true;
        if (path_.size() < depth_) {
            for (int d = 0; d < scope_.settings.devices; ++d) {
                writes(state, budget, d, last);
                pairs(state, budget, d, last);
                exchanges(state, budget, d, last);
            }
            if (budget.allow) take({Kind::allow, 0}, state, budget, last);
        }
        if (last) ++result_.counts.histories;
        if (last || scope_.drain_everywhere) {
            State rest = state;
            rest.hub.allowed = true;
            drain(world_, rest);
            ++result_.counts.drains;
        }
    }

    void writes(const State& state, const Budget& budget, int device, bool& last) {
        if (budget.writes[static_cast<size_t>(device)] == 0) return;
        for (int row = 0; row < scope_.settings.rows; ++row) {
            for (Write write : all_writes) {
                const bool fits = row == 0 ? keeps_references(world_, state, device, write, {}) : keeps_references(world_, state, device, {}, write);
                if (fits && makes_sense(world_, state, device, row, write)) take({Kind::write, device, row, write}, state, budget, last);
            }
            if (scope_.refusals && makes_sense(world_, state, device, row, Write::update_a))
                take({Kind::forbidden, device, row}, state, budget, last);
        }
    }

    void pairs(const State& state, const Budget& budget, int device, bool& last) {
        if (!scope_.pairs || budget.writes[static_cast<size_t>(device)] == 0) return;
        constexpr std::pair<Write, Write> both[] = {{Write::update_a, Write::update_a}, {Write::erase, Write::erase},
                                                    {Write::erase, Write::update_a},    {Write::erase, Write::insert},  // as a change of the key
                                                    {Write::insert, Write::update_a},   {Write::insert, Write::insert}};
        for (const auto& [one, other] : both) {
            if (!makes_sense(world_, state, device, 0, one) || !makes_sense(world_, state, device, 1, other)) continue;
            if (!keeps_references(world_, state, device, one, other)) continue;
            take({Kind::pair, device, 0, one, other}, state, budget, last);
        }
    }

    void exchanges(const State& state, const Budget& budget, int device, bool& last) {
        const auto d = static_cast<size_t>(device);
        const Device& at = state.devices[d];
        if (budget.syncs[d] > 0) take({Kind::sync, device}, state, budget, last);
        if (budget.pushes[d] > 0 && can_push(state, device)) take({Kind::push, device}, state, budget, last);
        if (budget.pulls[d] > 0 && at.cursor < state.hub.head) take({Kind::pull, device}, state, budget, last);
        if (budget.cuts[d] > 0 && at.pending_count > 0 && at.sent >= at.pending[0].number) take({Kind::cut, device}, state, budget, last);
        if (budget.retries[d] > 0 && at.rejected_count > 0) take({Kind::retry, device}, state, budget, last);
    }

    void take(const Event& event, const State& before, const Budget& budget, bool& last) {
        last = false;
        path_.push_back(event);
        State state = before;
        Budget left = budget;
        happen(event, state, left);
        step(state, left);
        path_.pop_back();
    }

    void happen(const Event& event, State& state, Budget& left) {
        const auto d = static_cast<size_t>(event.device);
        switch (event.kind) {
            case Kind::write:
                --left.writes[d];
                write(world_, state, event.device, event.row, event.write);
                break;
            case Kind::pair:
                --left.writes[d];
                write(world_, state, event.device,
                      {change_for(world_, state, event.device, 0, event.write), change_for(world_, state, event.device, 1, event.other)});
                break;
            case Kind::forbidden:
                --left.writes[d];
                write(world_, state, event.device, {change_for(world_, state, event.device, event.row, Write::update_a)}, true);
                break;
            case Kind::sync:
                --left.syncs[d];
                while (can_push(state, event.device))
                    push(world_, state, event.device);
                pull(world_, state, event.device);
                break;
            case Kind::push:
                --left.pushes[d];
                push(world_, state, event.device);
                break;
            case Kind::pull:
                --left.pulls[d];
                pull(world_, state, event.device);
                break;
            case Kind::cut:
                --left.cuts[d];
                cut(state, event.device);
                break;
            case Kind::allow:
                left.allow = false;
                state.hub.allowed = true;
                break;
            case Kind::retry:
                --left.retries[d];
                ++left.pushes[d];
                retry(world_, state, event.device, state.devices[d].rejected[0].number);
                break;
        }
    }

    std::string history() const {
        std::string out;
        for (const Event& event : path_)
            out += (out.empty() ? "" : "  ") + name(event);
        return out;
    }

    const Scope scope_;
    const World world_;
    const size_t depth_;
    std::vector<Event> path_;
    Result result_;
};

}  // namespace

Result walk(const Scope& scope) {
    constexpr size_t unbounded = 100;
    Result result = Walk(scope, unbounded).run();
    // A depth-first walk finds some violation; the shortest is found by walking to depth 1, 2, 3 …
    for (size_t depth = 1; result.finding; ++depth) {
        const Result shorter = Walk(scope, depth).run();
        if (!shorter.finding) continue;
        result.finding = shorter.finding;
        break;
    }
    return result;
}

}  // namespace tombolo::enumeration
