#include "client/held_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/limits.h"
#include "client/device_file.h"
#include "client/log.h"
#include "client/token.h"
#include "network/network_state.h"
#include "network/url.h"
#include "network/websocket_client.h"

namespace tombolo::client {

namespace {

constexpr int64_t tell_pause = 50 * limits::millisecond;    // progress may change at every message; readers look once a second
constexpr int64_t prove_pause = 100 * limits::millisecond;  // between questions to the hub on behalf of others
constexpr int64_t busy_pause = 20 * limits::millisecond;    // an application's write is usually over by then
// The loop must stay able to answer heartbeats while an application holds the write lock.
constexpr std::chrono::milliseconds busy_timeout{250};

// Keys arrive in no order of theirs: an index that does not fit is written to the log over and over. Taken only by large checkpoints.
constexpr int cache_kib = 32 << 10;

// A connection for the session: it alone copies the write-ahead log back while it lives.
sqlite::Connection open_for_session(const DeviceFile& file) {
    sqlite::Connection db = open_device_file(file, busy_timeout);
    set_checkpoints(db, true);
    db.execute(fmt::format("PRAGMA cache_size = -{}", cache_kib));
    return db;
}

}  // namespace

HeldSession::HeldSession(network::EventLoop& loop, SessionLock lock, const DeviceFile& file, const SessionOptions& options,
                         HeldSessionListener& listener)
    : loop_(loop),
      listener_(listener),
      options_(options),
      lock_(std::move(lock)),
      replica_(open_for_session(file), system_capture_world()),
      driver_(replica_, system_clock(), system_random(), token_source(options_.token, [this] { return replica_.record().token.value_or(""); })),
      deadline_timer_(loop),
      poll_timer_(loop),
      tell_timer_(loop) {}

HeldSession::~HeldSession() = default;

// Every event runs through here. A busy file only makes us come back; any other error of the file ends this session.
template <typename Step>
void HeldSession::event(const Step& step) {
    if (broken_) return;
    try {
        if (board_ != nullptr) reporter_.follow(replica_.db(), board_);
        step();
        reporter_.settle();
        perform_actions();
        reporter_.settle();
        if (complete_as_of() != told_complete_) tell_status();
        arm();
    } catch (const Error& error) {
        reporter_.settle();
        if (error.code() == ErrorCode::busy) {
            deadline_timer_.start(busy_pause, [this] { time_passed(); });
            return;
        }
        broken_ = true;
        poll_timer_.cancel();
        listener_.on_broken(error);
        return;
    }
    listener_.on_progress();
}

void HeldSession::start(const SessionWishes& wishes) {
    tell_status();
    poll();
    event([&] {
        driver_.set_policy(wishes.policy);
        if (wishes.paused) driver_.pause();
        if (wishes.asked) driver_.sync_now();
        driver_.network_signal(world::SignalSource::application, {wishes.hint});
        driver_.start();
    });
    if (options_.watch_network) sources_ = network::watch_network(loop_, *this);
}

void HeldSession::stop() {
    event([this] { driver_.stop(); });
    broken_ = true;  // timers that are still armed find nothing to do
    tell_timer_.cancel();
    sources_.clear();
    lock_.tell(status(), -1);
}

void HeldSession::local_commit() {
    event([this] { driver_.local_commit(); });
}

void HeldSession::sync_now() {
    proved_at_ = system_clock().boot();
    event([this] {
        look_at_traffic();
        driver_.sync_now();
    });
}

void HeldSession::pause() {
    event([this] { driver_.pause(); });
}
void HeldSession::resume() {
    event([this] { driver_.resume(); });
}
void HeldSession::set_hint(const NetworkHint& hint) { on_network(world::SignalSource::application, {hint}); }

Status HeldSession::status() const {
    Status status = driver_.status();
    status.holder_pid = getpid();
    return status;
}

void HeldSession::verify() {
    verify_wanted_ = true;
    verify_attempt_ = -1;
}

bool HeldSession::all_decided(uint64_t number) { return client::all_decided(replica_.db(), number); }

// --- what the connection says ---

void HeldSession::on_open() {
    event([this] { driver_.opened(); });
}
void HeldSession::on_message(std::string_view message) {
    event([&] { driver_.received(message); });
}
void HeldSession::on_room() {
    event([this] { driver_.sent(transport_->unsent_bytes()); });
}
void HeldSession::on_asked_to_wait(int64_t microseconds) { driver_.asked_to_wait(microseconds); }
void HeldSession::on_closed(world::CloseCause cause, const Error& why) {
    ++attempts_ended_;
    drop_transport();
    event([&] { driver_.lost(cause, why); });
}

void HeldSession::on_network(world::SignalSource source, const world::NetworkSignal& signal) {
    event([&] {
        look_at_traffic();
        driver_.network_signal(source, signal);
    });
}

// --- what the driver wants done ---

// Actions may lead to events, whose actions are then done by the loop that is already running.
void HeldSession::perform_actions() {
    if (std::exchange(performing_, true)) return;
    try {
        for (std::vector<device::Action> actions = driver_.take_actions(); !actions.empty(); actions = driver_.take_actions()) {
            const bool sends =
                std::any_of(actions.begin(), actions.end(), [](const auto& action) { return std::holds_alternative<device::Send>(action); });
            for (device::Action& action : actions) {
                std::visit([this](auto& chosen) { perform(chosen); }, action);
            }
            if (sends && transport_ != nullptr) driver_.sent(transport_->unsent_bytes());
        }
    } catch (...) {
        performing_ = false;
        throw;
    }
    performing_ = false;
}

void HeldSession::perform(const device::Connect& wanted) {
    drop_transport();
    const device::DeviceRecord record = replica_.record();
    network::ConnectOptions connect;
    connect.url = network::parse_hub_url(record.hub.value_or("") + "/" + record.space.value_or("main"));
    connect.ca_file = options_.ca_file;
    connect.ask_who_is_there = wanted.ask_who_is_there;
    log(LogLevel::info, "connecting to {}", network::to_string(connect.url));
    transport_ = network::connect(loop_, connect, *this);
}

void HeldSession::perform(device::Send& send) {
    if (transport_ != nullptr) transport_->send(std::move(send.message));
}

void HeldSession::perform(const device::Disconnect&) {
    ++attempts_ended_;
    drop_transport();
}

void HeldSession::perform(const device::TellStatus&) { tell_status(); }

void HeldSession::perform(const device::TellVerdict& told) { listener_.on_decided(told.verdict, told.covered); }

void HeldSession::perform(const device::TellApplied&) {}

void HeldSession::perform(const device::TellVerified& told) {
    verify_wanted_ = false;
    listener_.on_verified(told.result);
}

void HeldSession::drop_transport() {
    if (transport_ == nullptr) return;
    transport_->close();
    loop_.post([dropped = std::shared_ptr<world::Transport>(std::move(transport_))] {});  // not destroyed inside its own callback
}

void HeldSession::arm() {
    const BootTime at = driver_.deadline();
    if (at == INT64_MAX) {
        deadline_timer_.cancel();
        return;
    }
    const int64_t wait = std::max<int64_t>(at - system_clock().boot(), 0);
    deadline_timer_.start(wait, [this] { time_passed(); });
}

void HeldSession::time_passed() {
    event([this] {
        look_at_traffic();
        driver_.time_passed();
    });
}

void HeldSession::look_at_traffic() {
    if (transport_ == nullptr) return;
    if (const std::optional<world::Traffic> traffic = transport_->traffic()) driver_.moved(*traffic);
}

// What other connections and processes commit is seen by the file's data version; those who wait for our result by their lock.
void HeldSession::poll() {
    if (broken_) return;
    poll_timer_.start(limits::commit_poll, [this] { poll(); });
    if (lock_.somebody_needs_it()) listener_.on_needed_elsewhere();
    const BootTime now = system_clock().boot();
    const bool prove = now - proved_at_ >= prove_pause && (listener_.wants_proof() || lock_.somebody_waits());
    if (prove) proved_at_ = now;
    event([&] {
        if (prove) look_at_traffic(), driver_.prove();
        if (verify_wanted_ && verify_attempt_ != attempts_ended_ && driver_.live()) {
            verify_attempt_ = attempts_ended_;
            driver_.verify();
        }
        const int64_t version = replica_.db().query_integer("PRAGMA data_version");
        if (std::exchange(data_version_, version) != version) driver_.local_commit();
    });
}

void HeldSession::tell_status() {
    const BootTime now = system_clock().boot();
    if (told_at_ != 0 && now - told_at_ < tell_pause) {
        tell_timer_.start(tell_pause, [this] { tell_status(); });
        return;
    }
    told_at_ = now;
    told_complete_ = complete_as_of();
    lock_.tell(status(), told_complete_);
}

}  // namespace tombolo::client
