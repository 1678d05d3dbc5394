// Peer: the hub's half of one conversation. Messages in, messages out; no sockets, no threads.
//
//   state        message    what happens
//   greeting     Hello      Welcome; feeding begins (schema_only: nothing more)  |  Refuse, closed
//   open         PushPart   collected; with the last part the transaction joins the space's queue
//   open         (lacks)    BaseRequest; what the device pushes before it answers is let pass
//   open         BaseText   kept for the transaction that waits; with the last one it joins the queue again
//   open         Applied    verdicts up to there may be forgotten
//   open         Ping       Pong
//   open         (commit)   VerdictNotice at once, the checkpoint when there is room
//   any          any other  Refuse{protocol}, closed
//   closed       any        ignored
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/feed.h"
#include "hub/space.h"
#include "tombolo/error.h"
#include "wire/fragment.h"
#include "wire/message.h"

namespace tombolo::hub {

using PeerId = uint64_t;

// What the transport of a peer has to do, in order. No message: close it, gracefully, after what was sent before.
struct Action {
    PeerId peer = 0;
    SharedMessage message;
};

struct PeerWorld {
    std::vector<Action>& actions;
    HubMetrics& metrics;
    const std::string& program;  // of Welcome
    size_t peers = 0;            // how many are connected: spreads their return
};

// A transaction on its way in. Without parts: it was decided or queued before, and its parts are let pass.
struct Assembly {
    TransactionHeader header;
    std::optional<store::Spool> parts;
    bool too_large = false;
};

class Peer {
public:
    Peer(PeerId id, std::string space_name, Space* space, BootTime now)
        : id_(id), space_name_(std::move(space_name)), space_(space), heard_at_(now), opened_at_(now) {}

    void receive(std::string_view bytes, BootTime now, PeerWorld world);
    void room(size_t unsent_bytes) { unsent_ = unsent_bytes; }

    // A verdict of this peer's site is durable.
    void tell(const Verdict& verdict, PeerWorld world);
    // The transaction waits in the space for texts that only this peer has.
    void ask(TransactionNumber number, const std::vector<TextDigest>& bases, PeerWorld world);
    // The space's head has moved, or room was made: send what there is.
    void feed(PeerWorld world);
    void refuse(const Error& error, int64_t retry_after, PeerWorld world);

    PeerId id() const { return id_; }
    Space* space() const { return space_; }
    bool is_open() const { return state_ == State::open; }
    bool is_closed() const { return state_ == State::closed; }
    SiteNumber site() const { return site_; }
    const SiteId& site_id() const { return site_id_; }
    // When nothing was heard for too long: the other end is gone, or is none of ours.
    BootTime deadline() const;
    // Tombstones at or below may go for all this peer cares.
    Seq needs_tombstones_after() const;

private:
    enum class State { greeting, open, closed };

    void handle(const wire::Message& message, PeerWorld world);
    void greet(const wire::Hello& hello, PeerWorld world);
    void require_speakable(const wire::Hello& hello) const;
    store::SiteRecord register_site(const wire::Hello& hello);
    bool start_feed(const wire::Hello& hello, const store::SiteRecord& record, wire::Welcome& welcome);
    void push(const wire::PushPart& part, PeerWorld world);
    void begin_transaction(const wire::PushPart& part);
    void collect(const wire::PushPart& part);
    void finish_transaction(PeerWorld world);
    void take_base(const wire::BaseText& base);
    void applied(const wire::Applied& applied);
    void pong(const wire::Ping& ping, PeerWorld world);
    void verify(const wire::VerifyRequest& request, PeerWorld world);
    bool feed_shared(PeerWorld world);
    void send(const wire::Message& message, PeerWorld world);
    void send(SharedMessage message, PeerWorld world);
    void send_fragments(PeerWorld world);
    void collect(const wire::Fragment& fragment, PeerWorld world);
    void close(PeerWorld world);

    PeerId id_;
    std::string space_name_;
    Space* space_;  // nullptr: no such space
    State state_ = State::greeting;
    BootTime heard_at_;
    BootTime opened_at_;
    SiteId site_id_;
    SiteNumber site_;
    std::optional<Feed> feed_;
    std::optional<Assembly> assembly_;
    std::deque<TextDigest> asked_bases_;  // not yet come
    TransactionNumber asked_number_;
    std::optional<store::Spool> arriving_;  // fragments of a long message so far
    wire::Fragmenter sending_;              // a long part on its way; small messages may pass it
    size_t unsent_ = 0;                     // bytes given out and not yet with the network, as far as we were told
};

}  // namespace tombolo::hub
