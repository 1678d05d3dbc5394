// Private to network/: what NetworkManager knows that the kernel does not: portals, metered networks, kinds of connections.
#pragma once

#include <memory>

#include "network/event_loop.h"
#include "world/network_state.h"

namespace tombolo::network {

// nullptr where there is no system bus. Where NetworkManager does not run, nothing is told. It is never started on our behalf.
std::unique_ptr<world::NetworkStateSource> watch_network_manager(EventLoop& loop, world::NetworkStateHandler& handler);

}  // namespace tombolo::network
