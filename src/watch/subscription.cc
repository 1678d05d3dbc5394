#include "watch/subscription.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "watch/row_difference.h"

namespace tombolo::watch {

namespace {

const std::shared_ptr<const Rows>& no_rows() {
    static const std::shared_ptr<const Rows> none = std::make_shared<Rows>();
    return none;
}

bool same(const Rows& a, const Rows& b) { return a.columns == b.columns && a.rows == b.rows; }

std::vector<size_t> indexes_of(const std::vector<std::string>& names, const Rows& rows) {
    std::vector<size_t> indexes;
    for (const std::string& name : names) {
        const auto found = std::find(rows.columns.begin(), rows.columns.end(), name);
        if (found != rows.columns.end()) indexes.push_back(static_cast<size_t>(found - rows.columns.begin()));
    }
    return indexes;
}

}  // namespace

Subscription::Subscription(Question question, std::function<void(const RowsChange&)> callback, WatchOptions options,
                           std::function<void(const std::string&)> log)
    : question_(std::move(question)), log_(std::move(log)), callback_(std::move(callback)), options_(std::move(options)) {}

// --- what is to be told ---

// Nothing: they are the same, and need not be told.
std::shared_ptr<const Subscription::Pending> Subscription::compare(std::shared_ptr<const Rows> before, std::shared_ptr<const Rows> now,
                                                                   bool anyhow) const {
    if (!anyhow && same(*before, *now)) return nullptr;
    RowsChange change = question_.key ? difference(*before, *now, indexes_of(*question_.key, *now)) : RowsChange{*before, *now, {}, {}, {}, {}};
    return std::make_shared<const Pending>(Pending{std::move(before), std::move(now), std::move(change)});
}

// Compares without the lock, and once more if something else was shown meanwhile.
void Subscription::tell(std::shared_ptr<const Rows> rows) {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
        const std::shared_ptr<const Rows> shown = shown_;
        const bool anyhow = shown == nullptr || !failure_.empty();
        lock.unlock();
        std::shared_ptr<const Pending> result = compare(shown != nullptr ? shown : no_rows(), rows, anyhow);
        lock.lock();
        if (shown_ != shown) continue;
        result_ = std::move(result);
        error_.reset();
        failure_.clear();
        if (result_) post(std::move(lock));
        return;
    }
}

void Subscription::tell(const Error& error) {
    std::unique_lock lock(mutex_);
    if (stopped_ || failure_ == error.what()) return;
    failure_ = error.what();
    error_ = error;
    post(std::move(lock));
}

// --- telling ---

void Subscription::post(std::unique_lock<std::mutex> lock) {
    if (posted_) return;
    posted_ = true;
    const auto executor = options_.executor;
    lock.unlock();
    if (!executor) return deliver();
    try {
        executor([self = shared_from_this()] { self->deliver(); });
    } catch (const std::exception& error) {
        log_(error.what());
    }
}

// An executor may run the next task beside this one, or inside it: then this one goes on with it.
void Subscription::deliver() {
    std::unique_lock lock(mutex_);
    posted_ = false;
    if (calling_ != std::thread::id()) return;
    while (!stopped_ && (result_ || error_)) {
        const std::shared_ptr<const Pending> result = std::exchange(result_, nullptr);
        const std::optional<Error> error = std::exchange(error_, std::nullopt);
        if (result) shown_ = result->now;
        calling_ = std::this_thread::get_id();
        lock.unlock();
        call(result.get(), error);
        lock.lock();
        calling_ = std::thread::id();
    }
    returned_.notify_all();
    if (stopped_) let_go(std::move(lock));
}

void Subscription::call(const Pending* result, const std::optional<Error>& error) {
    try {
        if (result != nullptr) callback_(result->change);
        if (!error || is_stopped()) return;
        if (options_.on_error)
            options_.on_error(*error);
        else
            log_(error->what());
    } catch (const std::exception& thrown) {
        log_(thrown.what());
    }
}

void Subscription::stop() {
    std::unique_lock lock(mutex_);
    stopped_ = true;
    result_.reset();
    error_.reset();
    if (calling_ == std::this_thread::get_id()) return;
    returned_.wait(lock, [this] { return calling_ == std::thread::id(); });
    let_go(std::move(lock));
}

// What the callbacks hold may itself hold the Watch: it ends outside the lock.
void Subscription::let_go(std::unique_lock<std::mutex> lock) {
    const auto callback = std::exchange(callback_, nullptr);
    const auto options = std::exchange(options_, {});
    shown_.reset();
    lock.unlock();
}

bool Subscription::calls_here() const {
    const std::lock_guard lock(mutex_);
    return calling_ == std::this_thread::get_id();
}

}  // namespace tombolo::watch
