// The library against a hub in the same process: what the public headers promise of rejections and receipts.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/scratch_test.h"
#include "client/device_file.h"
#include "hub/conflict_list.h"
#include "network/event_loop.h"
#include "server/server.h"
#include "store/sqlite_store.h"
#include "tombolo/tombolo.h"

namespace tombolo {
namespace {

using scratch::code_of;
using scratch::TempFolder;

constexpr const char* schema_sql =
    "CREATE TABLE people(id TEXT PRIMARY KEY, mail TEXT UNIQUE, age INTEGER);"
    "CREATE TABLE notes(id TEXT PRIMARY KEY, body TEXT, votes INTEGER, title TEXT);";

// Of notes: a body asks a person, votes add up, the later title stands.
void set_policies(store::Store& store) {
    std::vector<Table> tables = store.schema().tables;
    for (Table& table : tables) {
        if (table.name != "notes") continue;
        table.columns.at(1).policy = ColumnPolicy::manual;
        table.columns.at(2).policy = ColumnPolicy::counter;
    }
    store.set_policies(tables);
}

// A hub in memory on a thread of its own.
class HubThread {
public:
    HubThread() {
        std::promise<std::string> address;
        thread_ = std::thread([this, &address] {
            server::Server server(loop_, client::system_clock(), {});
            auto store = store::open_sqlite_store(":memory:", client::system_random());
            hub::update_schema(*store, schema_sql);
            set_policies(*store);
            server.add_space("main", std::move(store));
            address.set_value("ws://" + network::to_string(server.listen()));
            loop_.run();
            server.stop();
        });
        url_ = address.get_future().get();
    }
    ~HubThread() {
        loop_.post([this] { loop_.stop(); });
        thread_.join();
    }
    const std::string& url() const { return url_; }

private:
    network::EventLoop loop_;
    std::thread thread_;
    std::string url_;
};

class LibraryTest : public testing::Test {
protected:
    Database open(const std::string& name) { return Database::open(folder_.file(name)); }
    Session connect(Database& db) { return db.connect({.hub = hub_.url(), .token = {}, .ca_file = {}}); }

    // B gives somebody an address that A gave to somebody else.
    void clash(Database& a, Database& b) {
        Session of_a = connect(a);
        of_a.sync_once();
        {
            Session of_b = connect(b);
            of_b.sync_once();
        }
        a.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('ann', 'x@y', 30)"); }).wait();
    }

    HubThread hub_;
    const TempFolder folder_;
};

TEST_F(LibraryTest, a_checkpoint_that_arrives_is_told_by_a_live_query) {
    Database a = open("a.db");
    Database b = open("b.db");
    Session of_a = connect(a);
    of_a.sync_once();
    Session of_b = connect(b);
    of_b.sync_once();
    std::promise<void> told;
    std::atomic<int> runs_of_other = 0;
    const Watch other = b.watch("SELECT 1 FROM sqlite_schema", [&](const Rows&) { ++runs_of_other; });
    const Watch watched = b.watch("SELECT age FROM people WHERE id = 'cy'", [&](const Rows& rows) {
        if (!rows.empty()) told.set_value();
    });
    a.exec("INSERT INTO people VALUES ('cy', 'c@y', 50)");
    EXPECT_EQ(told.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    EXPECT_LE(runs_of_other, 1);
}

TEST_F(LibraryTest, a_rejection_is_listed_and_queued_again) {
    Database a = open("a.db");
    Database b = open("b.db");
    clash(a, b);
    const Receipt receipt = b.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('bob', 'x@y', 40)"); });
    const Receipt needs_it = b.write([](Transaction& tx) { tx.exec("UPDATE people SET age = 41 WHERE id = 'bob'"); });
    Session session = connect(b);
    const std::optional<Decision> refused = receipt.wait();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->verdict, VerdictKind::rejected);
    EXPECT_EQ(refused->code, RejectCode::unique);
    EXPECT_EQ(refused->retried_as, 0U);
    EXPECT_EQ(needs_it.wait()->code, RejectCode::depends);

    const std::vector<Rejection> rejections = b.rejections();
    ASSERT_EQ(rejections.size(), 2U);
    EXPECT_EQ(rejections[0].number, receipt.number());
    EXPECT_EQ(rejections[0].code, RejectCode::unique);
    EXPECT_FALSE(rejections[0].expected);
    ASSERT_EQ(rejections[0].changes.size(), 1U);
    EXPECT_EQ(rejections[0].changes[0].kind, RowChange::insert);
    EXPECT_EQ(rejections[0].changes[0].key, (NamedRow{{"id", "bob"}}));
    EXPECT_EQ(rejections[0].changes[0].values, (NamedRow{{"id", "bob"}, {"mail", "x@y"}, {"age", 40}}));
    EXPECT_TRUE(rejections[0].changes[0].base.empty());
    EXPECT_FALSE(rejections[0].changes[0].theirs);
    EXPECT_EQ(rejections[1].depends_on, receipt.number());
    EXPECT_EQ(rejections[1].changes[0].base, (NamedRow{{"age", 40}}));

    EXPECT_EQ(code_of([&] { b.retry(needs_it.number()); }), ErrorCode::usage);
    EXPECT_EQ(code_of([&] { b.discard(receipt.number()); }), ErrorCode::usage);
    EXPECT_EQ(code_of([&] { b.retry(99); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { b.retry(receipt.number(), {{"mail", "x@y"}}); }), ErrorCode::constraint);
    const Receipt again = b.retry(receipt.number(), {{"mail", "bob@y"}, {"age", "50"}});
    EXPECT_EQ(again.wait()->verdict, VerdictKind::accepted);
    EXPECT_EQ(b.query("SELECT mail, age FROM people WHERE id = 'bob'").rows[0], (Row{"bob@y", 50}));

    const std::optional<Decision> old = receipt.verdict();
    EXPECT_EQ(old->verdict, VerdictKind::rejected);
    EXPECT_EQ(old->retried_as, again.number());
    b.discard(needs_it.number(), {.by = "ann"});
    EXPECT_EQ(needs_it.verdict()->verdict, VerdictKind::discarded);
    EXPECT_EQ(needs_it.verdict()->by, "ann");
    EXPECT_TRUE(b.rejections().empty());

    session.stop();
    b.close();
    b = open("b.db");
    EXPECT_EQ(b.receipt(receipt.number()).verdict()->retried_as, again.number()) << "after a restart, too";
}

TEST_F(LibraryTest, a_retry_works_without_a_session) {
    Database a = open("a.db");
    Database b = open("b.db");
    clash(a, b);
    const Receipt receipt = b.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('bob', 'x@y', 40)"); });
    {
        Session session = connect(b);
        session.sync_once();
    }
    const Receipt again = b.retry(receipt.number());
    EXPECT_EQ(b.status().pending_transactions, 1);
    EXPECT_FALSE(again.verdict());
    EXPECT_TRUE(b.rejections().at(0).expected) << "the address is still taken";
    a.exec("DELETE FROM people");
    {
        Session session = connect(a);
        session.sync_once();
    }
    Session session = connect(b);
    EXPECT_EQ(again.wait()->verdict, VerdictKind::accepted);
}

TEST_F(LibraryTest, a_callback_hears_of_one_verdict) {
    Database a = open("a.db");
    Database b = open("b.db");
    clash(a, b);
    const Receipt good = b.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('eve', 'eve@y', 1)"); });
    const Receipt bad = b.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('bob', 'x@y', 40)"); });
    std::promise<Decision> heard_good, heard_bad;
    std::atomic<int> calls = 0;
    std::atomic<uint64_t> retried = 0;
    good.on_verdict([&](const Decision& decision) {
        ++calls;
        heard_good.set_value(decision);
    });
    good.on_verdict([&](const Decision&) { throw std::runtime_error("goes no further"); });
    bad.on_verdict([&](const Decision& decision) {
        ++calls;
        retried = b.retry(decision.number, {{"mail", "bob@y"}}).number();  // at once, from the callback
        heard_bad.set_value(decision);
    });
    Session session = connect(b);
    EXPECT_EQ(heard_good.get_future().get().verdict, VerdictKind::accepted);
    EXPECT_EQ(heard_bad.get_future().get().code, RejectCode::unique);
    EXPECT_EQ(b.receipt(retried.load()).wait()->verdict, VerdictKind::accepted);
    EXPECT_EQ(calls, 2);

    std::thread::id caller;
    good.on_verdict([&](const Decision&) { caller = std::this_thread::get_id(); });
    EXPECT_EQ(caller, std::this_thread::get_id()) << "it was known";
    const Receipt nothing = b.write([](Transaction&) {});
    nothing.on_verdict([&](const Decision& decision) { EXPECT_EQ(decision.number, 0U); });
}

TEST_F(LibraryTest, a_callback_hears_what_another_session_brought) {
    Database a = open("a.db");
    {
        Session session = connect(a);
        session.sync_once();
    }
    Database same = open("a.db");
    Session holder = connect(same);
    holder.sync_once();
    Session stands_by = connect(a);
    std::promise<Decision> heard;
    const Receipt receipt = a.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('eve', 'eve@y', 1)"); });
    receipt.on_verdict([&](const Decision& decision) { heard.set_value(decision); });
    EXPECT_EQ(heard.get_future().get().verdict, VerdictKind::accepted);
}

// What a waits for, b wrote without having seen it.
TEST_F(LibraryTest, a_conflict_is_told_to_both_sides_and_decided) {
    Database a = open("a.db");
    Database b = open("b.db");
    {
        Session of_a = connect(a);
        of_a.sync_once();
        a.exec("INSERT INTO notes VALUES ('n', 'base', 1, 'base')");
        of_a.sync_once();
        Session of_b = connect(b);
        of_b.sync_once();
    }
    a.exec("UPDATE notes SET body = 'from a', votes = 3, title = 'from a'");
    const Receipt receipt = b.write([](Transaction& tx) { tx.exec("UPDATE notes SET body = 'from b', votes = 5, title = 'from b'"); });
    Session of_a = connect(a);
    of_a.sync_once();
    std::promise<Conflict> heard_by_a, heard_by_b;
    std::atomic<int> calls = 0;
    of_a.on_conflict([&](const Conflict& conflict) {
        ++calls;
        heard_by_a.set_value(conflict);
    });
    Session of_b = connect(b);
    of_b.on_conflict([&](const Conflict& conflict) { heard_by_b.set_value(conflict); });

    const std::optional<Decision> decision = receipt.wait();
    ASSERT_TRUE(decision);
    EXPECT_EQ(decision->verdict, VerdictKind::in_conflict);
    EXPECT_EQ(decision->code, RejectCode::none);
    ASSERT_EQ(decision->cells.size(), 2U);
    EXPECT_EQ(decision->cells_in_all, 2U);
    EXPECT_EQ(decision->cells[0].table, "notes");
    EXPECT_EQ(decision->cells[0].key, (NamedRow{{"id", "n"}}));
    EXPECT_EQ(decision->cells[0].column, "body");
    EXPECT_EQ(decision->cells[0].fate, CellFate::waits);
    EXPECT_EQ(decision->cells[0].site, a.status().site);
    EXPECT_EQ(decision->cells[1].column, "votes");
    EXPECT_EQ(decision->cells[1].fate, CellFate::combined);
    EXPECT_EQ(b.query("SELECT body, votes, title FROM notes").rows[0], (Row{"from a", 7, "from b"}));

    const Conflict told = heard_by_a.get_future().get();
    const Conflict conflict = heard_by_b.get_future().get();
    EXPECT_EQ(conflict, told);
    EXPECT_EQ(decision->cells[0].conflict, conflict.id);
    EXPECT_EQ(conflict.table, "notes");
    EXPECT_EQ(conflict.key, (NamedRow{{"id", "n"}}));
    EXPECT_EQ(conflict.column, "body");
    EXPECT_EQ(conflict.base.value, Value("base"));
    EXPECT_EQ(conflict.mine.value, Value("from b"));
    EXPECT_EQ(conflict.theirs.value, Value("from a"));
    EXPECT_EQ(conflict.mine_site, b.status().site);
    EXPECT_TRUE(conflict.open());
    ASSERT_EQ(conflict.candidates.size(), 1U);
    EXPECT_EQ(b.conflicts(), std::vector<Conflict>{conflict});
    EXPECT_EQ(of_a.status().conflicts, 1);

    const std::vector<Conflict> aside = b.conflicts(true);
    ASSERT_EQ(aside.size(), 1U);
    EXPECT_EQ(aside[0].column, "title");
    EXPECT_EQ(aside[0].mine.value, Value("from a"));
    EXPECT_EQ(aside[0].resolution, "overwritten");

    EXPECT_EQ(code_of([&] { b.resolve("nothing", Take::mine); }), ErrorCode::not_found);
    EXPECT_EQ(b.resolve(conflict.id, Take::mine).wait()->verdict, VerdictKind::accepted);
    EXPECT_TRUE(b.conflicts().empty());
    of_a.sync_once();
    EXPECT_TRUE(a.conflicts().empty());
    EXPECT_EQ(a.query("SELECT body FROM notes").rows[0], (Row{"from b"}));
    EXPECT_EQ(a.conflict(conflict.id).resolution, "mine");
    EXPECT_EQ(calls, 1) << "once per conflict";
}

TEST_F(LibraryTest, the_state_of_a_row) {
    Database a = open("a.db");
    Session session = connect(a);
    session.sync_once();
    session.stop();
    const Receipt receipt = a.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('eve', 'eve@y', 1)"); });
    const auto state = [&] { return std::string(a.query("SELECT tombolo_state('people', 'eve')").rows[0][0].bytes()); };
    EXPECT_EQ(state(), "pending");
    session = connect(a);
    session.sync_once();
    EXPECT_EQ(state(), "synced");
}

TEST_F(LibraryTest, a_file_that_was_closed_can_be_handed_over) {
    DatabaseOptions options;
    options.key = Key::raw(std::string(32, 'k'));
    const std::string path = folder_.file("private.db");
    Database db = Database::open(path, options);
    Session session = connect(db);
    session.sync_once();
    db.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('eve', 'eve@y', 1)"); });
    ASSERT_TRUE(std::filesystem::exists(path + "-wal"));
    session.stop();
    db.close();
    EXPECT_FALSE(std::filesystem::exists(path + "-wal")) << "its newest transactions would be lost to other programs";
    EXPECT_EQ(Database::open(path, options).query("SELECT count(*) FROM people").rows[0][0].as_integer(), 1);
}

TEST_F(LibraryTest, a_handle_of_the_applications_own_to_an_encrypted_file) {
    DatabaseOptions options;
    const Key key = Key::raw(std::string(32, 'k'));
    options.key = key;
    const std::string path = folder_.file("private.db");
    Database db = Database::open(path, options);
    Session session = connect(db);
    session.sync_once();
    EXPECT_EQ(code_of([&] { open_encrypted(path, Key::raw(std::string(32, 'x'))); }), ErrorCode::wrong_key);
    EXPECT_EQ(code_of([&] { open_encrypted(path, Key()); }), ErrorCode::usage);

    sqlite3* handle = open_encrypted(path, key);
    sqlite3_busy_timeout(handle, 10000);
    attach(handle);
    EXPECT_EQ(sqlite3_exec(handle, "INSERT INTO people VALUES ('eve', 'eve@y', 1)", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, "CREATE TEMP TABLE scratch AS SELECT * FROM people", nullptr, nullptr, nullptr), SQLITE_OK);
    session.sync_once();
    EXPECT_EQ(db.query("SELECT count(*) FROM people").rows[0][0].as_integer(), 1);
    session.stop();
    db.close();
    EXPECT_EQ(sqlite3_exec(handle, "UPDATE people SET age = 2; VACUUM", nullptr, nullptr, nullptr), SQLITE_OK) << "it needs no Database";
    EXPECT_EQ(sqlite3_close(handle), SQLITE_OK);
    EXPECT_EQ(Database::open(path, options).query("SELECT age FROM people").rows[0][0].as_integer(), 2);
}

// Waits for a status of a session, and only a broken test waits long. Outlives the session.
class StatusWatch {
public:
    void listen(Session& session) {
        session.on_status([this](const Status& status) {
            const std::lock_guard lock(mutex_);
            newest_ = status;
            changed_.notify_all();
        });
    }
    template <typename Condition>
    [[nodiscard]] bool until(const Condition& condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return condition(newest_); });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Status newest_;
};

bool is_live(const Status& status) { return status.state == SessionState::live; }
bool is_paused(const Status& status) { return status.state == SessionState::offline && status.cause == "paused by the application"; }

TEST_F(LibraryTest, a_paused_session_keeps_what_is_written) {
    Database a = open("a.db");
    StatusWatch watch;
    Session session = connect(a);
    watch.listen(session);
    ASSERT_TRUE(watch.until(is_live));
    session.pause();
    ASSERT_TRUE(watch.until(is_paused));
    const Receipt first = a.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('eve', 'eve@y', 1)"); });
    EXPECT_TRUE(watch.until([](const Status& status) { return is_paused(status) && status.pending_transactions == 1; }));
    EXPECT_EQ(first.wait(std::chrono::milliseconds(300)), std::nullopt);

    session.sync_now();  // once, and then the pause goes on
    EXPECT_EQ(first.wait()->verdict, VerdictKind::accepted);
    EXPECT_TRUE(watch.until([](const Status& status) { return is_paused(status) && status.pending_transactions == 0; }));
    const Receipt second = a.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('bob', 'bob@y', 1)"); });
    EXPECT_EQ(second.wait(std::chrono::milliseconds(300)), std::nullopt);

    session.resume();
    EXPECT_EQ(second.wait()->verdict, VerdictKind::accepted);
    EXPECT_TRUE(watch.until(is_live));
}

TEST_F(LibraryTest, a_session_that_syncs_when_asked) {
    Database a = open("a.db");
    StatusWatch watch;
    Session session = a.connect({.hub = hub_.url(), .token = {}, .ca_file = {}, .policy = SyncPolicy::manually});
    watch.listen(session);
    const auto waits = [](const Status& status) { return status.cause == "syncs when asked to"; };
    ASSERT_TRUE(watch.until(waits));
    session.sync_now();
    ASSERT_TRUE(watch.until([&](const Status& status) { return waits(status) && status.last_sync_at.has_value(); }));
    const Receipt receipt = a.write([](Transaction& tx) { tx.exec("INSERT INTO people VALUES ('eve', 'eve@y', 1)"); });
    EXPECT_EQ(receipt.wait(std::chrono::milliseconds(300)), std::nullopt);
    session.sync_now();
    EXPECT_EQ(receipt.wait()->verdict, VerdictKind::accepted);
}

TEST_F(LibraryTest, only_the_application_tells_of_the_network) {
    Database a = open("a.db");
    StatusWatch watch;
    Session session = a.connect({.hub = hub_.url(), .token = {}, .ca_file = {}, .policy = SyncPolicy::unmetered, .watch_network = false});
    watch.listen(session);
    ASSERT_TRUE(watch.until(is_live));
    EXPECT_EQ(session.status().metered, std::nullopt) << "nobody has said it";
    EXPECT_EQ(session.status().interface_kind, InterfaceKind::unknown);
    NetworkHint hint;
    hint.metered = true;
    hint.interface_kind = InterfaceKind::cellular;
    session.set_network_hint(hint);
    ASSERT_TRUE(watch.until([](const Status& status) { return status.state == SessionState::offline; }));
    EXPECT_EQ(session.status().cause, "waits for a network that is not metered");
    EXPECT_EQ(session.status().interface_kind, InterfaceKind::cellular);
    hint.metered = false;
    session.set_network_hint(hint);
    EXPECT_TRUE(watch.until(is_live));
}

}  // namespace
}  // namespace tombolo
