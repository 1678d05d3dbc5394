// Live queries: how soon a commit is told, what a commit costs beside many of them, and what a difference costs.
#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "bench/harness.h"
#include "bench/scratch.h"
#include "tombolo/tombolo.h"
#include "watch/row_difference.h"

namespace {

using namespace tombolo;

constexpr int commits = 500;
constexpr int watches = 1000;
constexpr int rows_of_result = 10000;

Database open(const bench::Scratch& scratch, const std::string& name) {
    Database db = Database::open(scratch.file(name));
    db.exec("CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)");
    db.exec("CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT)");
    db.sync_tables({"tasks"});
    db.exec("INSERT INTO tasks VALUES (1, 'one')");
    return db;
}

double edit(Database& db, int value) {
    return bench::milliseconds([&] { db.exec("UPDATE tasks SET title = ?1 WHERE id = 1", std::to_string(value)); });
}

// From the end of the commit to the callback.
void latency(const bench::Scratch& scratch) {
    Database db = open(scratch, "latency.db");
    std::promise<double> told;
    std::atomic<int> awaited = -1;
    const Watch watched = db.watch("SELECT title FROM tasks WHERE id = 1", [&](const Rows& rows) {
        if (rows[0][0].bytes() == std::to_string(awaited)) told.set_value(bench::now_milliseconds());
    });
    std::vector<double> after;
    for (int i = 0; i < commits; ++i) {
        told = {};
        awaited = i;
        edit(db, i);
        const double committed = bench::now_milliseconds();
        after.push_back(told.get_future().get() - committed);
    }
    std::printf("%-50s %9.3f ms  p99 %.3f ms\n", "from commit to callback, p50", bench::median(after), bench::percentile(after, 0.99));
}

void other_tables(const bench::Scratch& scratch) {
    Database plain = open(scratch, "unwatched.db");
    Database db = open(scratch, "watched.db");
    std::atomic<int> told = 0;
    std::vector<Watch> watched;
    for (int i = 0; i < watches; ++i)
        watched.push_back(db.watch("SELECT body FROM notes WHERE id = ?1", {i}, [&](const Rows&) { ++told; }));
    while (told < watches)
        std::this_thread::yield();
    std::vector<double> alone, beside;
    for (int i = 0; i < commits; ++i) {
        alone.push_back(edit(plain, i));
        beside.push_back(edit(db, i));
    }
    bench::report("a commit beside 1,000 watches on other tables", "us", 1e3 * bench::median(alone), 1e3 * bench::median(beside), 1.05,
                  {"none", "1,000"});
}

void one_change() {
    Rows before{{"id", "title"}, {}};
    for (int i = 0; i < rows_of_result; ++i)
        before.rows.push_back({Value(i), Value("task " + std::to_string(i))});
    Rows updated = before;
    updated.rows[rows_of_result / 2][1] = Value("changed");
    Rows moved = before;
    std::rotate(moved.rows.begin(), moved.rows.begin() + 1, moved.rows.end());
    for (const auto& [what, now] :
         {std::pair("difference of 10,000 rows, one updated", &updated), std::pair("difference of 10,000 rows, first moved last", &moved)}) {
        std::vector<double> times;
        for (int i = 0; i < 50; ++i)
            times.push_back(bench::milliseconds([&] { watch::difference(before, *now, {0}); }));
        std::printf("%-50s %9.3f ms\n", what, bench::median(times));
    }
}

}  // namespace

int main() {
    const bench::Scratch scratch;
    latency(scratch);
    other_tables(scratch);
    one_change();
}
