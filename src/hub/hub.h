// Hub: spaces and peers together. Events in, actions out; the transports and the clock belong to others.
//
// Takes: connections and their messages.   Gives: messages for connections (take_actions), in order.
// Durable: whatever a VerdictNotice or a checkpoint says.
//
// Single-threaded. The loop that owns a hub gives it all messages that have arrived, then lets it commit once: while one group is
// flushed to disk the next one collects by itself. After every call the loop carries out take_actions().
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "hub/peer.h"
#include "hub/space.h"
#include "world/clock.h"

namespace tombolo::hub {

struct HubOptions {
    std::string program = "tombolo";                     // told to devices
    int64_t retention = limits::retention_default;       // microseconds; 0: tombstones go as soon as nobody is being fed them
    size_t text_cache_bytes = limits::text_cache_bytes;  // a space; 0: devices are asked for every base that is not stored
};

class Hub {
public:
    Hub(HubOptions options, world::Clock& clock);
    // With its schema and policies as they are to be: devices are told at once.
    void add_space(std::string name, std::unique_ptr<store::Store> store);
    Space* find_space(std::string_view name);

    // --- connections ---
    PeerId open(std::string_view space_name);  // accepted; `space_name` is the URL's, empty means main
    void receive(PeerId peer, std::string_view message);
    void room(PeerId peer, size_t unsent_bytes);  // the transport has sent, and is below limits::send_window_bytes
    void closed(PeerId peer);                     // by the other side; harmless when the hub closed it

    // --- commit ---
    bool wants_commit() const;
    void commit();  // one group in each space that has a queue

    // --- time ---
    void on_time();
    BootTime next_deadline() const;  // when on_time is wanted; never in the far future while anybody is connected

    std::vector<Action> take_actions();

    size_t peers() const { return peers_.size(); }
    std::string metrics_text();

private:
    PeerWorld world();
    Peer* find_peer(PeerId id);
    void feed(Peer& peer);
    void replace_older(const Peer& peer);
    void commit(Space& space);
    void tell(Space& space, const Space::Decided& decided);
    void ask(Space& space, const Space::Decided& decided, Peer* peer);
    void feed_all(Space& space);
    void fail(Space& space, const Error& error);
    void close_silent(BootTime now);
    void purge(Space& space);
    void forget_closed();

    HubOptions options_;
    world::Clock& clock_;
    HubMetrics metrics_;
    std::map<std::string, std::unique_ptr<Space>, std::less<>> spaces_;
    std::map<PeerId, std::unique_ptr<Peer>> peers_;
    std::map<std::pair<Space*, SiteNumber>, PeerId> peer_of_site_;
    std::vector<Action> actions_;
    PeerId last_peer_ = 0;
    BootTime next_tick_ = 0;
    BootTime next_purge_ = 0;
};

}  // namespace tombolo::hub
