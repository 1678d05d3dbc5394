// What the system says of its networks, from all the sources that this machine has.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "network/event_loop.h"
#include "world/network_state.h"

namespace tombolo::network {

// The sources that can be had here; none is no error. The handler must outlive them, and is not called before this returns.
std::vector<std::unique_ptr<world::NetworkStateSource>> watch_network(EventLoop& loop, world::NetworkStateHandler& handler);

// One look at the kernel's tables, for people.
struct Interface {
    int index = 0;
    std::string name;
    InterfaceKind kind = InterfaceKind::unknown;
    bool loopback = false;
    bool up = false;  // switched on, and with a carrier
    std::vector<std::string> addresses;
    bool operator==(const Interface&) const = default;
};
struct Route {
    std::string to;       // "default", or ADDRESS/BITS
    std::string through;  // gateway; empty: directly
    int interface_index = 0;
    bool operator==(const Route&) const = default;
};
struct NetworkTables {
    std::vector<Interface> interfaces;
    std::vector<Route> routes;  // to others than this machine
    bool operator==(const NetworkTables&) const = default;
};
NetworkTables read_network_tables();               // Error(unsupported) where there is no rtnetlink; Error(io)
NetworkHint hint_of(const NetworkTables& tables);  // what they amount to

}  // namespace tombolo::network
