// Core: the open file behind Database and its receipts: two connections, the session, and the verdicts heard of.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/device_file.h"
#include "client/drop_guard.h"
#include "client/runner.h"
#include "sqlite/connection.h"
#include "tombolo/database.h"
#include "watch/commit_board.h"
#include "watch/commit_reporter.h"
#include "watch/live_queries.h"
#include "watch/subscription.h"

namespace tombolo::client {

class Core : public std::enable_shared_from_this<Core> {
public:
    Core(std::string path, const DatabaseOptions& options);

    Receipt write(const std::function<void(Transaction&)>& work);
    int64_t exec(std::string_view sql, const std::vector<Value>& arguments);
    Rows query(std::string_view sql, const std::vector<Value>& arguments);
    void sync_tables(const std::vector<std::string>& names);
    Watch watch(watch::Question question, std::function<void(const RowsChange&)> callback, WatchOptions options);
    std::shared_ptr<Runner> connect(const SessionOptions& options);
    void disconnect(Runner& session);
    Receipt receipt(uint64_t number);
    Receipt receipt(std::string_view id);
    std::vector<Conflict> conflicts(bool resolved);
    Conflict conflict(std::string_view id);
    Receipt resolve(std::string_view id, Take take);
    Receipt resolve(std::string_view id, const NamedRow& values);
    Receipt dismiss(std::string_view id);
    std::vector<Rejection> rejections();
    Receipt retry(uint64_t number, const std::vector<Correction>& corrections);
    void discard(uint64_t number, const DiscardOptions& options);
    Status status() const;
    uint64_t newest_number();  // of the transactions committed so far, by anybody; 0: none
    void close();

    // Of transaction `number`; the id tells whether it still is the one that was meant.
    std::optional<Decision> verdict(uint64_t number, const std::string& id);
    std::optional<Decision> wait(uint64_t number, const std::string& id, std::chrono::milliseconds timeout);
    void on_verdict(uint64_t number, const std::string& id, std::function<void(const Decision&)> callback);

    // For Transaction, inside write(): on its thread, the write lock held.
    int64_t exec_in_write(std::string_view sql, const std::vector<Value>& arguments);
    Rows query_in_write(std::string_view sql, const std::vector<Value>& arguments);

private:
    // The write lock: a mutex that knows its owner, and waits no longer than a lock of the file would.
    class Writing {
    public:
        explicit Writing(Core& core);
        ~Writing();
        Writing(const Writing&) = delete;
        Writing& operator=(const Writing&) = delete;

    private:
        Core& core_;
    };

    struct Watcher {
        std::string id;  // of the transaction
        std::function<void(const Decision&)> call;
    };

    template <typename Settle>
    Receipt settle(std::string_view id, const Settle& settle);
    template <typename Matches>
    Receipt receipt_of(std::string_view wanted, const Matches& matches);
    void heard(const Decision& decision);
    void tell_watchers(const Decision& decision);
    void look_for_watched();
    std::optional<Decision> known(uint64_t number);
    void require_open() const;
    sqlite::Connection& writer();
    void committed();
    std::shared_ptr<Runner> runner() const;
    void check_question(const watch::Question& question);
    std::shared_ptr<watch::LiveQueries> live_queries();

    const DeviceFile file_;
    const std::chrono::milliseconds busy_timeout_;
    const std::shared_ptr<watch::CommitBoard> board_ = std::make_shared<watch::CommitBoard>();

    std::timed_mutex write_mutex_;
    std::atomic<std::thread::id> writing_thread_;
    DropGuard drop_guard_;  // of write_db_
    sqlite::Connection write_db_;
    watch::CommitReporter write_reporter_;

    std::mutex read_mutex_;
    sqlite::Connection read_db_;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable decided_;
    std::map<uint64_t, Decision> decisions_;             // heard of since the file was opened; newest few
    std::map<uint64_t, std::vector<Watcher>> watchers_;  // by transaction
    std::weak_ptr<Runner> runner_;
    std::shared_ptr<watch::LiveQueries> live_queries_;  // once somebody watches
    bool closed_ = false;
};

}  // namespace tombolo::client
