#include "watch/row_difference.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tombolo::watch {
namespace {

Rows rows_of(const std::vector<std::pair<int, std::string>>& list) {
    Rows rows{{"id", "title"}, {}};
    for (const auto& [id, title] : list)
        rows.rows.push_back({Value(id), Value(title)});
    return rows;
}

// As watch.h tells a list to do it; what is updated keeps its old values until then.
std::vector<Row> follow(const RowsChange& change) {
    std::vector<Row> list = change.before.rows;
    std::vector<size_t> out = change.removed;
    std::vector<std::pair<size_t, Row>> in;
    for (const auto& [from, to] : change.moved) {
        out.push_back(from);
        in.emplace_back(to, change.before[from]);
    }
    for (const size_t to : change.inserted)
        in.emplace_back(to, change.now[to]);
    std::sort(out.rbegin(), out.rend());
    for (const size_t from : out)
        list.erase(list.begin() + static_cast<std::ptrdiff_t>(from));
    std::sort(in.begin(), in.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [to, row] : in)
        list.insert(list.begin() + static_cast<std::ptrdiff_t>(to), row);
    for (const auto& [from, to] : change.updated) {
        EXPECT_EQ(list.at(to)[0], change.before[from][0]);
        list.at(to) = change.now[to];
    }
    return list;
}

TEST(RowDifferenceTest, one_of_each) {
    const Rows before = rows_of({{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}, {5, "e"}});
    const Rows now = rows_of({{5, "e"}, {1, "a"}, {3, "x"}, {4, "d"}, {6, "f"}});
    const RowsChange change = difference(before, now, {0});
    EXPECT_EQ(change.removed, std::vector<size_t>{1});
    EXPECT_EQ(change.inserted, std::vector<size_t>{4});
    EXPECT_EQ(change.moved, (std::vector<RowsChange::Pair>{{4, 0}}));
    EXPECT_EQ(change.updated, (std::vector<RowsChange::Pair>{{2, 2}}));
    EXPECT_EQ(follow(change), now.rows);
}

TEST(RowDifferenceTest, other_columns_are_other_rows) {
    const Rows before = rows_of({{1, "a"}});
    Rows now = rows_of({{1, "a"}, {2, "b"}});
    now.columns[1] = "name";
    const RowsChange change = difference(before, now, {0});
    EXPECT_EQ(change.removed, std::vector<size_t>{0});
    EXPECT_EQ(change.inserted, (std::vector<size_t>{0, 1}));
}

// Few keys, so that they repeat, move and change.
TEST(RowDifferenceTest, a_list_that_follows_the_difference_shows_the_new_result) {
    const bool holds = rc::check([] {
        const auto list = rc::gen::container<std::vector<std::pair<int, std::string>>>(
            rc::gen::pair(rc::gen::inRange(0, 8), rc::gen::element<std::string>("a", "b", "c")));
        const Rows before = rows_of(*list);
        const Rows now = rows_of(*list);
        const RowsChange change = difference(before, now, {0});
        RC_ASSERT(follow(change) == now.rows);
        RC_ASSERT(before.size() - change.removed.size() == now.size() - change.inserted.size());
    });
    EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace tombolo::watch
