// A device's way to its hub: one WebSocket, plain or over TLS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/limits.h"
#include "network/event_loop.h"
#include "network/url.h"
#include "world/transport.h"

namespace tombolo::network {

struct ConnectOptions {
    HubUrl url;
    std::string ca_file = {};                                // PEM; empty: the system's authorities
    bool verify_peer = true;                                 // false: takes any certificate; for trials with a self-signed one
    int64_t timeout = limits::handshake_timeout;             // microseconds, for name, connection, TLS and upgrade together
    bool ask_who_is_there = false;                           // first a probe (probe.h): nothing is sent to others than a hub
    size_t message_bytes_max = limits::transport_bytes_max;  // a longer message from the hub closes the connection
};

// Begins to connect and returns at once. Calls `handler` on the loop: on_open, or on_closed with
//   silent    the name is not known, nobody is there, or nobody answered in time
//   refused   the connection was refused, or a hub declined with an HTTP status
//   unroutable  this machine has no route or no address for it
//   foreign   an answer that no hub gives, or a certificate that is not good for this host
// The transport must be gone before `handler` is, and before the loop is. Messages may be sent before on_open.
std::unique_ptr<world::Transport> connect(EventLoop& loop, const ConnectOptions& options, world::TransportHandler& handler);

}  // namespace tombolo::network
