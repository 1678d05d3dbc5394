#include "hub/hub.h"

#include <algorithm>

#include "tombolo/error.h"

namespace tombolo::hub {

namespace {

// How often silent peers are looked for, and the longest pause between two purges.
constexpr int64_t tick = limits::second;
constexpr int64_t purge_pause_max = 10 * 60 * limits::second;
// One purge holds the loop up for some ten milliseconds.
constexpr size_t purge_rows_max = 10000;
// Whoever could not be served because the storage failed comes back after this.
constexpr int64_t storage_retry_after = 5 * limits::second;

}  // namespace

Hub::Hub(HubOptions options, world::Clock& clock) : options_(std::move(options)), clock_(clock) { next_purge_ = next_tick_ = clock_.boot(); }

void Hub::add_space(std::string name, std::unique_ptr<store::Store> store) {
    SpaceMetrics& metrics = metrics_.spaces[name];
    spaces_[name] = std::make_unique<Space>(name, std::move(store), clock_, metrics, options_.retention, options_.text_cache_bytes);
}

Space* Hub::find_space(std::string_view name) {
    const auto found = spaces_.find(name);
    return found == spaces_.end() ? nullptr : found->second.get();
}

PeerWorld Hub::world() { return {actions_, metrics_, options_.program, peers_.size()}; }

Peer* Hub::find_peer(PeerId id) {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : found->second.get();
}

// --- connections ---

PeerId Hub::open(std::string_view space_name) {
    const std::string name(space_name.empty() ? std::string_view("main") : space_name);
    const PeerId id = ++last_peer_;
    peers_[id] = std::make_unique<Peer>(id, name, find_space(name), clock_.boot());
    ++metrics_.connections;
    return id;
}

void Hub::receive(PeerId id, std::string_view message) {
    Peer* peer = find_peer(id);
    if (peer == nullptr) return;
    ++metrics_.messages_in;
    metrics_.bytes_in += message.size();
    const bool was_open = peer->is_open();
    peer->receive(message, clock_.boot(), world());
    if (!was_open && peer->is_open()) replace_older(*peer);
    forget_closed();
}

// A device has one connection. An older one of the same site is a leftover whose end was not noticed yet.
void Hub::replace_older(const Peer& peer) {
    if (peer.site().value == 0) return;
    PeerId& current = peer_of_site_[{peer.space(), peer.site()}];
    if (Peer* older = find_peer(current); older != nullptr && older->id() != peer.id()) {
        peer.space()->forget_waiting(peer.site());
        older->refuse(Error(ErrorCode::closed, "the device has connected again"), 0, world());
    }
    current = peer.id();
}

void Hub::room(PeerId id, size_t unsent_bytes) {
    if (Peer* peer = find_peer(id)) {
        peer->room(unsent_bytes);
        feed(*peer);
    }
    forget_closed();
}

void Hub::closed(PeerId id) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    const auto of_site = peer_of_site_.find({found->second->space(), found->second->site()});
    if (of_site != peer_of_site_.end() && of_site->second == id) {
        of_site->first.first->forget_waiting(of_site->first.second);
        peer_of_site_.erase(of_site);
    }
    peers_.erase(found);
}

void Hub::forget_closed() {
    std::vector<PeerId> gone;
    for (const Action& action : actions_) {
        if (!action.message) gone.push_back(action.peer);
    }
    for (const PeerId id : gone)
        closed(id);
}

// --- commit ---

bool Hub::wants_commit() const {
    return std::any_of(spaces_.begin(), spaces_.end(), [](const auto& entry) { return entry.second->has_queue(); });
}

void Hub::commit() {
    for (auto& [name, space] : spaces_) {
        if (space->has_queue()) commit(*space);
    }
    forget_closed();
}

void Hub::commit(Space& space) {
    try {
        const std::vector<Space::Decided> decided = space.commit();
        for (const Space::Decided& one : decided)
            tell(space, one);
        feed_all(space);
    } catch (const Error& error) {
        fail(space, error);
    }
}

void Hub::tell(Space& space, const Space::Decided& decided) {
    const auto id = peer_of_site_.find({&space, decided.site});
    Peer* peer = id == peer_of_site_.end() ? nullptr : find_peer(id->second);
    if (decided.waiting.value != 0) return ask(space, decided, peer);
    if (peer == nullptr) return;
    if (decided.diverged)
        peer->refuse(Error(ErrorCode::diverged_copy, "another copy of this device's file has sent other transactions under the same numbers"), 0,
                     world());
    if (decided.verdict) peer->tell(*decided.verdict, world());
}

void Hub::ask(Space& space, const Space::Decided& decided, Peer* peer) {
    if (peer == nullptr || !peer->is_open()) return space.forget_waiting(decided.site);
    peer->ask(decided.waiting, decided.lacking, world());
}

void Hub::feed_all(Space& space) {
    for (auto& [id, peer] : peers_) {
        if (peer->space() == &space) feed(*peer);
    }
}

void Hub::feed(Peer& peer) {
    try {
        peer.feed(world());
    } catch (const Error& error) {
        peer.refuse(error, storage_retry_after, world());
    }
}

// Nothing of the group was answered, so its devices send it again; the others need not know.
void Hub::fail(Space& space, const Error& error) {
    for (const SiteNumber site : space.drop_queue()) {
        const auto id = peer_of_site_.find({&space, site});
        Peer* peer = id == peer_of_site_.end() ? nullptr : find_peer(id->second);
        if (peer != nullptr) peer->refuse(error, storage_retry_after, world());
    }
}

// --- time ---

void Hub::on_time() {
    const BootTime now = clock_.boot();
    if (now >= next_tick_) {
        next_tick_ = now + tick;
        close_silent(now);
    }
    if (now >= next_purge_) {
        next_purge_ = now + std::clamp<int64_t>(options_.retention / 100, tick, purge_pause_max);
        for (auto& [name, space] : spaces_)
            purge(*space);
    }
    forget_closed();
}

void Hub::close_silent(BootTime now) {
    for (auto& [id, peer] : peers_) {
        if (now >= peer->deadline()) peer->refuse(Error(ErrorCode::timed_out, "nothing was heard from the device for too long"), 0, world());
    }
}

void Hub::purge(Space& space) {
    Seq up_to = space.store().state().head;
    for (const auto& [id, peer] : peers_) {
        if (peer->space() == &space) up_to = std::min(up_to, peer->needs_tombstones_after());
    }
    try {
        const size_t purged = space.store().purge(space.time_now() - options_.retention, up_to, purge_rows_max);
        metrics_.spaces[space.name()].purged_tombstones += purged;
        if (purged == purge_rows_max) next_purge_ = clock_.boot();
    } catch (const Error&) {
        // A full disk keeps its tombstones; the next purge tries again.
    }
}

BootTime Hub::next_deadline() const { return peers_.empty() ? next_purge_ : std::min(next_tick_, next_purge_); }

std::vector<Action> Hub::take_actions() { return std::exchange(actions_, {}); }

std::string Hub::metrics_text() {
    for (auto& [name, space] : spaces_) {
        SpaceMetrics& metrics = metrics_.spaces[name];
        metrics.head = space->store().state().head.value;
        metrics.horizon = space->store().state().horizon.value;
        metrics.peers = 0;
    }
    for (const auto& [id, peer] : peers_) {
        if (peer->space() != nullptr) ++metrics_.spaces[peer->space()->name()].peers;
    }
    return prometheus_text(metrics_);
}

}  // namespace tombolo::hub
