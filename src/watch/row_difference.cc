#include "watch/row_difference.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "model/record.h"

namespace tombolo::watch {

namespace {

constexpr size_t nowhere = static_cast<size_t>(-1);

std::string key_of(const Row& row, const std::vector<size_t>& key) {
    std::string bytes;
    for (const size_t column : key)
        put_value(bytes, row[column].view());
    return bytes;
}

// What both results begin and end with is not looked at twice.
struct Middle {
    size_t begin = 0;
    size_t before_end = 0;
    size_t now_end = 0;
};

Middle middle_of(const Rows& before, const Rows& now) {
    Middle middle{0, before.size(), now.size()};
    if (before.columns != now.columns) return middle;
    while (middle.begin < std::min(before.size(), now.size()) && before[middle.begin] == now[middle.begin])
        ++middle.begin;
    while (middle.before_end > middle.begin && middle.now_end > middle.begin && before[middle.before_end - 1] == now[middle.now_end - 1]) {
        --middle.before_end;
        --middle.now_end;
    }
    return middle;
}

// Where in the middle of `before` each row of the middle of `now` was; nowhere: it is new.
std::vector<size_t> match(const Rows& before, const Rows& now, const Middle& middle, const std::vector<size_t>& key) {
    std::unordered_map<std::string, std::vector<size_t>> places;  // of a key, last first
    if (before.columns != now.columns) return std::vector<size_t>(now.size(), nowhere);
    for (size_t i = middle.before_end; i-- > middle.begin;)
        places[key_of(before[i], key)].push_back(i);
    std::vector<size_t> from;
    for (size_t i = middle.begin; i < middle.now_end; ++i) {
        const auto found = places.find(key_of(now[i], key));
        if (found == places.end() || found->second.empty()) {
            from.push_back(nowhere);
            continue;
        }
        from.push_back(found->second.back());
        found->second.pop_back();
    }
    return from;
}

// Marks one longest ascending subsequence of what is somewhere: the rows that need not move.
std::vector<bool> staying(const std::vector<size_t>& from) {
    std::vector<size_t> tails;                           // of the best subsequence of each length: indexes into `from`
    std::vector<size_t> previous(from.size(), nowhere);  // in the best subsequence that ends here
    for (size_t i = 0; i < from.size(); ++i) {
        if (from[i] == nowhere) continue;
        const auto at = std::lower_bound(tails.begin(), tails.end(), from[i], [&](size_t tail, size_t value) { return from[tail] < value; });
        if (at != tails.begin()) previous[i] = *(at - 1);
        if (at == tails.end())
            tails.push_back(i);
        else
            *at = i;
    }
    std::vector<bool> stays(from.size(), false);
    for (size_t i = tails.empty() ? nowhere : tails.back(); i != nowhere; i = previous[i])
        stays[i] = true;
    return stays;
}

}  // namespace

RowsChange difference(const Rows& before, const Rows& now, const std::vector<size_t>& key) {
    RowsChange change{before, now, {}, {}, {}, {}};
    const Middle middle = middle_of(before, now);
    const std::vector<size_t> from = match(before, now, middle, key);
    const std::vector<bool> stays = staying(from);
    std::vector<bool> is_left(middle.before_end - middle.begin, true);
    for (size_t i = 0; i < from.size(); ++i) {
        const size_t to = middle.begin + i;
        if (from[i] == nowhere) {
            change.inserted.push_back(to);
            continue;
        }
        is_left[from[i] - middle.begin] = false;
        if (!stays[i]) change.moved.push_back({from[i], to});
        if (before[from[i]] != now[to]) change.updated.push_back({from[i], to});
    }
    for (size_t i = 0; i < is_left.size(); ++i) {
        if (is_left[i]) change.removed.push_back(middle.begin + i);
    }
    return change;
}

}  // namespace tombolo::watch
