// Hub and devices as processes of their own. The caller has no threads: it may fork.
#pragma once

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "bench/rows.h"
#include "hub/conflict_list.h"
#include "network/system_clock.h"
#include "network/system_random.h"
#include "server/server.h"
#include "store/sqlite_store.h"
#include "tombolo/database.h"
#include "tombolo/error.h"

namespace tombolo::bench {

// A pipe for values of fixed size between two processes.
class Pipe {
public:
    Pipe() {
        if (pipe(ends_) != 0) throw Error(ErrorCode::io, "cannot make a pipe");
    }
    ~Pipe() {
        close(ends_[0]);
        close(ends_[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    template <typename T>
    void put(const T& value) const {
        if (write(ends_[1], &value, sizeof value) != sizeof value) throw Error(ErrorCode::io, "cannot write to the other process");
    }
    template <typename T>
    T get() const {
        T value{};
        if (read(ends_[0], &value, sizeof value) != sizeof value) throw Error(ErrorCode::io, "the other process ended without an answer");
        return value;
    }
    void close_writer() {  // so that the end of the other process is seen
        close(std::exchange(ends_[1], -1));
    }

private:
    int ends_[2] = {-1, -1};
};

// Runs `work` in a process of its own until it returns; ends it with SIGTERM when this goes.
class Process {
public:
    explicit Process(const std::function<void()>& work) : pid_(fork()) {
        if (pid_ < 0) throw Error(ErrorCode::io, "cannot fork");
        if (pid_ > 0) return;
        try {
            work();
            std::fflush(stdout);
            _exit(0);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
            _exit(1);
        }
    }
    ~Process() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

private:
    pid_t pid_;
};

// What `work` returns, computed in a process of its own.
inline double in_process(const std::function<double()>& work) {
    Pipe answer;
    const Process process([&] { answer.put(work()); });
    answer.close_writer();
    return answer.get<double>();
}

// A hub on loopback.
class HubProcess {
public:
    // `path`: its space.db.
    explicit HubProcess(const std::string& path) : process_([&] { serve(path); }) {
        port_.close_writer();
        url_ = "ws://127.0.0.1:" + std::to_string(port_.get<uint16_t>());
    }
    const std::string& url() const { return url_; }

private:
    void serve(const std::string& path) const {
        network::SystemClock clock;
        network::SystemRandom random;
        network::EventLoop loop;
        server::ServerOptions options;
        options.listen.address = {"127.0.0.1", 0};
        server::Server server(loop, clock, options);
        auto store = store::open_sqlite_store(path, random);
        hub::update_schema(*store, std::string(tasks_table_sql) + ";");
        server.add_space("main", std::move(store));
        loop.on_stop_signal([&] {
            server.stop();
            loop.stop();
        });
        port_.put(server.listen().port);
        loop.run();
    }

    Pipe port_;
    Process process_;
    std::string url_;
};

inline constexpr std::chrono::minutes patience{10};

// Opens a device, brings it up to date with the hub, and returns the milliseconds that took.
inline double sync_device(const std::string& path, const std::string& url) {
    const auto begin = std::chrono::steady_clock::now();
    Database db = Database::open(path);
    Session session = db.connect({.hub = url, .token = {}, .ca_file = {}});
    session.sync_once(patience);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

inline void require_rows(const std::string& path, size_t rows) {
    sqlite::Connection db = sqlite::Connection::open(path);
    if (db.query_integer("SELECT count(*) FROM tasks") != static_cast<int64_t>(rows)) throw Error(ErrorCode::internal, "rows are missing");
}

}  // namespace tombolo::bench
