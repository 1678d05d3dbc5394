// Session: keeps one database in sync with its hub for as long as it lives.
//
// A session runs one thread of its own, the Tombolo thread. It connects, retries for ever with growing pauses, pushes what is
// written (by any connection of any process) and applies what arrives. One process at a time holds the session of a file: while
// another one does, this session stands by, and takes over within a second or two when that one ends.
//
// Threads: every method may be called from any thread, except where said. Callbacks run on the Tombolo thread, one at a time;
// they may use the Database, may block (which holds up syncing), and must not call stop(), sync_once(), Receipt::wait() or
// Database::close(): those wait for that very thread and throw Error(usage) there. An exception from a callback is logged and
// goes no further.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tombolo/conflict.h"
#include "tombolo/error.h"
#include "tombolo/network.h"
#include "tombolo/status.h"
#include "tombolo/verdict.h"

namespace tombolo {

namespace client {
class Core;
class Runner;
}  // namespace client

// A cell of a transaction that met a write its author had not seen, and did not simply win.
struct MergedCell {
    std::string table;
    NamedRow key;                       // of the row
    std::optional<std::string> column;  // absent: the row itself: its deletion met a change, its insertion another
    CellFate fate = CellFate::lost;
    std::string site;      // whose write it met: 32 hex digits; empty: not known
    std::string conflict;  // CellFate::waits: Conflict::id, once the list is here (conflict.h)
};

// What became of one transaction of this device. A value.
struct Decision {
    uint64_t number = 0;  // the transaction's number on this device: 1, 2, 3 …
    std::string id;       // 32 hex digits
    VerdictKind verdict = VerdictKind::accepted;
    RejectCode code = RejectCode::none;  // rejected only, as is the next one
    std::string reason;                  // a sentence for a person
    uint64_t seq = 0;                    // the hub's commit number of the verdict
    // With what it was merged, or is in conflict: the first cells of those, and how many there were.
    std::vector<MergedCell> cells;
    uint64_t cells_in_all = 0;
    uint64_t retried_as = 0;  // rejected, and queued again since: under this number
    std::string by;           // discarded: who gave it up, as he named himself
};

class Session {
public:
    Session() = default;  // no session: only ok() and assignment make sense
    Session(Session&&) noexcept = default;
    Session& operator=(Session&& other) noexcept;
    ~Session();  // stop(), errors logged

    bool ok() const { return runner_ != nullptr; }

    // Called at every change of status, soon after it; several changes in quick succession may come as one. Called once with the
    // present status right after it is set. Replaces the callback set before. The reference is valid during the call.
    void on_status(std::function<void(const Status&)> callback);

    // Called when the hub's durable verdict for a transaction of this device arrives: once per transaction and session at most.
    // A rejection is told once it is listed (Database::rejections), so that it can be dealt with at once. Verdicts that came while no
    // session ran here are found with Database::receipt.
    void on_verdict(std::function<void(const Decision&)> callback);

    // Called for every conflict that is open now, and for each that opens while the session runs: once per conflict and session, also when
    // more candidates join it. What this device has decided is not told. Replaces the callback set before.
    void on_conflict(std::function<void(const Conflict&)> callback);

    // The latest status. While this session stands by: that of the process which holds the session, at most a second old.
    Status status() const;

    // Returns once every transaction that was committed before the call has its verdict applied here (a rejection is a verdict
    // too) and everything the hub had at the call is applied. Throws Error(timed_out), or at once what no retry mends:
    // Error(needs_auth), Error(wrong_hub), Error(schema) … What was done stays done.
    void sync_once(std::chrono::milliseconds timeout = std::chrono::seconds(30));
    // The same; the error instead of an exception.
    Result<Status> try_sync_once(std::chrono::milliseconds timeout = std::chrono::seconds(30));

    // No connection from here on, and after resume() again as SessionOptions::policy says. What is written meanwhile waits in the
    // file. While another process holds the session, its own wishes count.
    void pause();
    void resume();

    // Talks to the hub now, whatever the policy and also while paused, until everything is exchanged once or pause() is called;
    // retries as usual. Returns at once; on_status tells. Where connected already: asks the hub for what is new.
    void sync_now();

    // What the application knows of the network, in place of what it said before: for platforms whose system tells applications
    // and not libraries. See NetworkHint.
    void set_network_hint(const NetworkHint& hint);

    // Ends the connection and the thread. No callback runs after it has returned. Pending writes stay queued in the file.
    void stop();

private:
    friend class Database;
    Session(std::shared_ptr<client::Runner> runner, std::shared_ptr<client::Core> core) : runner_(std::move(runner)), core_(std::move(core)) {}
    client::Runner& runner() const;

    std::shared_ptr<client::Runner> runner_;
    std::shared_ptr<client::Core> core_;
};

}  // namespace tombolo
