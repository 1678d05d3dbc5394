// Driver: keeps a device in sync for as long as it runs: connects, retries, and tells how things are. Owns one Session at a time.
// Event in, actions out; the runner (real) or the simulator carries the actions out.
//
//   phase     event                                  next      actions
//   --------  -------------------------------------  --------  ---------------------------------------------------------------
//   stopped   start                                  trying    Connect (held, where the policy says no)
//   held      resume, sync_now, unmetered network    trying    Connect
//   waiting   retry is due, a way opens, sync_now    trying    Connect
//   trying    opened, Welcome                        talking   Send …
//   trying    a way opens, and the attempt is old    trying    Disconnect, Connect
//   trying    Refuse needs-auth, and a new token     trying    Disconnect, Connect: no failure
//   trying    lost, Refuse, deadline missed          waiting   Disconnect; deadline: retry
//   talking   any doubt about the network            talking   Send Ping; deadline: answer
//   talking   lost, deadline missed                  waiting   Disconnect; deadline: retry
//   talking   all is exchanged that sync_now asked   held      Disconnect
//   any       pause, metered network, by policy      held      Disconnect
//   any       stop                                   stopped   Disconnect
//
// Liveness: in every phase but stopped and held, deadline() is armed, so that pending work never waits for a new write, a restart
// or a person. tests walk all reachable states (liveness_test.cc).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/network_evidence.h"
#include "device/session.h"
#include "tombolo/status.h"
#include "world/clock.h"
#include "world/random.h"
#include "world/transport.h"

namespace tombolo::device {

// --- actions ---
struct Connect {                    // open a transport to the hub, answer with opened() or lost()
    bool ask_who_is_there = false;  // and first make sure that it is the hub: somebody else may answer
};
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
    void asked_to_wait(int64_t microseconds);  // by the host, before a lost()
    void lost(world::CloseCause cause, const Error& why);
    void local_commit();
    void verify();                              // once welcomed; answered by TellVerified, unless the connection is lost first
    void prove();                               // ask the hub for its head now; see complete_as_of
    void moved(const world::Traffic& traffic);  // where the transport knows: before time_passed and prove
    void network_signal(world::SignalSource source, const world::NetworkSignal& signal);
    void network_came_up();  // as a signal that a way opened
    void set_policy(SyncPolicy policy);
    void pause();  // until resume or sync_now
    void resume();
    void sync_now();     // whatever the policy: until everything is exchanged once, or pause
    void time_passed();  // at deadline()

    // --- what comes of them ---
    std::vector<Action> take_actions();
    BootTime deadline() const;  // INT64_MAX: nothing armed
    const Status& status() const { return status_; }
    // Set once an error will not go away by retrying: needs-auth, wrong hub, schema mismatch, diverged copy, too old.
    const std::optional<Error>& standing_error() const { return standing_error_; }
    // Everything the hub had at this time is applied here; -1: not known.
    BootTime complete_as_of() const { return complete_as_of_; }
    bool live() const { return status_.state == SessionState::live; }

    enum class Phase { stopped, held, waiting, trying, talking };
    Phase phase() const;

private:
    bool allowed() const;
    std::string why_held() const;
    void connect();
    void retry_now();
    bool renewed_token(const Error& why);
    void end_session(world::CloseCause cause, const Error& why);
    void close_session();
    void after_event();
    void take_from_session();
    void keep_going();
    void schedule_retry(world::CloseCause cause, int64_t asked);
    int64_t retry_delay(world::CloseCause cause);
    void update_status();
    bool is_noted_live(const DeviceRecord& record) const;
    void update_connected_status(BootTime now, const DeviceRecord& record);
    void update_network_status(BootTime now);
    void update_progress();
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
    NetworkEvidence evidence_;

    bool running_ = false;
    bool paused_ = false;
    bool asked_ = false;  // by sync_now, and not everything is exchanged yet
    SyncPolicy policy_ = SyncPolicy::always;

    std::string used_token_;      // at the newest attempt
    bool token_renewed_ = false;  // since a hub took one: a second refusal in a row is final for now
    int failures_ = 0;            // attempts in a row
    BootTime tried_at_ = 0;       // newest attempt
    BootTime retry_at_ = 0;       // 0: no retry armed
    BootTime not_before_ = 0;     // the hub asked for it
    int64_t asked_to_wait_ = 0;   // by its host, in this attempt
    int64_t spread_ = 0;          // of the connection before; 0: there was none, or it is used up

    Outbox::Counts counts_;
    bool counts_are_old_ = true;
    BootTime recount_at_ = 0;  // not before, while many are pending
    int64_t rows_up_total_ = 0;
    BootTime complete_as_of_ = -1;
};

}  // namespace tombolo::device
