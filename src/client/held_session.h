// HeldSession: everything that exists while this process holds a device's session: the lock, the device file as the session sees
// it, the driver and its connection. Lives on one event loop; carries out the driver's actions and feeds it what happens.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/device_file.h"
#include "client/session_lock.h"
#include "device/driver.h"
#include "device/replica.h"
#include "network/event_loop.h"
#include "tombolo/options.h"
#include "watch/commit_board.h"
#include "watch/commit_reporter.h"
#include "world/network_state.h"
#include "world/transport.h"

namespace tombolo::client {

// What a held session tells its owner, on the loop. The owner may destroy the session only after the call has returned.
class HeldSessionListener {
public:
    virtual ~HeldSessionListener() = default;
    virtual void on_progress() = 0;                                     // something happened: status or what is decided may have changed
    virtual void on_decided(const Verdict& verdict, bool covered) = 0;  // durable at the hub; then once more, applied here
    virtual void on_broken(const Error& why) = 0;                       // the device file failed us; this session is of no more use
    virtual void on_needed_elsewhere() = 0;                             // another process needs the session: stop this one
    virtual void on_verified(const device::VerifyResult& result) = 0;
    virtual bool wants_proof() = 0;  // somebody waits for complete_as_of to advance
};

// What the application said; kept by the owner while another process holds the session.
struct SessionWishes {
    SyncPolicy policy = SyncPolicy::always;
    bool paused = false;
    bool asked = false;  // sync_now, since the last pause
    NetworkHint hint;
};

class HeldSession final : private world::TransportHandler, private world::NetworkStateHandler {
public:
    // Throws what opening the file throws. The file names the hub.
    HeldSession(network::EventLoop& loop, SessionLock lock, const DeviceFile& file, const SessionOptions& options, HeldSessionListener& listener);
    ~HeldSession() override;

    void report_commits_to(std::shared_ptr<watch::CommitBoard> board) { board_ = std::move(board); }  // before start()
    void start(const SessionWishes& wishes);
    void stop();  // ends the connection in order, tells the last status
    void local_commit();
    void verify();    // answered by on_verified; asked anew when the connection is lost meanwhile
    void sync_now();  // ask the hub now for what it has; where not connected, connect now
    void pause();
    void resume();
    void set_hint(const NetworkHint& hint);

    Status status() const;
    BootTime complete_as_of() const { return driver_.complete_as_of(); }
    const std::optional<Error>& standing_error() const { return driver_.standing_error(); }
    int attempts_ended() const { return attempts_ended_; }
    bool all_decided(uint64_t number);  // every transaction up to `number` has its verdict applied in the file

private:
    void on_open() override;
    void on_message(std::string_view message) override;
    void on_room() override;
    void on_asked_to_wait(int64_t microseconds) override;
    void on_closed(world::CloseCause cause, const Error& why) override;
    void on_network(world::SignalSource source, const world::NetworkSignal& signal) override;

    template <typename Step>
    void event(const Step& step);
    void perform_actions();
    void perform(const device::Connect& wanted);
    void perform(device::Send& send);
    void perform(const device::Disconnect&);
    void perform(const device::TellStatus&);
    void perform(const device::TellVerdict& told);
    void perform(const device::TellApplied&);
    void perform(const device::TellVerified& told);
    void drop_transport();
    void look_at_traffic();
    void arm();
    void time_passed();
    void poll();
    void tell_status();

    network::EventLoop& loop_;
    HeldSessionListener& listener_;
    SessionOptions options_;
    SessionLock lock_;
    device::Replica replica_;
    std::shared_ptr<watch::CommitBoard> board_;  // nullptr: nobody asks
    watch::CommitReporter reporter_;             // of replica_
    device::Driver driver_;

    std::unique_ptr<world::Transport> transport_;
    std::vector<std::unique_ptr<world::NetworkStateSource>> sources_;
    bool performing_ = false;
    bool broken_ = false;
    bool verify_wanted_ = false;
    int verify_attempt_ = -1;  // attempts_ended_ when the hub was asked
    int attempts_ended_ = 0;
    int64_t data_version_ = 0;  // of the file, as the session's connection saw it last
    BootTime proved_at_ = 0;
    BootTime told_at_ = 0;
    BootTime told_complete_ = -1;
    network::Timer deadline_timer_;
    network::Timer poll_timer_;
    network::Timer tell_timer_;
};

}  // namespace tombolo::client
