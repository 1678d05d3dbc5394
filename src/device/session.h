// Session: one connection's conversation with the hub. Event in, actions out; made anew for every connection, and thrown away.
//
//   state      event                      next       actions
//   ---------  -------------------------  ---------  ------------------------------------------------------------------
//   opening    opened                     greeting   send Hello; deadline: handshake
//   greeting   Welcome                    talking    adopt schema, note clock; push what the hub has not seen
//   greeting   Refuse                     closed     close; failure() tells why
//   talking    local_commit, room         talking    freeze, send parts while the window has room
//   talking    CheckpointPart             talking    keep it; on disk once they are large
//   talking    CheckpointEnd              talking    apply; send Applied; tell verdicts
//   talking    VerdictNotice              talking    tell (no table changes)
//   talking    BaseRequest                talking    send the texts, then push from the next number on
//   talking    nothing for a while        talking    send Ping; deadline: answer
//   talking    bytes move before the      talking    wait on: the link is slow, and the Ping stands behind them
//              Ping, or arrive
//   any        deadline missed            closed     close; cause silent
//   any        malformed message          closed     close; failure() tells why
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/replica.h"
#include "device/verify.h"
#include "tombolo/status.h"
#include "wire/fragment.h"
#include "wire/message.h"
#include "world/clock.h"
#include "world/transport.h"

namespace tombolo::device {

// What the session did that others may want to know; collected until taken.
struct SessionNews {
    std::vector<Verdict> noticed;  // durable at the hub; tables not yet touched
    std::vector<Verdict> covered;  // applied here
    std::optional<VerifyResult> verified;
    bool applied = false;  // a checkpoint changed tables or the cursor
};

class Session {
public:
    struct Options {
        std::string token;
        bool schema_only = false;  // stop after Welcome: `init`
    };
    Session(Replica& replica, world::Clock& clock, Options options);

    // --- events ---
    void opened();
    void received(std::string_view message);
    void sent(size_t unsent_bytes);             // what the transport has not handed on; call after sends and on room
    void moved(const world::Traffic& traffic);  // where the transport knows: before time_passed and prove
    void local_commit();
    void verify();       // news: verified
    void time_passed();  // call at deadline()
    void prove();        // ask for the hub's head now, not at the next heartbeat

    // --- what comes of them ---
    std::vector<std::string> take_messages();
    SessionNews take_news();
    bool take_froze() { return std::exchange(froze_, false); }  // transactions moved from the log to the outbox: counts changed
    BootTime deadline() const { return deadline_; }             // when to call time_passed
    bool closed() const { return state_ == State::closed; }
    const std::optional<Error>& failure() const { return failure_; }
    bool refused() const { return refused_; }             // by the hub's own word
    int64_t retry_after() const { return retry_after_; }  // microseconds the hub asked for; 0: own backoff

    // --- for status ---
    bool opening() const { return state_ == State::opening; }
    bool welcomed() const { return state_ == State::talking; }
    bool welcomed_once() const { return welcomed_once_; }  // also once it is closed
    bool caught_up() const;                                // cursor has reached the newest head heard of, nothing waits to be sent or answered
    BootTime proof_at() const { return proof_at_; }        // when the hub last proved itself
    int64_t retry_spread() const { return retry_spread_; }
    Seq head() const { return head_; }
    BootTime head_as_of() const { return head_as_of_; }  // head() is no older than what the hub had then; -1: never told
    Progress progress() const { return progress_; }

private:
    enum class State { opening, greeting, talking, closed };

    void handle(wire::Welcome welcome);
    void handle(const wire::Refuse& refuse);
    void handle(const wire::VerdictNotice& notice);
    void handle(const wire::CheckpointPart& part, std::string_view message);
    void handle(const wire::CheckpointEnd& end);
    void handle(const wire::Pong& pong);
    void handle(const wire::VerifyAnswer& answer);
    void handle(const wire::BaseRequest& request);
    void do_what_is_due();
    bool take(std::string_view message);
    void take_waiting();
    void push();
    bool push_next();
    void send_base();
    void ping();
    int64_t quiet_limit() const;
    BootTime answer_due() const;
    void send(const wire::Message& message);
    void send_part(std::string message);
    void send_fragments();
    void put(std::string message);
    void collect(const wire::Fragment& fragment);
    void take_in_turn(std::string_view message);
    void fail(Error error);
    void arm();
    template <typename Step>
    void guarded(const Step& step);

    Replica& replica_;
    world::Clock& clock_;
    Options options_;
    State state_ = State::opening;
    bool welcomed_once_ = false;
    bool refused_ = false;
    std::vector<std::string> out_;
    SessionNews news_;
    std::optional<Error> failure_;
    int64_t retry_after_ = 0;
    int64_t retry_spread_ = 0;

    BootTime deadline_ = 0;
    BootTime opened_at_ = 0;
    std::optional<int64_t> round_trip_;  // of Hello and Welcome
    BootTime heard_at_ = 0;              // any message from the hub
    BootTime proof_at_ = -1;
    std::optional<uint64_t> ping_;  // nonce not yet answered
    BootTime ping_at_ = 0;
    uint64_t ping_behind_ = 0;  // as many bytes of ours are acknowledged once the ping has arrived
    world::Traffic traffic_;    // at the newest look
    BootTime looked_at_ = 0;
    BootTime moved_at_ = 0;  // bytes were seen to move that excuse a missing answer
    BootTime head_as_of_ = -1;
    BootTime retry_local_at_ = 0;  // the file was busy: try again then; 0: nothing waits

    size_t unsent_ = 0;
    wire::Fragmenter sending_;            // a long part on its way; small messages may pass it
    std::string arriving_;                // fragments of a long message so far
    TransactionNumber pushing_;           // newest entry fully handed to the transport
    uint32_t next_part_ = 0;              // of the entry after pushing_
    TransactionNumber covered_;           // newest own number with a verdict applied
    std::deque<TextDigest> asked_bases_;  // of pushing_, which the hub has
    bool froze_ = false;                  // since take_froze
    bool local_dirty_ = true;             // the log may hold something to freeze

    std::vector<std::string> parts_;  // of the checkpoint that is arriving, while small
    size_t parts_bytes_ = 0;
    bool spooling_ = false;
    std::deque<std::string> waiting_;  // messages that could not be taken, for the file was busy, and those after them
    bool push_due_ = false;
    bool verify_due_ = false;

    std::unique_ptr<Verification> verification_;

    Cursor cursor_;
    Seq head_;
    Progress progress_;
};

}  // namespace tombolo::device
