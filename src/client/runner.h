// Runner: the Tombolo thread of one Session. Holds the device's session, or stands by while another process does.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "client/held_session.h"
#include "client/session_lock.h"
#include "network/event_loop.h"
#include "tombolo/conflict.h"
#include "tombolo/options.h"
#include "tombolo/session.h"

namespace tombolo::client {

class Runner final : private HeldSessionListener {
public:
    // `decided` hears of every verdict, on the Tombolo thread, before the session's own callback.
    Runner(DeviceFile file, SessionOptions options, std::function<void(const Decision&)> decided);
    ~Runner() override;

    // `look` is called now and then on the Tombolo thread, when another process may have brought verdicts. Before start().
    void on_look(std::function<void()> look) { look_ = std::move(look); }
    void report_commits_to(std::shared_ptr<watch::CommitBoard> board) { board_ = std::move(board); }  // before start()
    void start();
    void stop();          // joins the thread; Error(usage) on that thread
    void local_commit();  // from any thread
    Status status() const;
    void pause();  // this and the next three: from any thread
    void resume();
    void sync_now();
    void set_network_hint(const NetworkHint& hint);
    void on_status(std::function<void(const Status&)> callback);
    void on_verdict(std::function<void(const Decision&)> callback);
    void on_conflict(std::function<void(const Conflict&)> callback);
    // See Session::sync_once. `number`: the newest transaction that was committed before the call.
    void sync_once(uint64_t number, std::chrono::milliseconds timeout);
    // Compares the device with its hub, once everything is synced. A process that holds the session lets us have it meanwhile.
    device::VerifyResult verify(uint64_t number, std::chrono::milliseconds timeout);
    bool on_own_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

private:
    // What somebody in sync_once waits for. Gone when the caller has given up.
    struct Goal {
        uint64_t number = 0;
        BootTime asked_at = 0;
        int attempts_before = 0;                    // connection attempts that had ended at the call
        std::promise<std::optional<Error>> result;  // nothing: reached
    };

    void on_progress() override;
    void on_decided(const Verdict& verdict, bool covered) override;
    void on_broken(const Error& why) override;
    void on_needed_elsewhere() override;
    void on_verified(const device::VerifyResult& result) override;
    bool wants_proof() override { return !goals_.empty(); }

    void run();
    SessionNeed need_session(std::chrono::steady_clock::time_point until);
    void take_or_stand_by();
    void stand_by(const std::optional<Told>& told);
    void try_again_later(const Error& why);
    void pursue(std::shared_ptr<Goal> goal);
    void check_goals();
    bool reached(const Goal& goal);
    std::optional<Error> hopeless(const Goal& goal);
    void fail_goals(const Error& why);
    void adopt(Status status);
    void look_for_conflicts(const Status& status);
    template <typename Callback, typename Argument>
    void call(const Callback& callback, const Argument& argument);

    const DeviceFile file_;
    const std::string path_;  // of file_
    const SessionOptions options_;
    const std::function<void(const Decision&)> decided_;

    // The loop's thread only.
    network::EventLoop loop_;
    network::Timer retry_timer_;
    std::unique_ptr<HeldSession> held_;
    SessionWishes wishes_;
    bool needed_ = false;                    // by us: we hold SessionNeed
    std::optional<Told> other_;              // while standing by: what the holder told last
    std::unique_ptr<SessionWaiter> waiter_;  // while standing by with a goal
    std::vector<std::weak_ptr<Goal>> goals_;
    std::optional<std::pair<uint64_t, int64_t>> looked_at_;  // cursor, and open conflicts, when the list was read
    std::set<std::string> told_conflicts_;                   // ids
    std::function<void()> look_;
    std::shared_ptr<watch::CommitBoard> board_;
    std::set<uint64_t> told_;  // when they were noticed, and not covered yet
    std::shared_ptr<std::promise<device::VerifyResult>> verifying_;

    mutable std::mutex mutex_;  // guards what follows
    Status status_;
    std::function<void(const Status&)> on_status_;
    std::function<void(const Decision&)> on_verdict_;
    std::function<void(const Conflict&)> on_conflict_;

    std::thread thread_;
};

Decision to_decision(const Verdict& verdict);

}  // namespace tombolo::client
