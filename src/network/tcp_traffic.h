// What the kernel counts of one TCP connection.
#pragma once

#include <optional>

#include "world/transport.h"

namespace tombolo::network {

// `queued`: bytes that were not given to the kernel yet. nullopt: not to be had here, or the connection is gone.
std::optional<world::Traffic> tcp_traffic(int socket, uint64_t queued);

}  // namespace tombolo::network
