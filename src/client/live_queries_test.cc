// Database::watch. Waits with a limit, and only for what is bound to come; that something does not come is seen by what comes after it.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/scratch_test.h"
#include "tombolo/tombolo.h"

namespace tombolo {
namespace {

using scratch::code_of;
using scratch::TempFolder;

constexpr std::chrono::seconds patience{20};

// What a callback was told, in order.
template <typename T>
class Told {
public:
    void put(T value) {
        const std::lock_guard lock(mutex_);
        told_.push_back(std::move(value));
        more_.notify_all();
    }
    T next() {
        std::unique_lock lock(mutex_);
        if (!more_.wait_for(lock, patience, [this] { return !told_.empty(); })) throw std::runtime_error("nothing was told");
        T value = std::move(told_.front());
        told_.pop_front();
        return value;
    }
    bool empty() {
        const std::lock_guard lock(mutex_);
        return told_.empty();
    }

private:
    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<T> told_;
};

std::string text_of(const Rows& rows) {
    std::string text;
    for (const Row& row : rows.rows) {
        for (const Value& value : row)
            text += value.type() == ValueType::integer ? std::to_string(value.as_integer()) : std::string(value.bytes());
        text += ' ';
    }
    return text;
}

class LiveQueriesTest : public testing::Test {
protected:
    LiveQueriesTest() {
        db_ = Database::open(path_);
        db_.exec("CREATE TABLE tasks(id INTEGER PRIMARY KEY, title TEXT)");
        db_.exec("CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT)");
        db_.sync_tables({"tasks"});
    }
    ~LiveQueriesTest() override { db_.close(); }

    Watch watch(const std::string& sql, Told<std::string>& told, WatchOptions options = {}) {
        options.on_error = [&](const Error& error) { told.put(std::string("error: ") + error.what()); };
        return db_.watch(
            sql, [&](const Rows& rows) { told.put(text_of(rows)); }, std::move(options));
    }

    const TempFolder folder_;
    const std::string path_ = folder_.file("a.db");
    Database db_;
    Told<std::string> told_;
};

TEST_F(LiveQueriesTest, tells_the_first_result_and_each_new_one) {
    const Watch watched = watch("SELECT title FROM tasks ORDER BY title", told_);
    EXPECT_EQ(told_.next(), "");
    db_.exec("INSERT INTO tasks VALUES (1, 'b')");
    EXPECT_EQ(told_.next(), "b ");
    db_.write([](Transaction& tx) {
        tx.exec("INSERT INTO tasks VALUES (2, 'a')");
        tx.exec("INSERT INTO tasks VALUES (3, 'c')");
    });
    EXPECT_EQ(told_.next(), "a b c ");
    db_.exec("DELETE FROM tasks");
    EXPECT_EQ(told_.next(), "");
}

TEST_F(LiveQueriesTest, a_result_that_is_the_same_is_not_told) {
    const Watch watched = watch("SELECT title FROM tasks WHERE id = 1", told_);
    EXPECT_EQ(told_.next(), "");
    db_.exec("INSERT INTO tasks VALUES (2, 'not asked for')");
    EXPECT_EQ(code_of([&] {
                  db_.write([](Transaction& tx) { tx.exec("INSERT INTO tasks VALUES (1, 'taken back')"), throw Error(ErrorCode::cancelled, "no"); });
              }),
              ErrorCode::cancelled);
    db_.exec("INSERT INTO tasks VALUES (1, 'asked for')");
    EXPECT_EQ(told_.next(), "asked for ");
    EXPECT_TRUE(told_.empty());
}

TEST_F(LiveQueriesTest, a_commit_to_other_tables_runs_nothing) {
    Told<std::string> counted;
    const Watch watched = watch("SELECT count(*), hex(randomblob(8)) FROM tasks", counted);  // differs with every run
    counted.next();
    const Watch other = watch("SELECT id FROM notes", told_);
    EXPECT_EQ(told_.next(), "");
    for (int i = 1; i <= 20; ++i) {
        db_.exec("INSERT INTO notes VALUES (?1, 'x')", i);
        told_.next();
    }
    EXPECT_TRUE(counted.empty());
    db_.exec("INSERT INTO tasks VALUES (1, 'x')");
    EXPECT_EQ(counted.next().front(), '1');
    EXPECT_TRUE(counted.empty());
}

TEST_F(LiveQueriesTest, views_search_and_json) {
    db_.exec("CREATE VIRTUAL TABLE found USING fts5(title, content='tasks', content_rowid='id')");
    db_.exec("CREATE TRIGGER index_task AFTER INSERT ON tasks BEGIN INSERT INTO found(rowid, title) VALUES (new.id, new.title); END");
    db_.exec("CREATE VIEW first AS SELECT min(title) AS title FROM tasks");
    Told<std::string> of_search, of_json;
    const Watch view = watch("SELECT title FROM first WHERE title IS NOT NULL", told_);
    const Watch search = watch("SELECT title FROM found('plants')", of_search);
    const Watch json = watch("SELECT value FROM notes, json_each(body)", of_json);
    for (Told<std::string>* told : {&told_, &of_search, &of_json})
        EXPECT_EQ(told->next(), "");
    db_.exec("INSERT INTO tasks VALUES (1, 'water the plants')");
    EXPECT_EQ(told_.next(), "water the plants ");
    EXPECT_EQ(of_search.next(), "water the plants ");
    db_.exec("INSERT INTO notes VALUES (1, '[7,8]')");
    EXPECT_EQ(of_json.next(), "7 8 ");
}

TEST_F(LiveQueriesTest, local_tables_are_joined_with_synced_ones) {
    const Watch watched = watch("SELECT title, body FROM tasks JOIN notes USING (id)", told_);
    EXPECT_EQ(told_.next(), "");
    EXPECT_EQ(db_.write([](Transaction& tx) { tx.exec("INSERT INTO notes VALUES (1, '-local')"); }).number(), 0U);
    db_.exec("INSERT INTO tasks VALUES (1, 'synced')");
    EXPECT_EQ(told_.next(), "synced-local ");
    EXPECT_EQ(db_.status().pending_transactions, 1);
}

TEST_F(LiveQueriesTest, tells_what_other_connections_commit) {
    const Watch watched = watch("SELECT title FROM tasks", told_);
    EXPECT_EQ(told_.next(), "");
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    attach(handle);
    EXPECT_EQ(sqlite3_exec(handle, "INSERT INTO tasks VALUES (1, 'a')", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_EQ(told_.next(), "a ");
    sqlite3_close(handle);
    Database second = Database::open(path_);
    second.exec("INSERT INTO tasks VALUES (2, 'b')");
    EXPECT_EQ(told_.next(), "a b ");
}

TEST_F(LiveQueriesTest, tells_what_other_processes_commit) {
    const Watch watched = watch("SELECT body FROM notes", told_);
    EXPECT_EQ(told_.next(), "");
    for (int i = 1; i <= 3; ++i) {
        const std::string sql = "INSERT INTO notes VALUES (" + std::to_string(i) + ", 'n')";
        ASSERT_EQ(std::system(("sqlite3 '" + path_ + "' \"" + sql + "\"").c_str()), 0);
        EXPECT_EQ(told_.next().size(), static_cast<size_t>(2 * i));
    }
}

TEST_F(LiveQueriesTest, differences_by_key) {
    Told<std::string> told;
    const Watch watched = db_.watch_changes("SELECT id, title FROM tasks ORDER BY title", {}, {"id"}, [&](const RowsChange& change) {
        std::string text;
        for (const size_t at : change.removed)
            text += "-" + std::to_string(at);
        for (const size_t at : change.inserted)
            text += "+" + std::to_string(at);
        for (const auto& [from, to] : change.moved)
            text += " " + std::to_string(from) + ">" + std::to_string(to);
        for (const auto& [from, to] : change.updated)
            text += " " + std::to_string(from) + "=" + std::to_string(to);
        told.put(text);
    });
    EXPECT_EQ(told.next(), "");
    db_.exec("INSERT INTO tasks VALUES (1, 'a'), (2, 'b'), (3, 'c')");
    EXPECT_EQ(told.next(), "+0+1+2");
    db_.exec("UPDATE tasks SET title = 'd' WHERE id = 1");
    EXPECT_EQ(told.next(), " 0>2 0=2");
    db_.exec("DELETE FROM tasks WHERE id = 3");
    EXPECT_EQ(told.next(), "-1");
}

TEST_F(LiveQueriesTest, an_error_is_told_once_and_the_live_query_goes_on) {
    const Watch watched = watch("SELECT body FROM notes", told_);
    EXPECT_EQ(told_.next(), "");
    db_.exec("DROP TABLE notes");
    EXPECT_NE(told_.next().find("no such table"), std::string::npos);
    db_.exec("INSERT INTO tasks VALUES (1, 'a')");
    db_.exec("CREATE TABLE notes(body)");
    EXPECT_EQ(told_.next(), "");
    db_.exec("INSERT INTO notes VALUES ('again')");
    EXPECT_EQ(told_.next(), "again ");
}

TEST_F(LiveQueriesTest, what_cannot_be_watched_is_said_at_once) {
    const auto nothing = [](const Rows&) {};
    EXPECT_EQ(code_of([&] { db_.watch("DELETE FROM tasks", nothing).stop(); }), ErrorCode::usage);
    EXPECT_EQ(code_of([&] { db_.watch("SELECT ?1", nothing).stop(); }), ErrorCode::usage);
    EXPECT_EQ(code_of([&] { db_.watch("SELECT nothing FROM nowhere", nothing).stop(); }), ErrorCode::sql);
    EXPECT_EQ(code_of([&] { db_.watch_changes("SELECT title FROM tasks", {}, {"id"}, [](const RowsChange&) {}).stop(); }), ErrorCode::usage);
    db_.close();
    EXPECT_EQ(code_of([&] { db_.watch("SELECT 1", nothing).stop(); }), ErrorCode::closed);
}

TEST_F(LiveQueriesTest, after_stop_no_callback_runs) {
    std::atomic<bool> stopped = false;
    std::atomic<int> late = 0;
    for (int i = 0; i < 50; ++i) {
        stopped = false;
        Watch watched = db_.watch("SELECT * FROM notes", [&](const Rows&) { late += stopped ? 1 : 0; });
        db_.exec("INSERT INTO notes(body) VALUES ('x')");
        watched.stop();
        stopped = true;
    }
    EXPECT_EQ(late, 0);
}

TEST_F(LiveQueriesTest, a_callback_may_stop_its_own_and_must_not_close) {
    Told<ErrorCode> told;
    std::atomic<int> calls = 0;
    Watch watched;
    watched = db_.watch("SELECT body FROM notes", [&](const Rows& rows) {
        if (rows.empty()) return;
        ++calls;
        watched.stop();
        told.put(code_of([&] { db_.close(); }));
    });
    db_.exec("INSERT INTO notes VALUES (1, 'x')");
    EXPECT_EQ(told.next(), ErrorCode::usage);
    db_.exec("INSERT INTO notes VALUES (2, 'y')");
    const Watch other = watch("SELECT count(*) FROM notes", told_);
    EXPECT_EQ(told_.next(), "2 ");
    EXPECT_EQ(calls, 1);
}

TEST_F(LiveQueriesTest, an_executor_gets_tasks_and_what_is_overtaken_is_not_told) {
    Told<std::function<void()>> tasks;
    WatchOptions options;
    options.executor = [&](std::function<void()> task) { tasks.put(std::move(task)); };
    const Watch watched = watch("SELECT count(*) FROM notes", told_, options);
    const std::function<void()> first = tasks.next();
    Told<std::string> beside;
    const Watch other = watch("SELECT count(*) FROM notes", beside);
    EXPECT_EQ(beside.next(), "0 ");
    db_.exec("INSERT INTO notes VALUES (1, 'x')");
    EXPECT_EQ(beside.next(), "1 ");
    EXPECT_TRUE(told_.empty());
    db_.exec("INSERT INTO notes VALUES (2, 'x')");
    EXPECT_EQ(beside.next(), "2 ");
    first();
    EXPECT_NE(told_.next(), "0 ");
    EXPECT_TRUE(told_.empty());
}

TEST_F(LiveQueriesTest, threads_write_and_watch_at_once_and_the_last_result_is_told) {
    const Watch watched = watch("SELECT count(*) FROM tasks", told_);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 40; ++i) {
                const Watch brief = db_.watch("SELECT * FROM tasks", [](const Rows&) {});
                db_.exec("INSERT INTO tasks VALUES (?1, 't')", t * 100 + i);
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    std::string last;
    while (last != "120 ")
        last = told_.next();
    EXPECT_TRUE(told_.empty());
}

}  // namespace
}  // namespace tombolo
