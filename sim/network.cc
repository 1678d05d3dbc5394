#include "sim/network.h"

namespace tombolo::sim {

void Network::set_link(size_t device, bool up) {
    if (up) {
        down_.erase(device);
        return;
    }
    down_[device] = true;
    const auto found = current_.find(device);
    if (found != current_.end()) cut(found->second, true, random_.chance(700));
}

void Network::hub_crashed() {
    const auto wires = std::exchange(peers_, {});
    for (const auto& [peer, wire] : wires) {
        wire->hub_end = false;
        cut(wire, random_.chance(900), false);
    }
}

void Network::connect(size_t device) {
    auto wire = std::make_shared<Wire>();
    wire->device = device;
    wire->incarnation = devices_.at(device)->incarnation();
    current_[device] = wire;
    schedule_.after(delay(), [this, wire] {
        if (!wire->device_end) return;
        const bool refused = !hub_.up() || random_.chance(faults_.refuse_per_thousand);
        const bool foreign = random_.chance(faults_.foreign_per_thousand);
        if (!link(wire->device) || refused || foreign) {
            wire->device_end = false;
            const auto cause = !link(wire->device) ? world::CloseCause::silent : foreign ? world::CloseCause::foreign : world::CloseCause::refused;
            tell_device(wire, [cause](device::Driver& driver) { driver.lost(cause, Error(ErrorCode::unreachable, "no connection")); });
            return;
        }
        wire->peer = hub_.open();
        wire->hub_end = true;
        peers_[wire->peer] = wire;
        tell_device(wire, [](device::Driver& driver) { driver.opened(); });
    });
}

void Network::disconnect(size_t device) {
    const auto found = current_.find(device);
    if (found == current_.end()) return;
    const WirePtr wire = found->second;
    current_.erase(found);
    cut(wire, false, random_.chance(800));
}

// Either end may learn of the cut later than the other, and what is on its way to an end that was not told still arrives.
void Network::cut(const WirePtr& wire, bool tell_the_device, bool tell_the_hub) {
    if (tell_the_device && wire->device_end) {
        schedule_.after(delay(), [this, wire] {
            if (!wire->device_end) return;
            wire->device_end = false;
            tell_device(wire, [](device::Driver& driver) {
                driver.lost(world::CloseCause::closed, Error(ErrorCode::unreachable, "the connection was cut"));
            });
        });
    } else {
        wire->device_end = false;
    }
    if (!wire->hub_end) return;
    if (!tell_the_hub) {
        wire->mute = true;
        return;
    }
    schedule_.after(delay() * 3, [this, wire] {
        if (!wire->hub_end) return;
        wire->hub_end = false;
        peers_.erase(wire->peer);
        hub_.closed(wire->peer);
    });
}

void Network::maybe_break(const WirePtr& wire) {
    if (random_.chance(faults_.half_open_per_thousand)) wire->mute = true;
    if (random_.chance(faults_.cut_per_thousand)) cut(wire, true, random_.chance(700));
}

void Network::send(size_t device, std::string message) {
    const auto found = current_.find(device);
    if (found == current_.end()) return;
    const WirePtr wire = found->second;
    maybe_break(wire);
    const size_t size = message.size();
    wire->unsent_up += size;
    wire->last_up = std::max(wire->last_up, schedule_.now() + delay());
    ++messages_;
    schedule_.at(wire->last_up, [this, wire, size, text = std::move(message)] {
        wire->unsent_up -= size;
        if (wire->hub_end && !wire->mute) hub_.receive(wire->peer, text);
        if (wire->device_end) tell_device(wire, [&](device::Driver& driver) { driver.sent(wire->unsent_up); });
    });
}

void Network::send_to_device(uint64_t peer, std::string message) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    const WirePtr wire = found->second;
    maybe_break(wire);
    const size_t size = message.size();
    wire->unsent_down += size;
    wire->last_down = std::max(wire->last_down, schedule_.now() + delay());
    ++messages_;
    schedule_.at(wire->last_down, [this, wire, size, text = std::move(message)] {
        wire->unsent_down -= size;
        if (wire->device_end && !wire->mute) tell_device(wire, [&](device::Driver& driver) { driver.received(text); });
        if (wire->hub_end) hub_.room(wire->peer, wire->unsent_down);
    });
}

void Network::close_by_hub(uint64_t peer) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    const WirePtr wire = found->second;
    peers_.erase(found);
    wire->hub_end = false;
    // Behind everything already on its way.
    schedule_.at(std::max(wire->last_down, schedule_.now()) + 1, [this, wire] { cut(wire, !wire->mute, false); });
}

void Network::tell_device(const WirePtr& wire, const std::function<void(device::Driver&)>& what) {
    DeviceNode* device = devices_.at(wire->device);
    if (!device->up() || device->incarnation() != wire->incarnation) return;
    const auto now = current_.find(wire->device);
    if (now == current_.end() || now->second != wire) return;
    device->event(what);
}

}  // namespace tombolo::sim
