// The live queries of one Database: a thread that sleeps until the file is committed to, and runs again what the commit touched.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "sqlite/commit_counter.h"
#include "sqlite/connection.h"
#include "watch/commit_board.h"
#include "watch/file_signal.h"
#include "watch/query_tables.h"
#include "watch/subscription.h"

namespace tombolo::watch {

class LiveQueries {
public:
    // `db`: a connection of its own, that has read from the file at `path`.
    LiveQueries(sqlite::Connection db, const std::string& path, std::shared_ptr<CommitBoard> board, std::function<void(const std::string&)> log);
    ~LiveQueries();  // stop()

    // Any thread:
    void add(std::shared_ptr<Subscription> subscription);
    bool calls_here() const;  // is this thread in a callback of any of them?
    void stop();              // no callback runs any more once it has returned; not inside one

private:
    struct Query {
        std::shared_ptr<Subscription> subscription;
        PreparedQuery prepared;  // no statement: to be compiled
        bool due = true;
    };
    struct Outcome {
        std::shared_ptr<Subscription> subscription;
        std::shared_ptr<const Rows> rows;  // or
        std::optional<Error> error;
    };

    void run();
    void look();
    std::optional<std::chrono::milliseconds> pause_before_next() const;
    void pace(FileSignal::Cause cause);
    bool take_new();
    void drop_stopped();
    std::optional<Touched> committed();
    void mark(const Touched& touched);
    std::vector<Outcome> run_due();
    Outcome run(Query& query);
    void compile_anew_if_schema_changed();
    void index();

    // The thread's only.
    sqlite::Connection db_;
    sqlite::CommitCounter counter_;
    uint32_t seen_ = 0;          // commits, by number
    int64_t data_version_ = -1;  // where there are no numbers
    int64_t schema_version_ = -1;
    std::vector<std::unique_ptr<Query>> queries_;
    std::vector<Query*> reads_everything_;
    std::unordered_map<std::string, std::vector<Query*>> readers_;  // by table
    bool failed_ = false;                                           // the newest run, as a whole or a query that found the file busy
    int pause_ms_ = 0;                                              // 0: nobody writes

    const std::shared_ptr<CommitBoard> board_;
    const std::function<void(const std::string&)> log_;
    FileSignal signal_;

    mutable std::mutex mutex_;  // guards what follows
    std::vector<std::shared_ptr<Subscription>> new_;
    std::vector<std::weak_ptr<Subscription>> all_;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace tombolo::watch
