#include "merge/text_diff.h"

#include <algorithm>

namespace tombolo::merge {

namespace {

struct Stretch {
    uint32_t begin, end;
    uint32_t size() const { return end - begin; }
    bool empty() const { return begin == end; }
};

struct Run {  // of atoms that both have
    uint32_t base, side, size;
};

enum class Level : uint8_t { lines, words, atoms };
constexpr Level finer(Level level) { return level == Level::lines ? Level::words : Level::atoms; }

struct Token {
    uint64_t hash;
    Stretch at;
    bool of_base;
};

// Finds the common runs, in order.
class Comparison {
public:
    Comparison(const AtomText& base, const AtomText& side, const AtomTable& table) : base_(base.atoms), side_(side.atoms), table_(table) {}

    void compare(Stretch base, Stretch side, Level level) {
        uint32_t front = 0;
        while (front < base.size() && front < side.size() && equal(base.begin + front, side.begin + front))
            ++front;
        add({base.begin, side.begin, front});
        base.begin += front;
        side.begin += front;
        uint32_t back = 0;
        while (back < base.size() && back < side.size() && equal(base.end - back - 1, side.end - back - 1))
            ++back;
        base.end -= back;
        side.end -= back;
        if (!base.empty() && !side.empty() && !compare_greedily(base, side)) compare_by_tokens(base, side, level);
        add({base.end, side.end, back});
    }

    std::vector<Run> runs;
    size_t work = 0;

private:
    bool equal(uint32_t base, uint32_t side) { return ++work, base_[base] == side_[side]; }

    void add(const Run& run) {
        if (run.size == 0) return;
        if (!runs.empty() && runs.back().base + runs.back().size == run.base && runs.back().side + runs.back().size == run.side) {
            runs.back().size += run.size;
        } else {
            runs.push_back(run);
        }
    }

    // --- few differences: Myers ---

    // False, with nothing added, once it costs too much.
    bool compare_greedily(Stretch base, Stretch side) {
        constexpr int32_t differences_max = 128;
        const size_t work_max = work + 4096 + 8 * (size_t{base.size()} + side.size());
        const auto n = static_cast<int32_t>(base.size());
        const auto m = static_cast<int32_t>(side.size());
        const int32_t depth_max = std::min(n + m, differences_max);
        const auto at = [&](int32_t diagonal) { return static_cast<size_t>(diagonal + depth_max + 1); };
        std::vector<int32_t> reached(2 * static_cast<size_t>(depth_max) + 3, 0);  // how far in base, by diagonal (base - side)
        std::vector<std::vector<int32_t>> before;                                 // `reached` before each depth
        for (int32_t depth = 0; depth <= depth_max && work < work_max; ++depth) {
            before.push_back(reached);
            work += reached.size();
            for (int32_t k = -depth; k <= depth; k += 2) {
                const bool down = k == -depth || (k != depth && reached[at(k - 1)] < reached[at(k + 1)]);
                int32_t x = down ? reached[at(k + 1)] : reached[at(k - 1)] + 1;
                if (x > n || x - k > m) {  // outside: nothing that reaches the end comes through here
                    reached[at(k)] = x;
                    continue;
                }
                while (x < n && x - k < m && equal(base.begin + static_cast<uint32_t>(x), side.begin + static_cast<uint32_t>(x - k)))
                    ++x;
                reached[at(k)] = x;
                if (x < n || x - k < m) continue;
                trace(base, side, before, depth_max);
                return true;
            }
        }
        return false;
    }

    // Walks back from the end and adds the runs on the way.
    void trace(Stretch base, Stretch side, const std::vector<std::vector<int32_t>>& before, int32_t depth_max) {
        std::vector<Run> backwards;
        auto x = static_cast<int32_t>(base.size());
        auto y = static_cast<int32_t>(side.size());
        for (auto depth = static_cast<int32_t>(before.size()) - 1; depth >= 0; --depth) {
            const std::vector<int32_t>& reached = before[static_cast<size_t>(depth)];
            const auto at = [&](int32_t diagonal) { return reached[static_cast<size_t>(diagonal + depth_max + 1)]; };
            const int32_t k = x - y;
            const bool down = k == -depth || (k != depth && at(k - 1) < at(k + 1));
            const int32_t from = depth == 0 ? 0 : (down ? at(k + 1) : at(k - 1));
            const int32_t begin = depth == 0 ? 0 : (down ? from : from + 1);
            backwards.push_back(
                {base.begin + static_cast<uint32_t>(begin), side.begin + static_cast<uint32_t>(begin - k), static_cast<uint32_t>(x - begin)});
            x = from;
            y = from - (down ? k + 1 : k - 1);
        }
        for (auto run = backwards.rbegin(); run != backwards.rend(); ++run)
            add(*run);
    }

    // --- many: what occurs once on each side ---

    void compare_by_tokens(Stretch base, Stretch side, Level level) {
        if (level == Level::atoms) return;  // one replaced stretch
        for (const Run& same : in_common_order(unique_tokens(base, side, level))) {
            compare({base.begin, same.base}, {side.begin, same.side}, finer(level));
            add(same);
            base.begin = same.base + same.size;
            side.begin = same.side + same.size;
        }
        compare(base, side, finer(level));
    }

    void cut(const std::vector<uint32_t>& atoms, Stretch stretch, bool of_base, Level level, std::vector<Token>& tokens) {
        constexpr uint64_t seed = 14695981039346656037U, prime = 1099511628211U;
        Token token{seed, {stretch.begin, stretch.begin}, of_base};
        for (uint32_t i = stretch.begin; i < stretch.end; ++i) {
            ++work;
            token.hash = (token.hash ^ atoms[i]) * prime;
            token.at.end = i + 1;
            if (i + 1 < stretch.end && goes_on(atoms[i], atoms[i + 1], level)) continue;
            tokens.push_back(token);
            token = {seed, {i + 1, i + 1}, of_base};
        }
    }
    bool goes_on(uint32_t atom, uint32_t next, Level level) const {
        if (level == Level::lines) return table_.kind(atom) != AtomKind::line_end;
        return table_.kind(atom) == AtomKind::word && table_.kind(next) == AtomKind::word;
    }

    // Ascending in base. Sorted rather than hashed into a table: whoever writes the texts must not choose the time it takes.
    std::vector<Run> unique_tokens(Stretch base, Stretch side, Level level) {
        std::vector<Token> tokens;
        cut(base_, base, true, level, tokens);
        cut(side_, side, false, level, tokens);
        work += tokens.size();
        std::sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) {
            if (a.hash != b.hash) return a.hash < b.hash;
            return a.of_base != b.of_base ? a.of_base : a.at.begin < b.at.begin;
        });
        std::vector<Run> unique;
        for (size_t i = 0; i + 1 < tokens.size(); ++i) {
            const Token &one = tokens[i], &other = tokens[i + 1];
            const bool alone = (i == 0 || tokens[i - 1].hash != one.hash) && (i + 2 == tokens.size() || tokens[i + 2].hash != one.hash);
            if (alone && one.hash == other.hash && one.of_base && !other.of_base)
                unique.push_back({one.at.begin, other.at.begin, same_atoms(one, other)});
        }
        std::sort(unique.begin(), unique.end(), [](const Run& a, const Run& b) { return a.base < b.base; });
        return unique;
    }
    // From their beginning on: all, unless somebody found two tokens of one hash.
    uint32_t same_atoms(const Token& base, const Token& side) {
        work += base.at.size();
        const auto begin = base_.begin() + base.at.begin;
        return static_cast<uint32_t>(
            std::mismatch(begin, base_.begin() + base.at.end, side_.begin() + side.at.begin, side_.begin() + side.at.end).first - begin);
    }

    // The longest part of `runs` that is ascending in side, too.
    static std::vector<Run> in_common_order(const std::vector<Run>& runs) {
        std::vector<size_t> last;  // of the best chain of each length: its last run
        std::vector<size_t> previous(runs.size(), SIZE_MAX);
        for (size_t i = 0; i < runs.size(); ++i) {
            const auto place =
                std::lower_bound(last.begin(), last.end(), runs[i].side, [&](size_t run, uint32_t value) { return runs[run].side < value; });
            if (place != last.begin()) previous[i] = *std::prev(place);
            if (place == last.end()) {
                last.push_back(i);
            } else {
                *place = i;
            }
        }
        std::vector<Run> chain;
        for (size_t i = last.empty() ? SIZE_MAX : last.back(); i != SIZE_MAX; i = previous[i])
            chain.push_back(runs[i]);
        std::reverse(chain.begin(), chain.end());
        return chain;
    }

    const std::vector<uint32_t>& base_;
    const std::vector<uint32_t>& side_;
    const AtomTable& table_;
};

// --- edits ---

std::vector<TextEdit> edits_between(const std::vector<Run>& runs, const AtomText& base, const AtomText& side) {
    std::vector<TextEdit> edits;
    TextEdit edit;
    const auto end_at = [&](uint32_t end, uint32_t to) {
        edit.end = end;
        edit.to = to;
        if (edit.deletes() || edit.inserts()) edits.push_back(edit);
    };
    for (const Run& run : runs) {
        end_at(run.base, run.side);
        edit.begin = run.base + run.size;
        edit.from = run.side + run.size;
    }
    end_at(static_cast<uint32_t>(base.atoms.size()), static_cast<uint32_t>(side.atoms.size()));
    return edits;
}

// How well a word or line begins at `at`.
int boundary(const std::vector<uint32_t>& atoms, uint32_t at, const AtomTable& table) {
    if (at == 0 || at == atoms.size()) return 3;
    const AtomKind before = table.kind(atoms[at - 1]);
    const AtomKind after = table.kind(atoms[at]);
    if (before == AtomKind::line_end) return 3;
    if (before == AtomKind::space && after != AtomKind::space) return 2;
    return before != after ? 1 : 0;
}

// A pure insertion or deletion next to what it ends or begins with could as well stand further left or right.
void slide(TextEdit& edit, uint32_t left_end, uint32_t right_begin, const AtomText& base, const AtomText& side, const AtomTable& table,
           size_t& work) {
    if (edit.deletes() == edit.inserts()) return;
    const std::vector<uint32_t>& atoms = edit.inserts() ? side.atoms : base.atoms;
    uint32_t& first = edit.inserts() ? edit.from : edit.begin;
    uint32_t& last = edit.inserts() ? edit.to : edit.end;
    const auto move = [&](int step) {
        edit.begin += static_cast<uint32_t>(step);
        edit.end += static_cast<uint32_t>(step);
        edit.from += static_cast<uint32_t>(step);
        edit.to += static_cast<uint32_t>(step);
        ++work;
    };
    while (edit.begin > left_end && atoms[first - 1] == atoms[last - 1])
        move(-1);
    TextEdit best = edit;
    int best_score = -1;
    for (;;) {
        const int score = boundary(atoms, first, table) + boundary(atoms, last, table);
        if (score > best_score) {
            best = edit;
            best_score = score;
        }
        if (edit.end == right_begin || atoms[first] != atoms[last]) break;
        move(1);
    }
    edit = best;
}

// What two edits of one rewriting have between them, and whether it is the same by chance only.
class Between {
public:
    Between(const TextEdit& left, const TextEdit& right, const std::vector<uint32_t>& base, const AtomTable& table)
        : left_(left), right_(right), base_(base), table_(table) {}

    bool is_chance() const {
        constexpr uint32_t never_chance = 16;
        const uint32_t same = right_.begin - left_.end;
        if (same == 0) return true;
        const bool rewrites = (left_.deletes() || right_.deletes()) && (left_.inserts() || right_.inserts());
        if (!rewrites || same >= never_chance || has_line_end()) return false;
        if (is_rest_of_word()) return true;
        const uint32_t smaller = std::min(size(left_), size(right_));
        return (has_word() ? 2 * same : same) <= smaller;
    }

private:
    static uint32_t size(const TextEdit& edit) { return std::max(edit.end - edit.begin, edit.to - edit.from); }
    bool is_word(uint32_t at) const { return at < base_.size() && table_.kind(base_[at]) == AtomKind::word; }

    bool has_line_end() const {
        return std::any_of(base_.begin() + left_.end, base_.begin() + right_.begin,
                           [&](uint32_t atom) { return table_.kind(atom) == AtomKind::line_end; });
    }
    // Letters of one word that lost letters before and behind them.
    bool is_rest_of_word() const {
        if (!left_.deletes() || !right_.deletes()) return false;
        for (uint32_t at = left_.end - 1; at <= right_.begin; ++at) {
            if (!is_word(at)) return false;
        }
        return true;
    }
    bool has_word() const {
        uint32_t begin = left_.end;
        for (uint32_t at = left_.end; at < right_.begin; ++at) {
            if (!is_word(at)) {
                begin = at + 1;
            } else if (!is_word(at + 1) && (begin == 0 || !is_word(begin - 1))) {
                return true;
            }
        }
        return false;
    }

    const TextEdit& left_;
    const TextEdit& right_;
    const std::vector<uint32_t>& base_;
    const AtomTable& table_;
};

}  // namespace

std::vector<TextEdit> diff_texts(const AtomText& base, const AtomText& side, const AtomTable& table, size_t* work) {
    const auto base_size = static_cast<uint32_t>(base.atoms.size());
    Comparison comparison(base, side, table);
    comparison.compare({0, base_size}, {0, static_cast<uint32_t>(side.atoms.size())}, Level::lines);
    std::vector<TextEdit> edits = edits_between(comparison.runs, base, side);
    for (size_t i = 0; i < edits.size(); ++i)
        slide(edits[i], i > 0 ? edits[i - 1].end : 0, i + 1 < edits.size() ? edits[i + 1].begin : base_size, base, side, table, comparison.work);
    std::vector<TextEdit> kept;
    for (TextEdit edit : edits) {
        for (; !kept.empty() && Between(kept.back(), edit, base.atoms, table).is_chance(); kept.pop_back())
            edit = {kept.back().begin, edit.end, kept.back().from, edit.to};
        kept.push_back(edit);
        comparison.work += 16;
    }
    if (work != nullptr) *work += comparison.work;
    return kept;
}

}  // namespace tombolo::merge
