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

void Driver::start() {
    running_ = true;
    failures_ = 0;
    connect();
    after_event();
}

void Driver::stop() {
    running_ = false;
    retry_at_ = 0;
    connect_deadline_ = 0;
    if (session_ != nullptr) actions_.emplace_back(Disconnect{});
    session_.reset();
    set_state(SessionState::offline, "stopped");
    after_event();
}

void Driver::connect() {
    retry_at_ = 0;
    session_ = std::make_unique<Session>(replica_, clock_, Session::Options{token_ ? token_() : std::string(), false});
    if (!was_live_ || failures_ > 0) set_state(SessionState::connecting, "connecting to the hub");
    actions_.emplace_back(Connect{});
}

void Driver::opened() {
    if (session_ == nullptr) return;
    session_->opened();
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

void Driver::lost(world::CloseCause cause, const Error& why) {
    if (session_ == nullptr) return;
    end_session(cause, why);
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

void Driver::network_came_up() {
    if (running_ && session_ == nullptr) connect();
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
    return at;
}

// Everything that may follow from an event, in one place: news told, messages handed on, a dead session buried, status told.
void Driver::after_event() {
    if (session_ != nullptr) {
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
        if (session_->closed()) {
            actions_.emplace_back(Disconnect{});
            const Error why = session_->failure().value_or(Error(ErrorCode::internal, "the session ended without a reason"));
            end_session(why.code() == ErrorCode::unreachable ? world::CloseCause::silent : world::CloseCause::closed, why);
        }
    }
    update_status();
    if (!(status_ == told_)) {
        told_ = status_;
        actions_.emplace_back(TellStatus{});
    }
}

void Driver::end_session(world::CloseCause cause, const Error& why) {
    const bool had_welcome = session_->welcomed();
    const int64_t asked = session_->retry_after();
    if (had_welcome) {
        spread_ = session_->retry_spread();
        failures_ = 0;
    }
    proof_at_ = std::max(proof_at_, session_->proof_at());
    session_.reset();
    status_.last_error = LastError{std::string(to_string(why.code())), why.what(), clock_.wall()};
    switch (cause) {
        case world::CloseCause::foreign: evidence_ = NetworkState::portal; break;
        case world::CloseCause::silent:
        case world::CloseCause::refused: evidence_ = NetworkState::limited; break;
        case world::CloseCause::closed: break;  // somebody answered; who, its messages said
    }
    if (cause != world::CloseCause::closed) evidence_at_ = clock_.boot();
    tried_ = true;
    standing_error_.reset();
    if (needs_a_person(why.code())) standing_error_ = why;
    const SessionState state = why.code() == ErrorCode::needs_auth ? SessionState::needs_auth
                               : standing_error_                   ? SessionState::error
                                                                   : SessionState::offline;
    set_state(state, why.what());
    if (!running_) return;
    schedule_retry(cause);
    if (asked > 0) retry_at_ = clock_.boot() + asked;
}

// Exponential backoff with equal jitter: half fixed, half random. After a live connection was lost the first retry is uniform
// over the spread the hub named, so that a hub's restart is not followed by everybody at once.
void Driver::schedule_retry(world::CloseCause cause) {
    const int64_t most =
        cause == world::CloseCause::silent || cause == world::CloseCause::foreign ? limits::backoff_max_silent : limits::backoff_max_refused;
    int64_t delay = 0;
    if (failures_ == 0 && spread_ > 0) {
        delay = static_cast<int64_t>(random_.below(static_cast<uint64_t>(spread_)));
    } else {
        const int doublings = std::min(failures_, 10);
        const int64_t whole = std::min(limits::backoff_first << doublings, standing_error_ ? limits::backoff_max_refused : most);
        delay = whole / 2 + static_cast<int64_t>(random_.below(static_cast<uint64_t>(whole / 2 + 1)));
    }
    ++failures_;
    retry_at_ = clock_.boot() + std::max<int64_t>(delay, 1);
}

void Driver::set_state(SessionState state, std::string cause) {
    if (status_.state != state) status_.state_since = clock_.wall();
    status_.state = state;
    status_.cause = std::move(cause);
    was_live_ = was_live_ || state == SessionState::live;
}

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
    uint64_t head = record.hub_head;
    if (session_ != nullptr) {
        head = std::max(head, session_->head().value);
        proof_at_ = std::max(proof_at_, session_->proof_at());
        status_.progress = session_->progress();
    } else {
        status_.progress = {};
    }
    if (record.space_id) status_.hub_seq = std::max(head, record.cursor.seq.value);
    status_.last_sync_at = record.last_sync_at;
    if (session_ != nullptr && session_->welcomed()) {
        standing_error_.reset();
        const bool proven = now - proof_at_ < limits::proof_age_max;
        if (session_->caught_up() && counts_.transactions == 0 && proven) {
            if (status_.state != SessionState::live) replica_.note_head(session_->head(), true);
            set_state(SessionState::live, "everything is here and at the hub");
            status_.last_sync_at = replica_.record().last_sync_at;
        } else {
            set_state(SessionState::syncing, counts_.transactions > 0 ? "sending changes to the hub" : "fetching changes from the hub");
        }
    }
    status_.network = network(now);
}

// By the newest evidence. The hub's own answer is good for a while.
NetworkState Driver::network(BootTime now) const {
    const bool answered_lately = proof_at_ >= 0 && now - proof_at_ < limits::proof_age_max;
    if (answered_lately && (!evidence_ || proof_at_ > evidence_at_)) return NetworkState::available;
    if (evidence_ && evidence_at_ >= proof_at_) return *evidence_;
    return tried_ ? NetworkState::limited : NetworkState::unknown;
}

// Counting a long queue takes time, so it is done only after something changed, and a long one not at every change.
void Driver::recount(BootTime now) {
    if (!counts_are_old_ || (counts_.transactions > recount_freely_below && now < recount_at_)) return;
    counts_ = replica_.outbox().counts();
    status_.conflicts = count_conflicts(replica_.db());
    counts_are_old_ = false;
    recount_at_ = now + recount_interval;
}

std::vector<Action> Driver::take_actions() { return std::exchange(actions_, {}); }

}  // namespace tombolo::device
