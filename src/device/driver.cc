#include "device/driver.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/limits.h"
#include "device/inbox.h"

namespace tombolo::device {

namespace {

constexpr BootTime never = INT64_MAX;
constexpr int64_t recount_freely_below = 64;                    // pending transactions: counted at every change
constexpr int64_t recount_interval = 50 * limits::millisecond;  // above

// Errors that no retry mends: a person has to act. The device still tries again, slowly, for the person may act at the hub.
bool needs_a_person(ErrorCode code) {
    switch (code) {
        case ErrorCode::needs_auth:
        case ErrorCode::wrong_hub:
        case ErrorCode::schema:
        case ErrorCode::diverged_copy:
        case ErrorCode::not_found:
        case ErrorCode::protocol:
        case ErrorCode::too_new:
        case ErrorCode::unsupported:
        case ErrorCode::disk_full:
        case ErrorCode::read_only:
        case ErrorCode::corrupt: return true;
        default: return false;
    }
}

}  // namespace

Driver::Driver(Replica& replica, world::Clock& clock, world::Random& random, std::function<std::string()> token)
    : replica_(replica), clock_(clock), random_(random), token_(std::move(token)) {
    const DeviceRecord record = replica_.record();
    status_.site = to_hex(record.site.view());
    status_.state_since = clock_.wall();
    status_.cause = "not started";
    update_status();
}

Driver::Phase Driver::phase() const {
    if (!running_) return Phase::stopped;
    if (session_ != nullptr) return session_->welcomed() ? Phase::talking : Phase::trying;
    return allowed() ? Phase::waiting : Phase::held;
}

bool Driver::allowed() const {
    if (asked_) return true;
    if (paused_) return false;
    return policy_ == SyncPolicy::always || (policy_ == SyncPolicy::unmetered && evidence_.metered() != true);
}

std::string Driver::why_held() const {
    if (paused_) return "paused by the application";
    return policy_ == SyncPolicy::manually ? "syncs when asked to" : "waits for a network that is not metered";
}

// --- events: the application's ---

void Driver::start() {
    running_ = true;
    failures_ = 0;
    after_event();
}

void Driver::stop() {
    running_ = asked_ = false;
    retry_at_ = 0;
    close_session();
    set_state(SessionState::offline, "stopped");
    after_event();
}

void Driver::set_policy(SyncPolicy policy) {
    policy_ = policy;
    after_event();
}

void Driver::pause() {
    paused_ = true;
    asked_ = false;
    after_event();
}

void Driver::resume() {
    paused_ = false;
    after_event();
}

void Driver::sync_now() {
    asked_ = true;
    if (running_) retry_now();
    if (session_ != nullptr) session_->prove();
    after_event();
}

void Driver::local_commit() {
    if (session_ != nullptr) session_->local_commit();
    counts_are_old_ = true;
    after_event();
}

void Driver::prove() {
    if (session_ != nullptr) session_->prove();
    after_event();
}

void Driver::verify() {
    if (session_ != nullptr) session_->verify();
    after_event();
}

// --- events: the network's ---

void Driver::network_signal(world::SignalSource source, const world::NetworkSignal& signal) {
    const BootTime now = clock_.boot();
    const Prompt prompt = evidence_.heard(source, signal, now);
    if (prompt == Prompt::retry && running_ && allowed() && now >= not_before_) {
        failures_ = 0;
        retry_now();
    }
    if (prompt != Prompt::nothing && session_ != nullptr) session_->prove();
    after_event();
}

void Driver::network_came_up() {
    world::NetworkSignal signal;
    signal.moved = true;
    network_signal(world::SignalSource::kernel, signal);
}

// At once, where no attempt is under way, or only one whose packets may have gone nowhere.
void Driver::retry_now() {
    if (session_ == nullptr) return connect();
    if (session_->opening() && clock_.boot() - tried_at_ >= limits::restart_attempt_after) {
        close_session();
        connect();
    }
}

void Driver::connect() {
    retry_at_ = not_before_ = asked_to_wait_ = 0;
    tried_at_ = clock_.boot();
    used_token_ = token_ ? token_() : std::string();
    session_ = std::make_unique<Session>(replica_, clock_, Session::Options{used_token_, false});
    // Later attempts show once somebody answers: a device without a network is offline, and not every few seconds something else.
    if (failures_ == 0) set_state(SessionState::connecting, "connecting to the hub");
    actions_.emplace_back(Connect{evidence_.must_ask_who_is_there()});
}

void Driver::opened() {
    if (session_ == nullptr) return;
    session_->opened();
    set_state(SessionState::connecting, "the hub answers");
    after_event();
}

void Driver::received(std::string_view message) {
    if (session_ == nullptr) return;
    session_->received(message);
    after_event();
}

void Driver::sent(size_t unsent_bytes) {
    if (session_ == nullptr) return;
    session_->sent(unsent_bytes);
    after_event();
}

void Driver::moved(const world::Traffic& traffic) {
    if (session_ != nullptr) session_->moved(traffic);
}

void Driver::asked_to_wait(int64_t microseconds) { asked_to_wait_ = microseconds; }

void Driver::lost(world::CloseCause cause, const Error& why) {
    if (session_ == nullptr) return;
    end_session(cause, why);
    after_event();
}

void Driver::time_passed() {
    const BootTime now = clock_.boot();
    if (session_ != nullptr) session_->time_passed();
    if (running_ && session_ == nullptr && retry_at_ != 0 && now >= retry_at_) connect();
    after_event();
}

BootTime Driver::deadline() const {
    BootTime at = never;
    if (session_ != nullptr) at = std::min(at, session_->deadline());
    if (retry_at_ != 0) at = std::min(at, retry_at_);
    if (counts_are_old_) at = std::min(at, recount_at_);
    if (running_ && session_ == nullptr) at = std::min(at, evidence_.changes_by_itself_at(clock_.boot()));
    return at;
}

// Everything that may follow from an event, in one place: what the session gave is handed on, a dead session buried, the policy
// kept, status told.
void Driver::after_event() {
    take_from_session();
    update_status();
    keep_going();
    if (!(status_ == told_)) {
        told_ = status_;
        actions_.emplace_back(TellStatus{});
    }
}

void Driver::take_from_session() {
    if (session_ == nullptr) return;
    for (std::string& message : session_->take_messages())
        actions_.emplace_back(Send{std::move(message)});
    const SessionNews news = session_->take_news();
    for (const Verdict& verdict : news.noticed)
        actions_.emplace_back(TellVerdict{verdict, false});
    for (const Verdict& verdict : news.covered)
        actions_.emplace_back(TellVerdict{verdict, true});
    if (news.verified) actions_.emplace_back(TellVerified{*news.verified});
    if (news.applied) actions_.emplace_back(TellApplied{});
    counts_are_old_ = counts_are_old_ || news.applied || session_->take_froze();
    if (session_->caught_up()) complete_as_of_ = std::max(complete_as_of_, session_->head_as_of());
    if (!session_->closed()) return;
    actions_.emplace_back(Disconnect{});
    const Error why = session_->failure().value_or(Error(ErrorCode::internal, "the session ended without a reason"));
    const bool silent = why.code() == ErrorCode::unreachable && !session_->refused();
    end_session(silent ? world::CloseCause::silent : world::CloseCause::closed, why);
}

// What makes the table at the top true: whoever may talk to the hub does, or has a retry armed; whoever may not, does not.
void Driver::keep_going() {
    if (!running_) return;
    if (live()) asked_ = false;
    if (allowed()) {
        if (session_ == nullptr && retry_at_ == 0) connect();
        return;
    }
    retry_at_ = 0;
    close_session();
    if (!standing_error_) set_state(SessionState::offline, why_held());
}

void Driver::close_session() {
    if (session_ == nullptr) return;
    evidence_.hub_answered(session_->proof_at());
    session_.reset();
    actions_.emplace_back(Disconnect{});
}

void Driver::end_session(world::CloseCause cause, const Error& why) {
    if (session_->welcomed_once() && !needs_a_person(why.code())) {
        spread_ = session_->retry_spread();
        failures_ = 0;
        token_renewed_ = false;
    }
    const int64_t asked = std::min(std::max(session_->retry_after(), asked_to_wait_), limits::retry_after_max);
    evidence_.hub_answered(session_->proof_at());
    session_.reset();
    if (renewed_token(why)) return connect();
    evidence_.attempt_failed(cause, why, clock_.boot());
    status_.last_error = LastError{std::string(to_string(why.code())), why.what(), clock_.wall()};
    standing_error_.reset();
    if (needs_a_person(why.code())) standing_error_ = why;
    const SessionState state = why.code() == ErrorCode::needs_auth ? SessionState::needs_auth
                               : standing_error_                   ? SessionState::error
                                                                   : SessionState::offline;
    set_state(state, why.what());
    if (running_) schedule_retry(cause, asked);
}

// A token that has expired is no failure: there may be a new one already. The same token again, or a second one that is refused
// too, is a matter for a person, and for a slow retry.
bool Driver::renewed_token(const Error& why) {
    if (why.code() != ErrorCode::needs_auth || !running_ || token_renewed_ || !token_) return false;
    const std::string fresh = token_();
    token_renewed_ = !fresh.empty() && fresh != used_token_;
    return token_renewed_;
}

void Driver::schedule_retry(world::CloseCause cause, int64_t asked) {
    const BootTime now = clock_.boot();
    retry_at_ = now + std::max<int64_t>(asked > 0 ? asked : retry_delay(cause), 1);
    not_before_ = asked > 0 ? retry_at_ : 0;
    ++failures_;
}

// Exponential backoff with equal jitter: half fixed, half random. After a connection was lost the first retry is uniform over the
// spread the hub named, so that a hub's restart is not followed by everybody at once; the second too where the hub's host says no,
// for those whom it refused meanwhile would otherwise stand at its door together.
int64_t Driver::retry_delay(world::CloseCause cause) {
    const bool host_answers = cause == world::CloseCause::refused || cause == world::CloseCause::closed;
    const int64_t most = host_answers || standing_error_ ? limits::backoff_max_refused : limits::backoff_max_silent;
    const int64_t spread = std::min(spread_, most);
    if (spread > 0 && (failures_ == 0 || (failures_ == 1 && host_answers))) return static_cast<int64_t>(random_.below(static_cast<uint64_t>(spread)));
    const int64_t doubled = limits::backoff_first << std::min(failures_, 10);
    const int64_t whole = std::min(host_answers ? std::max(doubled, spread) : doubled, most);
    return whole / 2 + static_cast<int64_t>(random_.below(static_cast<uint64_t>(whole / 2 + 1)));
}

void Driver::set_state(SessionState state, std::string cause) {
    if (status_.state != state) status_.state_since = clock_.wall();
    status_.state = state;
    status_.cause = std::move(cause);
}

// --- status ---

void Driver::update_status() {
    const BootTime now = clock_.boot();
    const DeviceRecord record = replica_.record();
    recount(now);
    status_.space = record.space.value_or("main");
    status_.hub = record.hub.value_or("");
    status_.pending_transactions = counts_.transactions;
    status_.pending_rows = counts_.rows;
    status_.rejected = counts_.rejected;
    status_.cursor = record.cursor.seq.value;
    if (record.cursor.epoch.value != 0) status_.epoch = record.cursor.epoch.value;
    const uint64_t head = session_ != nullptr ? std::max(record.hub_head, session_->head().value) : record.hub_head;
    if (record.space_id) status_.hub_seq = std::max(head, record.cursor.seq.value);
    status_.last_sync_at = record.last_sync_at;
    if (session_ != nullptr) evidence_.hub_answered(session_->proof_at());
    if (session_ != nullptr && session_->welcomed()) update_connected_status(now, record);
    update_progress();
    update_network_status(now);
}

// The checkpoint that brought everything has noted it already: one flush to disk less before anybody hears of a live change.
bool Driver::is_noted_live(const DeviceRecord& record) const {
    const int64_t age = record.last_sync_at ? clock_.wall() - *record.last_sync_at : -1;
    return record.hub_head == session_->head().value && age >= 0 && age < limits::second;
}

void Driver::update_connected_status(BootTime now, const DeviceRecord& record) {
    standing_error_.reset();
    token_renewed_ = false;
    const bool proven = session_->proof_at() >= 0 && now - session_->proof_at() < limits::proof_age_max;
    if (session_->caught_up() && counts_.transactions == 0 && !counts_are_old_ && proven) {
        if (status_.state != SessionState::live && !is_noted_live(record)) {
            replica_.note_head(session_->head(), true);
            status_.last_sync_at = replica_.record().last_sync_at;
        }
        set_state(SessionState::live, "everything is here and at the hub");
    } else {
        set_state(SessionState::syncing, counts_.transactions > 0 ? "sending changes to the hub" : "fetching changes from the hub");
    }
}

void Driver::update_network_status(BootTime now) {
    const bool connected = session_ != nullptr && session_->welcomed();
    const NetworkEvidence::Summary summary = evidence_.summary(now, connected, is_on_this_machine(status_.hub));
    if (status_.network != summary.state || status_.network_since == 0) status_.network_since = clock_.wall();
    status_.network = summary.state;
    status_.network_cause = summary.cause;
    status_.interface_kind = evidence_.interface_kind();
    status_.metered = evidence_.metered();
    status_.hub_reach = evidence_.reach(now);
}

namespace {
// What all rows will have cost, at the rate of those done.
int64_t bytes_to_expect(int64_t bytes, int64_t rows_done, int64_t rows_total) {
    if (rows_done <= 0 || rows_total <= 0) return 0;
    return static_cast<int64_t>(static_cast<double>(bytes) * static_cast<double>(rows_total) / static_cast<double>(rows_done));
}
}  // namespace

void Driver::update_progress() {
    Progress progress = session_ != nullptr ? session_->progress() : Progress();
    rows_up_total_ = counts_.rows == 0 ? 0 : std::max(rows_up_total_, counts_.rows);
    progress.rows_up_total = rows_up_total_;
    progress.rows_up_done = rows_up_total_ - counts_.rows;
    progress.bytes_up_total = bytes_to_expect(progress.bytes_up, progress.rows_up_done, progress.rows_up_total);
    progress.bytes_down_total = bytes_to_expect(progress.bytes_down, progress.rows_done, progress.rows_total);
    status_.progress = progress;
}

// Counting a long queue takes time, so it is done only after something changed, and a long one not at every change.
void Driver::recount(BootTime now) {
    if (!counts_are_old_ || (counts_.transactions > recount_freely_below && now < recount_at_)) return;
    const int64_t before = counts_.rows;
    counts_ = replica_.outbox().counts();
    if (counts_.rows > before) rows_up_total_ += counts_.rows - before;
    status_.conflicts = count_conflicts(replica_.db());
    counts_are_old_ = false;
    recount_at_ = now + recount_interval;
}

std::vector<Action> Driver::take_actions() { return std::exchange(actions_, {}); }

}  // namespace tombolo::device
