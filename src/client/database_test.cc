#include "tombolo/database.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/scratch_test.h"

namespace tombolo {
namespace {

using scratch::code_of;
using scratch::TempFolder;

class DatabaseTest : public testing::Test {
protected:
    Database open_with_tasks() {
        Database db = Database::open(path_);
        db.exec("CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT NOT NULL)");
        db.sync_tables({"tasks"});
        return db;
    }

    const TempFolder folder_;
    const std::string path_ = folder_.file("a.db");
};

TEST_F(DatabaseTest, a_write_is_whole_and_has_a_receipt) {
    Database db = open_with_tasks();
    const Receipt first = db.write([](Transaction& tx) {
        tx.exec("INSERT INTO tasks VALUES (?1, ?2)", "1", "one");
        EXPECT_EQ(tx.query("SELECT count(*) FROM tasks").rows[0][0], Value(1));
    });
    EXPECT_EQ(first.number(), 1U);
    EXPECT_EQ(first.id().size(), 32U);
    EXPECT_FALSE(first.verdict());
    EXPECT_FALSE(first.wait(std::chrono::milliseconds(1)));
    EXPECT_EQ(code_of([&] {
                  db.write([](Transaction& tx) {
                      tx.exec("INSERT INTO tasks VALUES ('2', 'two')");
                      tx.exec("INSERT INTO tasks VALUES ('1', 'again')");
                  });
              }),
              ErrorCode::constraint);
    EXPECT_EQ(db.query("SELECT id FROM tasks").size(), 1U);
    EXPECT_EQ(db.status().pending_transactions, 1);
    EXPECT_EQ(db.receipt(1).id(), first.id());
    EXPECT_EQ(db.receipt(first.id()).number(), 1U);
    EXPECT_EQ(code_of([&] { db.receipt(2); }), ErrorCode::not_found);
}

TEST_F(DatabaseTest, what_is_not_synced_needs_no_verdict) {
    Database db = open_with_tasks();
    const Receipt receipt = db.write([](Transaction& tx) { tx.exec("CREATE TABLE local(x)"); });
    EXPECT_EQ(receipt.number(), 0U);
    EXPECT_TRUE(receipt.wait(std::chrono::milliseconds(0)));
}

TEST_F(DatabaseTest, exec_and_query_bind_their_arguments) {
    Database db = open_with_tasks();
    EXPECT_EQ(db.exec("INSERT INTO tasks VALUES (?1, ?2), (?3, 'x')", 5, std::string("five"), nullptr == nullptr), 2);
    const Rows rows = db.query("SELECT typeof(id), id FROM tasks WHERE title = ?1", "five");
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0][1], Value("5"));
    EXPECT_EQ(code_of([&] { db.query("SELECT ?1"); }), ErrorCode::usage);
    EXPECT_EQ(db.query("INSERT INTO tasks VALUES ('r', 'returned') RETURNING id").rows[0][0], Value("r"));
    EXPECT_EQ(code_of([&] { db.exec("BEGIN"); }), ErrorCode::usage);
    EXPECT_EQ(db.exec("DELETE FROM tasks"), 3);
}

TEST_F(DatabaseTest, writes_do_not_nest_and_take_turns) {
    Database db = open_with_tasks();
    db.write([&](Transaction&) { EXPECT_EQ(code_of([&] { db.exec("DELETE FROM tasks"); }), ErrorCode::usage); });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 25; ++i)
                db.exec("INSERT INTO tasks VALUES (?1, 't')", t * 100 + i);
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(db.query("SELECT count(*) FROM tasks").rows[0][0], Value(100));
    EXPECT_EQ(db.status().pending_transactions, 100);
}

TEST_F(DatabaseTest, the_applications_own_handle_is_captured_after_attach_and_refused_before) {
    Database db = open_with_tasks();
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    EXPECT_NE(sqlite3_exec(handle, "INSERT INTO tasks VALUES ('1', 'one')", nullptr, nullptr, nullptr), SQLITE_OK);
    attach(handle);
    EXPECT_EQ(sqlite3_exec(handle, "INSERT INTO tasks VALUES ('1', 'one')", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(handle);
    EXPECT_EQ(db.status().pending_transactions, 1);
}

TEST_F(DatabaseTest, errors_of_every_day) {
    DatabaseOptions existing;
    existing.create = false;
    EXPECT_EQ(code_of([&] { Database::open(path_, existing); }), ErrorCode::not_found);
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_FALSE(Database::try_open(folder_.file("none/a.db")).ok());
    Database db = open_with_tasks();
    EXPECT_EQ(code_of([&] { db.connect(); }), ErrorCode::usage);
    SessionOptions wrong;
    wrong.hub = "elsewhere";
    EXPECT_EQ(code_of([&] { db.connect(wrong); }), ErrorCode::usage);
    db.close();
    db.close();
    EXPECT_EQ(code_of([&] { db.exec("DELETE FROM tasks"); }), ErrorCode::closed);
    EXPECT_EQ(code_of([&] { db.query("SELECT 1"); }), ErrorCode::closed);
    EXPECT_EQ(code_of([] { Database().status(); }), ErrorCode::closed);
}

TEST_F(DatabaseTest, a_synced_table_cannot_be_dropped) {
    Database db = open_with_tasks();
    EXPECT_EQ(code_of([&] { db.exec("DROP TABLE tasks"); }), ErrorCode::schema);
    EXPECT_EQ(code_of([&] { db.write([](Transaction& tx) { tx.exec("DROP TABLE tasks"); }); }), ErrorCode::schema);
    EXPECT_EQ(code_of([&] { db.query("DROP TABLE tasks"); }), ErrorCode::schema);
    EXPECT_EQ(code_of([&] { db.exec("DROP TABLE no_such_table"); }), ErrorCode::sql);
    db.exec("CREATE TABLE mine(a)");
    db.exec("DROP TABLE mine");
    db.exec("DELETE FROM tasks");
}

TEST_F(DatabaseTest, a_session_without_a_hub_in_reach_says_so_and_ends_at_once) {
    Database db = open_with_tasks();
    SessionOptions options;
    options.hub = "ws://127.0.0.1:1";
    Session session = db.connect(options);
    std::atomic<int> calls = 0;
    session.on_status([&](const Status&) { ++calls; });
    const Result<Status> result = session.try_sync_once(std::chrono::milliseconds(200));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), ErrorCode::unreachable);
    EXPECT_EQ(code_of([&] { db.connect(options); }), ErrorCode::usage);
    db.close();
    const int after = calls;
    EXPECT_GT(after, 0);
    EXPECT_EQ(code_of([&] { session.sync_once(); }), ErrorCode::closed);
    EXPECT_EQ(calls, after);
}

}  // namespace
}  // namespace tombolo
