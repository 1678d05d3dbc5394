#include "client/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "client/device_file.h"
#include "client/log.h"
#include "client/rejections.h"
#include "device/capture.h"
#include "device/inbox.h"
#include "device/outbox.h"
#include "device/replica.h"
#include "device/retired.h"
#include "network/url.h"
#include "sqlite/rows.h"

namespace tombolo::client {

namespace {

constexpr size_t decisions_max = 4096;  // older ones are found in the file
constexpr std::chrono::microseconds file_poll{limits::commit_poll};

// Resets when the scope ends: an error inside must not leave a read transaction open on a cached statement.
Rows run_statement(sqlite::Connection& db, DropGuard& guard, std::string_view sql, const std::vector<Value>& arguments) {
    guard.forget();
    sqlite::Statement statement = db.prepare(sql);
    guard.check(db);
    if (!statement) throw Error(ErrorCode::usage, "the statement is empty");
    sqlite::bind_all(statement, arguments);
    return sqlite::read_rows(statement);
}

std::optional<Decision> verdict_in_file(sqlite::Connection& db, uint64_t number) {
    if (const std::optional<device::Retired> retired = device::RetiredNumbers(db).find({number})) {
        Decision decision = to_decision(retired->verdict);
        decision.retried_as = retired->retried_as.value;
        decision.by = retired->by.value_or("");
        return decision;
    }
    sqlite::Statement& ask = db.cached(
        "SELECT verdict FROM tombolo_outbox WHERE number = ?1 AND verdict IS NOT NULL"
        " UNION ALL SELECT verdict FROM tombolo_verdict WHERE number = ?1");
    const sqlite::ResetGuard guard(ask);
    Verdict verdict;
    if (!ask.with(number).step() || !device::decode_verdict(ask.blob(0), verdict)) return std::nullopt;
    return to_decision(verdict);
}

Key key_of(const KeySource& source) {
    if (const auto* key = std::get_if<Key>(&source)) return *key;
    const auto& fetch = std::get<std::function<Key()>>(source);
    return fetch ? fetch() : Key();
}

// The hub of a session: what the options name, or what the file has; they must agree.
void choose_hub(const DeviceFile& file, const SessionOptions& options, std::chrono::milliseconds busy_timeout) {
    device::Replica replica(open_device_file(file, busy_timeout), system_capture_world());
    if (!options.hub.empty()) {
        const network::HubUrl url = network::parse_hub_url(options.hub);
        replica.set_hub(hub_address(url), url.space, std::nullopt);
    } else if (!replica.record().hub) {
        throw Error(ErrorCode::usage, "this device has no hub yet", "name one: SessionOptions::hub, or 'tombolo init DEVICE --hub ws://HOST:PORT'");
    }
}

// Names of transactions as the file knows them once the log is frozen: pending and rejected ones in the outbox, others as verdicts.
struct Name {
    uint64_t number = 0;
    std::string id;
};
template <typename Matches>
std::optional<Name> find_name(sqlite::Connection& db, const Matches& matches) {
    std::optional<Name> found;
    const Schema none;
    device::Outbox(db, none).for_each([&](const device::Entry& entry) {
        Name name{entry.header.number.value, to_hex(entry.header.id.view())};
        if (matches(name)) found = std::move(name);
    });
    sqlite::Statement list = db.prepare("SELECT verdict FROM tombolo_verdict");
    Verdict verdict;
    while (!found && list.step()) {
        if (!device::decode_verdict(list.blob(0), verdict)) continue;
        Name name{verdict.number.value, to_hex(verdict.id.view())};
        if (matches(name)) found = std::move(name);
    }
    return found;
}

}  // namespace

// --- the write lock ---

Core::Writing::Writing(Core& core) : core_(core) {
    if (core_.writing_thread_.load() == std::this_thread::get_id()) {
        throw Error(ErrorCode::usage, "a write was started inside another one", "use the Transaction that write() gives");
    }
    if (!core_.write_mutex_.try_lock_for(core_.busy_timeout_)) {
        throw Error(ErrorCode::busy, "another thread was writing for longer than the busy timeout", "write less at once, or wait longer");
    }
    core_.writing_thread_ = std::this_thread::get_id();
    if (core_.write_db_) {
        core_.write_reporter_.follow(core_.write_db_, core_.board_);
        return;
    }
    core_.writing_thread_ = std::thread::id();
    core_.write_mutex_.unlock();
    core_.require_open();
}

Core::Writing::~Writing() {
    core_.write_reporter_.settle();
    core_.writing_thread_ = std::thread::id();
    core_.write_mutex_.unlock();
}

// --- the file ---

Core::Core(std::string path, const DatabaseOptions& options) : file_(std::move(path), key_of(options.key)), busy_timeout_(options.busy_timeout) {
    if (options.create) make_device_file(file_, busy_timeout_);
    write_db_ = open_device_file(file_, busy_timeout_);
    drop_guard_.watch(write_db_);
    read_db_ = open_device_file(file_, busy_timeout_);
    read_db_.execute("PRAGMA query_only = ON");
    set_checkpoints(read_db_, false);
}

void Core::require_open() const {
    const std::lock_guard lock(mutex_);
    if (closed_) throw Error(ErrorCode::closed, "the database was closed", "open it again");
}

sqlite::Connection& Core::writer() {
    if (writing_thread_.load() != std::this_thread::get_id()) throw Error(ErrorCode::usage, "a Transaction was used outside its write()");
    return write_db_;
}

uint64_t Core::newest_number() {
    const std::lock_guard lock(read_mutex_);
    if (!read_db_) require_open();
    const Schema none;
    return device::Outbox(read_db_, none).last().first.value;
}

Receipt Core::write(const std::function<void(Transaction&)>& work) {
    device::CapturedTransaction before;
    device::CapturedTransaction after;
    {
        const Writing writing(*this);
        sqlite::WriteTransaction transaction(write_db_);
        before = device::newest_captured(write_db_.handle());
        Transaction handle(*this);
        work(handle);
        if (!write_db_.in_transaction())
            throw Error(ErrorCode::usage, "the transaction was ended inside write()", "leave COMMIT and ROLLBACK to write()");
        transaction.commit();
        after = device::newest_captured(write_db_.handle());
    }
    committed();
    if (after.number == before.number) return Receipt(shared_from_this(), 0, {});
    return Receipt(shared_from_this(), after.number, to_hex(after.id.view()));
}

int64_t Core::exec_in_write(std::string_view sql, const std::vector<Value>& arguments) {
    const int64_t before = sqlite3_total_changes64(writer().handle());
    run_statement(write_db_, drop_guard_, sql, arguments);
    return sqlite3_total_changes64(write_db_.handle()) == before ? 0 : write_db_.changes();
}

Rows Core::query_in_write(std::string_view sql, const std::vector<Value>& arguments) { return run_statement(writer(), drop_guard_, sql, arguments); }

int64_t Core::exec(std::string_view sql, const std::vector<Value>& arguments) {
    int64_t changed = 0;
    {
        const Writing writing(*this);
        changed = exec_in_write(sql, arguments);
        if (write_db_.in_transaction()) {
            write_db_.execute("ROLLBACK");
            throw Error(ErrorCode::usage, "a transaction was begun outside write()", "use write() for more than one statement");
        }
    }
    committed();
    return changed;
}

Rows Core::query(std::string_view sql, const std::vector<Value>& arguments) {
    {
        const std::lock_guard lock(read_mutex_);
        if (!read_db_) require_open();
        sqlite::Statement statement = read_db_.prepare(sql);
        if (!statement) throw Error(ErrorCode::usage, "the statement is empty");
        if (sqlite3_stmt_readonly(statement.handle()) != 0) {
            sqlite::bind_all(statement, arguments);
            return sqlite::read_rows(statement);
        }
    }
    Rows rows;
    {
        const Writing writing(*this);
        rows = run_statement(write_db_, drop_guard_, sql, arguments);
    }
    committed();
    return rows;
}

// --- live queries ---

namespace {
void log_of_live_queries(const std::string& what) { log(LogLevel::error, "a live query: {}", what); }
}  // namespace

// Said at once to whoever asks, not later on another thread.
void Core::check_question(const watch::Question& question) {
    const std::lock_guard lock(read_mutex_);
    if (!read_db_) require_open();
    watch::PreparedQuery query = watch::prepare_query(read_db_, question.sql);
    sqlite::bind_all(query.statement, question.parameters);
    if (!question.key) return;
    const std::vector<std::string> columns = sqlite::column_names(query.statement);
    for (const std::string& name : *question.key) {
        if (std::find(columns.begin(), columns.end(), name) == columns.end())
            throw Error(ErrorCode::usage, fmt::format("the live query has no column {} to know its rows by", name));
    }
    if (question.key->empty()) throw Error(ErrorCode::usage, "a live query tells changes of rows that have a key", "name its columns");
}

std::shared_ptr<watch::LiveQueries> Core::live_queries() {
    const std::lock_guard lock(mutex_);
    if (closed_) throw Error(ErrorCode::closed, "the database was closed", "open it again");
    if (live_queries_ == nullptr) {
        sqlite::Connection db = open_device_file(file_, busy_timeout_);
        db.execute("PRAGMA query_only = ON");
        set_checkpoints(db, false);
        live_queries_ = std::make_shared<watch::LiveQueries>(std::move(db), file_.path, board_, log_of_live_queries);
    }
    return live_queries_;
}

Watch Core::watch(watch::Question question, std::function<void(const RowsChange&)> callback, WatchOptions options) {
    check_question(question);
    auto subscription = std::make_shared<watch::Subscription>(std::move(question), std::move(callback), std::move(options), log_of_live_queries);
    live_queries()->add(subscription);
    return Watch(std::move(subscription));
}

// --- conflicts ---

namespace {
Conflict require_conflict(sqlite::Connection& db, std::string_view id) {
    std::optional<Conflict> conflict = device::find_conflict(db, id);
    if (!conflict) throw Error(ErrorCode::not_found, fmt::format("there is no conflict {}", id), "see them with 'tombolo conflicts DEVICE list'");
    return *std::move(conflict);
}
}  // namespace

std::vector<Conflict> Core::conflicts(bool resolved) {
    const std::lock_guard lock(read_mutex_);
    if (!read_db_) require_open();
    const sqlite::ReadTransaction reading(read_db_);
    return device::list_conflicts(read_db_, resolved);
}

Conflict Core::conflict(std::string_view id) {
    const std::lock_guard lock(read_mutex_);
    if (!read_db_) require_open();
    const sqlite::ReadTransaction reading(read_db_);
    return require_conflict(read_db_, id);
}

// Looks and writes in one transaction: no checkpoint comes between.
template <typename Settle>
Receipt Core::settle(std::string_view id, const Settle& settle) {
    return write([&](Transaction&) { settle(require_conflict(write_db_, id)); });
}

Receipt Core::resolve(std::string_view id, Take take) {
    return settle(id, [&](const Conflict& conflict) { device::resolve_conflict(write_db_, conflict, take, system_clock().wall()); });
}

Receipt Core::resolve(std::string_view id, const NamedRow& values) {
    return settle(id, [&](const Conflict& conflict) { device::resolve_conflict(write_db_, conflict, values); });
}

Receipt Core::dismiss(std::string_view id) {
    return settle(id, [&](const Conflict& conflict) { device::dismiss_conflict(write_db_, conflict, system_clock().wall()); });
}

// --- rejections ---

std::vector<Rejection> Core::rejections() {
    require_open();
    device::Replica replica(open_device_file_read_only(file_), system_capture_world());
    return read_rejections(replica);
}

Receipt Core::retry(uint64_t number, const std::vector<Correction>& corrections) {
    uint64_t now = 0;
    std::string id;
    {
        const Writing writing(*this);
        device::Replica replica(open_device_file(file_, busy_timeout_), system_capture_world());
        now = replica.retry({number}, corrections).value;
        id = to_hex(replica.outbox().find({now})->header.id.view());
    }
    committed();
    return Receipt(shared_from_this(), now, id);
}

void Core::discard(uint64_t number, const DiscardOptions& options) {
    {
        const Writing writing(*this);
        device::Replica replica(open_device_file(file_, busy_timeout_), system_capture_world());
        replica.discard({number}, options.with_dependants, options.by.empty() ? std::nullopt : std::optional(options.by));
    }
    committed();
}

void Core::sync_tables(const std::vector<std::string>& names) {
    const Writing writing(*this);
    device::Replica(open_device_file(file_, busy_timeout_), system_capture_world()).sync_tables(names);
}

void Core::committed() {
    if (const std::shared_ptr<Runner> session = runner()) session->local_commit();
}

// --- the session ---

std::shared_ptr<Runner> Core::runner() const {
    const std::lock_guard lock(mutex_);
    return runner_.lock();
}

std::shared_ptr<Runner> Core::connect(const SessionOptions& options) {
    require_open();
    if (runner() != nullptr) throw Error(ErrorCode::usage, "this Database has a session already", "stop it before connecting anew");
    {
        const Writing writing(*this);
        choose_hub(file_, options, busy_timeout_);
        set_checkpoints(write_db_, false);  // the session's connection does it
    }
    auto session = std::make_shared<Runner>(file_, options, [weak = weak_from_this()](const Decision& decision) {
        if (const std::shared_ptr<Core> core = weak.lock()) core->heard(decision);
    });
    session->report_commits_to(board_);
    session->on_look([weak = weak_from_this()] {
        if (const std::shared_ptr<Core> core = weak.lock()) core->look_for_watched();
    });
    {
        const std::lock_guard lock(mutex_);
        runner_ = session;
    }
    session->start();
    return session;
}

void Core::disconnect(Runner& session) {
    session.stop();
    {
        const std::lock_guard lock(mutex_);
        if (runner_.lock().get() == &session) runner_.reset();
        if (closed_) return;
    }
    const Writing writing(*this);
    set_checkpoints(write_db_, true);
}

Status Core::status() const {
    require_open();
    return read_status(file_);
}

void Core::close() {
    std::shared_ptr<Runner> session;
    std::shared_ptr<watch::LiveQueries> live_queries;
    {
        const std::lock_guard lock(mutex_);
        if (live_queries_ != nullptr && live_queries_->calls_here())
            throw Error(ErrorCode::usage, "a database cannot be closed from the callback of a live query", "close it from another thread");
        closed_ = true;
        live_queries = live_queries_;
        watchers_.clear();
        session = runner_.lock();
        decided_.notify_all();
    }
    if (session != nullptr) session->stop();
    if (live_queries != nullptr) live_queries->stop();
    {
        const std::lock_guard lock(read_mutex_);
        read_db_.close();
    }
    const std::lock_guard lock(write_mutex_);
    write_reporter_.detach();
    write_db_.close();
}

// --- receipts ---

void Core::heard(const Decision& decision) {
    {
        const std::lock_guard lock(mutex_);
        decisions_[decision.number] = decision;
        if (decisions_.size() > decisions_max) decisions_.erase(decisions_.begin());
        decided_.notify_all();
    }
    tell_watchers(decision);
}

void Core::tell_watchers(const Decision& decision) {
    std::vector<Watcher> due;
    {
        const std::lock_guard lock(mutex_);
        const auto found = watchers_.find(decision.number);
        if (found == watchers_.end()) return;
        due = std::move(found->second);
        watchers_.erase(found);
    }
    for (const Watcher& watcher : due) {
        if (watcher.id != decision.id) continue;
        try {
            watcher.call(decision);
        } catch (const std::exception& error) {
            log(LogLevel::error, "a callback threw: {}", error.what());
        }
    }
}

// Verdicts that the session of another process brought.
void Core::look_for_watched() {
    std::vector<std::pair<uint64_t, std::string>> wanted;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [number, watchers] : watchers_)
            wanted.emplace_back(number, watchers.front().id);
    }
    for (const auto& [number, id] : wanted) {
        if (const std::optional<Decision> decision = verdict(number, id)) tell_watchers(*decision);
    }
}

// Known already or told meanwhile: whoever takes the watcher out calls it.
void Core::on_verdict(uint64_t number, const std::string& id, std::function<void(const Decision&)> callback) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) throw Error(ErrorCode::closed, "the database was closed", "open it again; the receipt is found by its number");
        watchers_[number].push_back({id, std::move(callback)});
    }
    if (const std::optional<Decision> decision = verdict(number, id)) tell_watchers(*decision);
}

Receipt Core::receipt(uint64_t number) {
    return receipt_of(fmt::format("{}", number), [&](const auto& name) { return name.number == number; });
}

Receipt Core::receipt(std::string_view id) {
    return receipt_of(id, [&](const auto& name) { return name.id == id; });
}

template <typename Matches>
Receipt Core::receipt_of(std::string_view wanted, const Matches& matches) {
    const Writing writing(*this);
    device::Replica replica(open_device_file(file_, busy_timeout_), system_capture_world());
    if (!replica.outbox().log_is_empty()) {
        sqlite::WriteTransaction transaction(replica.db());
        replica.outbox().freeze();
        transaction.commit();
    }
    const std::optional<Name> name = find_name(replica.db(), matches);
    if (!name) throw Error(ErrorCode::not_found, fmt::format("this device has no transaction {}, or has forgotten it", wanted));
    return Receipt(shared_from_this(), name->number, name->id);
}

std::optional<Decision> Core::known(uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto found = decisions_.find(number);
    return found != decisions_.end() ? std::optional(found->second) : std::nullopt;
}

std::optional<Decision> Core::verdict(uint64_t number, const std::string& id) {
    std::optional<Decision> decision = known(number);
    if (!decision || decision->verdict == VerdictKind::rejected) {  // what became of a rejection is in the file
        const std::lock_guard lock(read_mutex_);
        if (!read_db_) require_open();
        if (std::optional<Decision> in_file = verdict_in_file(read_db_, number)) decision = std::move(in_file);
    }
    return decision && decision->id == id ? decision : std::nullopt;
}

// A session of this process wakes us; what the session of another process does shows in the file.
std::optional<Decision> Core::wait(uint64_t number, const std::string& id, std::chrono::milliseconds timeout) {
    if (const std::shared_ptr<Runner> session = runner(); session != nullptr && session->on_own_thread()) {
        throw Error(ErrorCode::usage, "a callback of the session cannot wait for a verdict", "use on_verdict, or wait on another thread");
    }
    const auto until = std::chrono::steady_clock::now() + timeout;
    while (true) {
        if (std::optional<Decision> decision = verdict(number, id)) return decision;
        std::unique_lock lock(mutex_);
        if (closed_) throw Error(ErrorCode::closed, "the database was closed", "open it again; the receipt is found by its number");
        const auto now = std::chrono::steady_clock::now();
        if (now >= until) return std::nullopt;
        if (decisions_.count(number) != 0) continue;  // heard between the look and the lock
        decided_.wait_until(lock, std::min(until, now + file_poll));
    }
}

}  // namespace tombolo::client
