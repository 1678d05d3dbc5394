// Driver: keeps a device in sync for as long as it runs: connects, retries, and tells how things are. Owns one Session at a time.
// Event in, actions out; the runner (real) or the simulator carries the actions out.
//
// Liveness: unless stopped, either a connection is open or being opened, or deadline() is armed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/session.h"
#include "tombolo/status.h"
#include "world/clock.h"
#include "world/random.h"
#include "world/transport.h"

namespace tombolo::device {

// --- actions ---
struct Connect {};  // open a transport to the hub, answer with opened() or lost()
struct Send {
    std::string message;
};
struct Disconnect {};  // drop the transport; no event follows
struct TellStatus {};  // status() changed
struct TellVerdict {
    Verdict verdict;
    bool covered = false;  // false: durable at the hub, true: applied here as well
};
struct TellApplied {};  // tables changed by a checkpoint
struct TellVerified {
    VerifyResult result;
};
using Action = std::variant<Connect, Send, Disconnect, TellStatus, TellVerdict, TellApplied, TellVerified>;

class Driver {
public:
    // `token` is asked at every connect; empty: none.
    Driver(Replica& replica, world::Clock& clock, world::Random& random, std::function<std::string()> token);

    // --- events ---
    void start();
    void stop();  // ends with Disconnect; state offline
    void opened();
    void received(std::string_view message);
    void sent(size_t unsent_bytes);
    void lost(world::CloseCause cause, const Error& why);
    void local_commit();
    void verify();           // once welcomed; answered by TellVerified, unless the connection is lost first
    void prove();            // ask the hub for its head now; see complete_as_of
    void network_came_up();  // retry now
    void time_passed();      // at deadline()

    // --- what comes of them ---
    std::vector<Action> take_actions();
    BootTime deadline() const;  // INT64_MAX: nothing armed
    const Status& status() const { return status_; }
    // Set once an error will not go away by retrying: needs-auth, wrong hub, schema mismatch, diverged copy, too old.
    const std::optional<Error>& standing_error() const { return standing_error_; }
    // Everything the hub had at this time is applied here; -1: not so, or not known.
    BootTime complete_as_of() const { return session_ != nullptr && session_->caught_up() ? session_->head_as_of() : -1; }
    bool live() const { return status_.state == SessionState::live; }

private:
    void connect();
    void end_session(world::CloseCause cause, const Error& why);
    void after_event();
    void schedule_retry(world::CloseCause cause);
    void update_status();
    NetworkState network(BootTime now) const;
    void recount(BootTime now);
    void set_state(SessionState state, std::string cause);

    Replica& replica_;
    world::Clock& clock_;
    world::Random& random_;
    std::function<std::string()> token_;
    std::unique_ptr<Session> session_;
    std::vector<Action> actions_;
    Status status_;
    Status told_;
    std::optional<Error> standing_error_;
    bool running_ = false;
    bool was_live_ = false;
    int failures_ = 0;
    BootTime connect_deadline_ = 0;  // 0: not connecting
    BootTime retry_at_ = 0;          // 0: no retry armed
    Outbox::Counts counts_;
    bool counts_are_old_ = true;
    BootTime recount_at_ = 0;  // not before, while many are pending
    int64_t spread_ = 0;
    BootTime proof_at_ = -1;                // newest proof from the hub; -1: never
    std::optional<NetworkState> evidence_;  // of the newest attempt that the hub did not answer
    BootTime evidence_at_ = -1;
    bool tried_ = false;
};

}  // namespace tombolo::device
