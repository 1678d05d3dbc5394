// One live query: what it asks, what its application was shown, and what it is to be shown next. Results come from the thread of the live
// queries; they are told there or on the application's executor.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tombolo/watch.h"

namespace tombolo::watch {

// The query of one, as it was asked.
struct Question {
    std::string sql;
    std::vector<Value> parameters;
    std::optional<std::vector<std::string>> key;  // column names; nothing: whole results are wanted, no differences
};

class Subscription : public std::enable_shared_from_this<Subscription> {
public:
    Subscription(Question question, std::function<void(const RowsChange&)> callback, WatchOptions options,
                 std::function<void(const std::string&)> log);

    const Question& question() const { return question_; }
    void stop();  // Watch::stop
    bool is_stopped() const { return stopped_; }
    bool calls_here() const;  // is this thread in a callback of it?

    // --- on the thread of the live queries ---

    void tell(std::shared_ptr<const Rows> rows);
    void tell(const Error& error);

private:
    struct Pending {
        std::shared_ptr<const Rows> before, now;
        RowsChange change;
    };

    std::shared_ptr<const Pending> compare(std::shared_ptr<const Rows> before, std::shared_ptr<const Rows> now, bool anyhow) const;
    void post(std::unique_lock<std::mutex> lock);
    void deliver();
    void call(const Pending* result, const std::optional<Error>& error);

    void let_go(std::unique_lock<std::mutex> lock);

    const Question question_;
    const std::function<void(const std::string&)> log_;  // of what callbacks throw

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable returned_;
    std::function<void(const RowsChange&)> callback_;  // and options_: used without the mutex, by whoever is calling_
    WatchOptions options_;
    std::shared_ptr<const Rows> shown_;      // nullptr: nothing yet
    std::shared_ptr<const Pending> result_;  // to be told
    std::optional<Error> error_;             // to be told
    std::string failure_;                    // the standing one
    bool posted_ = false;
    std::thread::id calling_;
    std::atomic<bool> stopped_ = false;  // changed under the mutex
};

}  // namespace tombolo::watch
