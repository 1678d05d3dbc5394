// A list that follows its query, on the thread of the interface. It needs no hub.
#include <tombolo/tombolo.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>

// Stands for the event loop of a toolkit.
class EventLoop {
public:
    void post(std::function<void()> task) {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
        more_.notify_one();
    }
    void run_one() {
        std::unique_lock lock(mutex_);
        more_.wait(lock, [this] { return !tasks_.empty(); });
        const std::function<void()> task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
    }

private:
    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<std::function<void()>> tasks_;
};

// Row by row, as a list does that keeps its selection, its scroll position and its animations.
void follow(std::vector<std::string>& list, const tombolo::RowsChange& change) {
    const auto title = [&](size_t row) { return std::string(change.now[row][1].bytes()); };
    std::vector<size_t> out = change.removed;
    std::vector<size_t> in = change.inserted;
    for (const auto& moved : change.moved) {
        out.push_back(moved.from);
        in.push_back(moved.to);
    }
    std::sort(out.rbegin(), out.rend());
    std::sort(in.begin(), in.end());
    for (const size_t row : out)
        list.erase(list.begin() + static_cast<std::ptrdiff_t>(row));
    for (const size_t row : in)
        list.insert(list.begin() + static_cast<std::ptrdiff_t>(row), title(row));
    for (const auto& updated : change.updated)
        list[updated.to] = title(updated.to);
}

int main() {
    auto db = tombolo::Database::open("list.db");
    db.exec("CREATE TABLE IF NOT EXISTS tasks(id INTEGER PRIMARY KEY, title TEXT, done INTEGER DEFAULT 0)");
    EventLoop loop;
    tombolo::WatchOptions options;
    options.executor = [&](std::function<void()> task) { loop.post(std::move(task)); };

    // Whole results.
    tombolo::Watch count = db.watch(
        "SELECT count(*) FROM tasks", [](const tombolo::Rows& rows) { std::printf("%ld tasks\n", static_cast<long>(rows[0][0].as_integer())); },
        options);
    loop.run_one();
    count.stop();  // or the end of `count`

    // What changed, of rows that are known again by their id.
    std::vector<std::string> list;
    const tombolo::Watch watched = db.watch_changes(
        "SELECT id, title FROM tasks WHERE done = ?1 ORDER BY title", {0}, {"id"},
        [&](const tombolo::RowsChange& change) {
            follow(list, change);
            for (const std::string& title : list)
                std::printf("%s, ", title.c_str());
            std::printf("\n");
        },
        options);
    loop.run_one();  // the first result
    for (const char* sql : {"INSERT INTO tasks(id, title) VALUES (1, 'sing'), (2, 'dance'), (3, 'swim')",
                            "UPDATE tasks SET title = 'write' WHERE id = 2", "UPDATE tasks SET done = 1 WHERE id = 3"}) {
        db.exec(sql);
        loop.run_one();
    }
}
