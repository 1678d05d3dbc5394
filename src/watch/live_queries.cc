#include "watch/live_queries.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "sqlite/rows.h"

namespace tombolo::watch {

namespace {

// A write to the log that was seen is looked after at growing pauses: its commit shows only when it is flushed, and an own one is told of.
constexpr int first_pause_ms = 2;
constexpr int last_pause_ms = 2048;
constexpr std::chrono::milliseconds blind_pause{limits::commit_poll / limits::millisecond};

}  // namespace

LiveQueries::LiveQueries(sqlite::Connection db, const std::string& path, std::shared_ptr<CommitBoard> board,
                         std::function<void(const std::string&)> log)
    : db_(std::move(db)), counter_(db_.handle()), board_(std::move(board)), log_(std::move(log)), signal_(path) {
    board_->use([this] { signal_.wake(); });
    seen_ = counter_.read().value_or(0);
    thread_ = std::thread([this] { run(); });
}

LiveQueries::~LiveQueries() { stop(); }

void LiveQueries::add(std::shared_ptr<Subscription> subscription) {
    const std::lock_guard lock(mutex_);
    all_.erase(std::remove_if(all_.begin(), all_.end(), [](const auto& one) { return one.expired(); }), all_.end());
    all_.push_back(subscription);
    new_.push_back(std::move(subscription));
    signal_.wake();
}

bool LiveQueries::calls_here() const {
    const std::lock_guard lock(mutex_);
    return std::any_of(all_.begin(), all_.end(), [](const auto& one) {
        const std::shared_ptr<Subscription> subscription = one.lock();
        return subscription != nullptr && subscription->calls_here();
    });
}

void LiveQueries::stop() {
    if (!thread_.joinable()) return;
    board_->stop_using();
    std::vector<std::weak_ptr<Subscription>> all;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        all = std::exchange(all_, {});
        new_.clear();
    }
    for (const auto& one : all) {
        if (const std::shared_ptr<Subscription> subscription = one.lock()) subscription->stop();
    }
    sqlite3_interrupt(db_.handle());
    signal_.wake();
    thread_.join();
    queries_.clear();
    db_.close();
}

// --- the thread ---

void LiveQueries::run() {
    while (true) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return;
        }
        try {
            look();
        } catch (const std::exception& error) {
            log_(error.what());
        }
        if (failed_ && pause_ms_ == 0) pause_ms_ = first_pause_ms;
        const bool listening = pause_ms_ != first_pause_ms;  // many writes in quick succession are one
        pace(signal_.wait(listening, pause_before_next()));
    }
}

std::optional<std::chrono::milliseconds> LiveQueries::pause_before_next() const {
    if (!signal_.sees_writes()) return blind_pause;
    return pause_ms_ != 0 ? std::optional(std::chrono::milliseconds(pause_ms_)) : std::nullopt;
}

void LiveQueries::pace(FileSignal::Cause cause) {
    if (cause == FileSignal::Cause::written) pause_ms_ = first_pause_ms;
    if (cause == FileSignal::Cause::timed_out) pause_ms_ = pause_ms_ < last_pause_ms ? 2 * pause_ms_ : 0;
}

void LiveQueries::look() {
    drop_stopped();
    const bool has_new = take_new();
    const std::optional<Touched> touched = committed();
    if (touched) mark(*touched);
    if (!touched && !has_new && !failed_) return;
    failed_ = true;
    std::vector<Outcome> outcomes;
    {
        const sqlite::ReadTransaction reading(db_);
        compile_anew_if_schema_changed();
        outcomes = run_due();
    }
    failed_ = std::any_of(queries_.begin(), queries_.end(), [](const auto& query) { return query->due; });
    for (const Outcome& outcome : outcomes) {
        if (outcome.error)
            outcome.subscription->tell(*outcome.error);
        else
            outcome.subscription->tell(outcome.rows);
    }
}

bool LiveQueries::take_new() {
    const std::lock_guard lock(mutex_);
    const bool any = !new_.empty();
    for (std::shared_ptr<Subscription>& subscription : new_)
        queries_.push_back(std::make_unique<Query>(Query{std::move(subscription), {}, true}));
    new_.clear();
    return any;
}

void LiveQueries::drop_stopped() {
    const auto gone = [](const std::unique_ptr<Query>& query) { return query->subscription->is_stopped(); };
    const auto end = std::remove_if(queries_.begin(), queries_.end(), gone);
    if (end == queries_.end()) return;
    queries_.erase(end, queries_.end());
    index();
}

// Nothing: nobody committed.
std::optional<Touched> LiveQueries::committed() {
    if (const std::optional<uint32_t> now = counter_.read()) {
        const uint32_t before = seen_;
        Touched touched = board_->look(seen_, *now);
        return seen_ != before ? std::optional(std::move(touched)) : std::nullopt;
    }
    const int64_t version = db_.query_integer("PRAGMA data_version");
    return std::exchange(data_version_, version) != version ? std::optional(Touched{true, {}}) : std::nullopt;
}

void LiveQueries::mark(const Touched& touched) {
    if (touched.anything) {
        for (const auto& query : queries_)
            query->due = true;
    }
    for (Query* query : reads_everything_)
        query->due = true;
    for (const std::string& table : touched.tables) {
        const auto readers = readers_.find(table);
        if (readers == readers_.end()) continue;
        for (Query* query : readers->second)
            query->due = true;
    }
}

// A view may read other tables now, and a table may be gone.
void LiveQueries::compile_anew_if_schema_changed() {
    const int64_t version = db_.query_integer("PRAGMA schema_version");
    if (std::exchange(schema_version_, version) == version) return;
    for (const auto& query : queries_) {
        query->prepared = {};
        query->due = true;
    }
}

std::vector<LiveQueries::Outcome> LiveQueries::run_due() {
    std::vector<Outcome> outcomes;
    bool compiled = false;
    for (const auto& query : queries_) {
        if (!query->due) continue;
        compiled = compiled || !query->prepared.statement;
        outcomes.push_back(run(*query));
    }
    if (compiled) index();
    return outcomes;
}

LiveQueries::Outcome LiveQueries::run(Query& query) {
    const Question& question = query.subscription->question();
    Outcome outcome{query.subscription, nullptr, std::nullopt};
    query.due = false;
    try {
        if (!query.prepared.statement) query.prepared = prepare_query(db_, question.sql);
        const sqlite::ResetGuard guard(query.prepared.statement);
        sqlite::bind_all(query.prepared.statement, question.parameters);
        outcome.rows = std::make_shared<const Rows>(sqlite::read_rows(query.prepared.statement));
    } catch (const Error& error) {
        query.due = error.code() == ErrorCode::busy;  // once more, soon
        outcome.error = error;
    }
    return outcome;
}

void LiveQueries::index() {
    readers_.clear();
    reads_everything_.clear();
    std::unordered_set<std::string> interest;
    for (const auto& query : queries_) {
        if (query->prepared.tables.everything) reads_everything_.push_back(query.get());
        for (const std::string& table : query->prepared.tables.names) {
            readers_[table].push_back(query.get());
            interest.insert(table);
        }
    }
    if (reads_everything_.empty())
        board_->set_interest(std::move(interest));
    else
        board_->set_interest_in_everything();
}

}  // namespace tombolo::watch
