// Live queries: a query whose result is told anew whenever a commit changes it, whoever committed: this Database, its session with a
// checkpoint of the hub, another connection, another process. See Database::watch.
//
// A Database with live queries has one more thread, and one more connection for it. Each commit of this Database or its session runs those
// queries again that read a table it wrote to; a commit of anybody else, whose tables are not known, runs all. Several commits in quick
// succession may be told as one. A result that is what it was is not told.
//
// Threads: everything here from any thread. Callbacks of one live query come one at a time and in order; they may use the Database, may
// stop any live query, and must not call Database::close(), which waits for them: Error(usage). An exception from one is logged.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tombolo/error.h"
#include "tombolo/value.h"

namespace tombolo {

namespace client {
class Core;
}
namespace watch {
class Subscription;
}

// From one result of a query to the next. Indexes count in `before` or in `now`, from 0. To make `now` of a list that shows `before`:
// take out `removed` and every moved.from, from the highest index down; put in `inserted` and every moved.to, from the lowest up; then show
// anew what is `updated`.
struct RowsChange {
    struct Pair {
        size_t from = 0;  // in `before`
        size_t to = 0;    // in `now`
        friend bool operator==(const Pair&, const Pair&) = default;
    };

    const Rows& before;  // empty the first time
    const Rows& now;
    std::vector<size_t> removed;   // in `before`, ascending
    std::vector<size_t> inserted;  // in `now`, ascending
    std::vector<Pair> moved;       // the fewest rows that explain the new order, by `to`
    std::vector<Pair> updated;     // same key, other values; by `to`. A moved row may be among them.
};

struct WatchOptions {
    // Calls back where the application wants it, such as its interface's event loop: gets a task, to be run once, soon, on any thread.
    // A result that is overtaken before its task runs is not told. Empty: on the thread of the live queries.
    std::function<void(std::function<void()> task)> executor;

    // The query cannot be run any more (its table was dropped), or not now. Told once; the live query goes on, and is told when it
    // has a result again. Same thread and order as the results. Empty: a line in the log.
    std::function<void(const Error&)> on_error;
};

// One live query. Ends with this object.
class [[nodiscard]] Watch {
public:
    Watch() = default;  // none
    Watch(Watch&&) noexcept = default;
    Watch& operator=(Watch&& other) noexcept;
    ~Watch();  // stop()

    bool ok() const { return subscription_ != nullptr; }

    // Once it has returned, no callback runs any more; waits for one that is under way on another thread, so hold no lock that it takes.
    // Inside the callback itself it returns at once, and that call was the last. Twice is fine; so is after Database::close().
    void stop();

private:
    friend class client::Core;
    explicit Watch(std::shared_ptr<watch::Subscription> subscription) : subscription_(std::move(subscription)) {}

    std::shared_ptr<watch::Subscription> subscription_;
};

}  // namespace tombolo
