// A hub and devices in one process, joined by queues: everything but sockets and threads. Counts what would travel.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bench/rows.h"
#include "device/replica.h"
#include "device/session.h"
#include "hub/conflict_list.h"
#include "hub/hub.h"
#include "network/system_clock.h"
#include "network/system_random.h"
#include "store/sqlite_store.h"

namespace tombolo::bench {

class LocalHub {
public:
    // `policy`: of the column priority.
    explicit LocalHub(const std::string& path, ColumnPolicy policy = ColumnPolicy::lww) : hub_({}, clock_) {
        auto store = store::open_sqlite_store(path, random_);
        hub::update_schema(*store, tasks_table_sql);
        std::vector<Table> tables = store->schema().tables;
        tables.at(0).columns.at(3).policy = policy;
        store->set_policies(tables);
        hub_.add_space("main", std::move(store));
    }
    hub::Hub& hub() { return hub_; }
    store::Store& store() { return hub_.find_space("main")->store(); }
    world::Random& random() { return random_; }
    world::Clock& clock() { return clock_; }

private:
    network::SystemClock clock_;
    network::SystemRandom random_;
    hub::Hub hub_;
};

class LocalDevice {
public:
    LocalDevice(LocalHub& hub, const std::string& path) : hub_(hub), path_(path) {
        sqlite::Connection db = sqlite::Connection::open(path);
        db.execute("PRAGMA journal_mode = WAL");
        if (!device::Replica::is_device(db)) device::Replica::create(db);
        replica_ = std::make_unique<device::Replica>(std::move(db), device::CaptureWorld{&hub.clock(), &hub.random(), {}});
        replica_->set_hub("ws://local", "main", std::nullopt);
    }
    device::Replica& replica() { return *replica_; }

    // A connection as an application has it: what it writes is captured.
    sqlite::Connection open_captured() {
        sqlite::Connection db = sqlite::Connection::open(path_);
        db.execute("PRAGMA synchronous = NORMAL");
        device::register_capture(db.handle(), {&hub_.clock(), &hub_.random(), {}});
        return db;
    }

    // Connects, talks until nobody has anything to say, and hangs up.
    void sync() {
        device::Session session(*replica_, hub_.clock(), {});
        peer_ = hub_.hub().open("main");
        session.opened();
        while (to_hub(session) || to_device(session) || commit()) {
        }
        hub_.hub().closed(peer_);
        if (session.failure()) throw Error(*session.failure());
    }

    // Of the newest sync, if kept: what the hub said.
    bool keep_messages = false;
    std::vector<std::string> messages;
    size_t bytes_up = 0;
    size_t bytes_down = 0;

private:
    bool to_hub(device::Session& session) {
        const std::vector<std::string> out = session.take_messages();
        for (const std::string& message : out) {
            bytes_up += message.size();
            hub_.hub().receive(peer_, message);
        }
        if (!out.empty()) session.sent(0);
        return !out.empty();
    }
    bool to_device(device::Session& session) {
        std::vector<hub::Action> actions = hub_.hub().take_actions();
        for (const hub::Action& action : actions) {
            if (action.message == nullptr) continue;
            bytes_down += action.message->size();
            if (keep_messages) messages.push_back(*action.message);
            session.received(*action.message);
        }
        if (!actions.empty()) hub_.hub().room(peer_, 0);
        return !actions.empty();
    }
    bool commit() {
        if (!hub_.hub().wants_commit()) return false;
        hub_.hub().commit();
        return true;
    }

    LocalHub& hub_;
    std::string path_;
    std::unique_ptr<device::Replica> replica_;
    hub::PeerId peer_ = 0;
};

}  // namespace tombolo::bench
