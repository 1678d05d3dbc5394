#include "client/runner.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "client/device_file.h"
#include "client/log.h"
#include "device/inbox.h"
#include "model/conflict_table.h"

namespace tombolo::client {

namespace {

constexpr int64_t stand_by_pause = 100 * limits::millisecond;  // how soon the end of another holder is seen
constexpr int64_t broken_pause = 1 * limits::second;           // a full disk or a damaged file seldom mends sooner

ErrorCode code_named(std::string_view text) {
    for (int code = 1; code <= static_cast<int>(ErrorCode::wrong_key); ++code) {
        if (to_string(static_cast<ErrorCode>(code)) == text) return static_cast<ErrorCode>(code);
    }
    return ErrorCode::internal;
}

Error too_late(const Status& status, std::chrono::milliseconds timeout) {
    const double seconds = static_cast<double>(timeout.count()) / 1000.0;
    const bool connected = status.state == SessionState::syncing || status.state == SessionState::live;
    if (!connected && status.last_error) {
        return Error(code_named(status.last_error->code), fmt::format("{} (tried for {:g} s)", status.last_error->message, seconds),
                     fmt::format("check that the hub at {} runs and can be reached; what is pending stays queued", status.hub));
    }
    return Error(ErrorCode::timed_out, fmt::format("not everything was synced after {:g} s: {}", seconds, status.cause),
                 "give it more time; what was done stays done, and the rest stays queued");
}

}  // namespace

Decision to_decision(const Verdict& verdict) {
    Decision decision;
    decision.number = verdict.number.value;
    decision.id = to_hex(verdict.id.view());
    decision.verdict = verdict.kind;
    decision.code = verdict.code;
    decision.reason = verdict.reason;
    decision.seq = verdict.seq.value;
    for (const CellNote& note : verdict.cells) {
        MergedCell cell{note.table, {}, std::nullopt, note.fate, note.other == SiteId{} ? "" : to_hex(note.other.view()), note.conflict};
        read_named_row(note.key, cell.key);
        if (!note.column.empty()) cell.column = note.column;
        decision.cells.push_back(std::move(cell));
    }
    decision.cells_in_all = verdict.cells_in_all;
    return decision;
}

Runner::Runner(DeviceFile file, SessionOptions options, std::function<void(const Decision&)> decided)
    : file_(std::move(file)), path_(file_.path), options_(std::move(options)), decided_(std::move(decided)), retry_timer_(loop_) {
    wishes_.policy = options_.policy;
}

Runner::~Runner() { stop(); }

void Runner::start() {
    status_ = read_status(file_);
    thread_ = std::thread([this] { run(); });
}

void Runner::run() {
    loop_.post([this] { take_or_stand_by(); });
    loop_.run();
    held_.reset();
    waiter_.reset();
}

void Runner::stop() {
    if (!thread_.joinable()) return;
    if (on_own_thread()) throw Error(ErrorCode::usage, "a session cannot be stopped from its own callback", "stop it from another thread");
    loop_.post([this] {
        retry_timer_.cancel();
        if (held_ != nullptr) held_->stop();
        fail_goals(Error(ErrorCode::closed, "the session was stopped"));
        loop_.stop();
    });
    thread_.join();
}

void Runner::local_commit() {
    loop_.post([this] {
        if (held_ != nullptr) held_->local_commit();
    });
}

void Runner::pause() {
    loop_.post([this] {
        wishes_.paused = true;
        wishes_.asked = false;
        if (held_ != nullptr) held_->pause();
    });
}

void Runner::resume() {
    loop_.post([this] {
        wishes_.paused = false;
        if (held_ != nullptr) held_->resume();
    });
}

void Runner::sync_now() {
    loop_.post([this] {
        wishes_.asked = held_ == nullptr;
        if (held_ != nullptr) held_->sync_now();
    });
}

void Runner::set_network_hint(const NetworkHint& hint) {
    loop_.post([this, hint] {
        wishes_.hint = hint;
        if (held_ != nullptr) held_->set_hint(hint);
    });
}

Status Runner::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

void Runner::on_status(std::function<void(const Status&)> callback) {
    {
        const std::lock_guard lock(mutex_);
        on_status_ = callback;
    }
    loop_.post([this, callback = std::move(callback)] { call(callback, status()); });
}

void Runner::on_verdict(std::function<void(const Decision&)> callback) {
    const std::lock_guard lock(mutex_);
    on_verdict_ = std::move(callback);
}

void Runner::on_conflict(std::function<void(const Conflict&)> callback) {
    {
        const std::lock_guard lock(mutex_);
        on_conflict_ = std::move(callback);
    }
    loop_.post([this] {
        looked_at_.reset();
        told_conflicts_.clear();
        look_for_conflicts(status());
    });
}

void Runner::sync_once(uint64_t number, std::chrono::milliseconds timeout) {
    if (on_own_thread()) throw Error(ErrorCode::usage, "a session cannot wait for itself in its own callback", "call sync_once from another thread");
    if (!thread_.joinable()) throw Error(ErrorCode::closed, "the session was stopped");
    const auto goal = std::make_shared<Goal>();
    goal->number = number;
    goal->asked_at = system_clock().boot();
    std::future<std::optional<Error>> result = goal->result.get_future();
    loop_.post([this, goal] { pursue(goal); });
    if (result.wait_for(timeout) != std::future_status::ready) throw too_late(status(), timeout);
    if (const std::optional<Error> error = result.get()) throw *error;
}

device::VerifyResult Runner::verify(uint64_t number, std::chrono::milliseconds timeout) {
    const SessionNeed need = need_session(std::chrono::steady_clock::now() + timeout);
    loop_.post([this] { needed_ = true; });
    sync_once(number, timeout);
    const auto answer = std::make_shared<std::promise<device::VerifyResult>>();
    std::future<device::VerifyResult> result = answer->get_future();
    loop_.post([this, answer] {
        verifying_ = answer;
        if (held_ != nullptr) held_->verify();
    });
    const bool answered = result.wait_for(timeout) == std::future_status::ready;
    loop_.post([this] {
        verifying_.reset();
        needed_ = false;
    });
    if (!answered) throw too_late(status(), timeout);
    return result.get();
}

// Other verifications of this device take turns.
SessionNeed Runner::need_session(std::chrono::steady_clock::time_point until) {
    while (true) {
        if (std::optional<SessionNeed> need = SessionNeed::try_need(path_)) return *std::move(need);
        if (std::chrono::steady_clock::now() >= until)
            throw Error(ErrorCode::busy, "another process is verifying this device", "ask again when it has ended");
        std::this_thread::sleep_for(std::chrono::microseconds(stand_by_pause));
    }
}

// --- on the loop ---

void Runner::take_or_stand_by() {
    try {
        if (look_) look_();
        std::optional<SessionLock> lock = SessionLock::try_hold(path_, needed_);
        if (!lock) {
            stand_by(told_by_holder(path_));
            return;
        }
        other_.reset();
        waiter_.reset();
        HeldSessionListener& self = *this;
        held_ = std::make_unique<HeldSession>(loop_, *std::move(lock), file_, options_, self);
        held_->report_commits_to(board_);
        held_->start(wishes_);
        if (verifying_ != nullptr) held_->verify();
        on_progress();
    } catch (const Error& error) {
        held_.reset();
        try_again_later(error);
    }
}

void Runner::stand_by(const std::optional<Told>& told) {
    retry_timer_.start(stand_by_pause, [this] { take_or_stand_by(); });
    if (!told) return;  // it ended just now
    other_ = told;
    if (waiter_ == nullptr && !goals_.empty()) waiter_ = std::make_unique<SessionWaiter>(path_);
    adopt(told->status);
    check_goals();
}

void Runner::try_again_later(const Error& why) {
    log(LogLevel::error, "{}: {}", path_, why.what());
    Status status = this->status();
    status.state = SessionState::error;
    status.state_since = system_clock().wall();
    status.cause = why.what();
    status.last_error = LastError{std::string(to_string(why.code())), why.what(), system_clock().wall()};
    adopt(std::move(status));
    fail_goals(why);
    retry_timer_.start(broken_pause, [this] { take_or_stand_by(); });
}

void Runner::on_progress() {
    if (held_ == nullptr) return;  // while it is being made
    adopt(held_->status());
    check_goals();
}

// A rejection is told when it is listed: somebody may want to deal with it at once.
void Runner::on_decided(const Verdict& verdict, bool covered) {
    const uint64_t number = verdict.number.value;
    if (covered && told_.erase(number) != 0) return;
    if (!covered && (verdict.kind == VerdictKind::rejected || !told_.insert(number).second)) return;
    const Decision decision = to_decision(verdict);
    decided_(decision);
    std::unique_lock lock(mutex_);
    const auto callback = on_verdict_;
    lock.unlock();
    call(callback, decision);
}

// We are inside the session's own call.
void Runner::on_broken(const Error& why) {
    loop_.post([this, why] {
        held_.reset();
        try_again_later(why);
    });
}

// We are inside the session's own call.
void Runner::on_needed_elsewhere() {
    if (needed_) return;
    loop_.post([this] {
        if (held_ == nullptr) return;
        held_->stop();
        held_.reset();
        take_or_stand_by();
    });
}

void Runner::on_verified(const device::VerifyResult& result) {
    if (const auto answer = std::exchange(verifying_, nullptr)) answer->set_value(result);
}

void Runner::adopt(Status status) {
    std::unique_lock lock(mutex_);
    if (status == status_) return;
    status_ = status;
    const auto callback = on_status_;
    lock.unlock();
    call(callback, status);
    look_for_conflicts(status);
}

// The list changes with a checkpoint, and with what this device decides.
void Runner::look_for_conflicts(const Status& status) {
    std::unique_lock lock(mutex_);
    const auto callback = on_conflict_;
    lock.unlock();
    const std::pair<uint64_t, int64_t> state(status.cursor, status.conflicts);
    if (!callback || looked_at_ == state) return;
    looked_at_ = state;
    if (status.conflicts == 0) return;
    std::vector<Conflict> open;
    try {
        sqlite::Connection db = open_device_file_read_only(file_);
        open = device::list_conflicts(db, false);
    } catch (const Error& error) {
        log(LogLevel::error, "reading the conflicts of {}: {}", path_, error.what());
        looked_at_.reset();
    }
    for (const Conflict& conflict : open) {
        if (told_conflicts_.insert(conflict.id).second) call(callback, conflict);
    }
}

template <typename Callback, typename Argument>
void Runner::call(const Callback& callback, const Argument& argument) {
    if (!callback) return;
    try {
        callback(argument);
    } catch (const std::exception& error) {
        log(LogLevel::error, "a callback threw: {}", error.what());
    }
}

// --- goals ---

void Runner::pursue(std::shared_ptr<Goal> goal) {
    goals_.emplace_back(goal);
    if (held_ != nullptr) {
        goal->attempts_before = held_->attempts_ended();
        held_->sync_now();
    }
    check_goals();
}

void Runner::check_goals() {
    if (goals_.empty()) return;
    std::vector<std::weak_ptr<Goal>> open;
    for (const std::weak_ptr<Goal>& weak : goals_) {
        const std::shared_ptr<Goal> goal = weak.lock();
        if (goal == nullptr) continue;
        if (reached(*goal)) {
            goal->result.set_value(std::nullopt);
        } else if (const std::optional<Error> error = hopeless(*goal)) {
            goal->result.set_value(error);
        } else {
            open.push_back(weak);
        }
    }
    goals_ = std::move(open);
    if (goals_.empty()) waiter_.reset();
}

bool Runner::reached(const Goal& goal) {
    const BootTime complete = held_ != nullptr ? held_->complete_as_of() : other_ ? other_->complete_as_of : -1;
    if (complete < goal.asked_at) return false;
    if (held_ != nullptr) return held_->all_decided(goal.number);
    sqlite::Connection db = open_device_file_read_only(file_);
    return all_decided(db, goal.number);
}

// What no retry mends is not waited for.
std::optional<Error> Runner::hopeless(const Goal& goal) {
    if (held_ != nullptr) return held_->attempts_ended() > goal.attempts_before ? held_->standing_error() : std::nullopt;
    if (!other_ || !other_->status.last_error) return std::nullopt;
    const SessionState state = other_->status.state;
    if (state != SessionState::needs_auth && state != SessionState::error) return std::nullopt;
    return Error(code_named(other_->status.last_error->code), other_->status.last_error->message);
}

void Runner::fail_goals(const Error& why) {
    for (const std::weak_ptr<Goal>& weak : goals_) {
        if (const std::shared_ptr<Goal> goal = weak.lock()) goal->result.set_value(why);
    }
    goals_.clear();
}

}  // namespace tombolo::client
