// Systems without rtnetlink: the application's hints and the attempts themselves tell.
#include "network/network_state.h"
#include "tombolo/error.h"

namespace tombolo::network {

std::vector<std::unique_ptr<world::NetworkStateSource>> watch_network(EventLoop&, world::NetworkStateHandler&) { return {}; }

NetworkTables read_network_tables() { throw Error(ErrorCode::unsupported, "this system's network tables cannot be read yet"); }

NetworkHint hint_of(const NetworkTables&) { return {}; }

}  // namespace tombolo::network
