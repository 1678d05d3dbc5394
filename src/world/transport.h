// One message connection: whole binary messages, in order, both ways, until it closes. WebSocket in the real world, a queue in
// the simulator. Single-threaded: every call and every callback happens on the loop that made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tombolo/error.h"

namespace tombolo::world {

// Bytes of one connection as the machine's network stack counts them. Over a slow link they move long before a message is whole.
struct Traffic {
    uint64_t received = 0;
    uint64_t acknowledged = 0;  // of ours, by the other machine
    uint64_t under_way = 0;     // of ours: queued, or sent and not acknowledged
};

class Transport {
public:
    virtual ~Transport() = default;                                    // closes as close() does
    virtual void send(std::string message) = 0;                        // queued; never fails at once, a broken connection shows as on_closed
    virtual size_t unsent_bytes() const = 0;                           // queued here and not yet handed to the network
    virtual void close() = 0;                                          // what is queued still goes out; no callback follows
    virtual std::optional<Traffic> traffic() { return std::nullopt; }  // nothing: not to be had here
    virtual void set_message_bytes_max(size_t) {}                      // a longer message from the other side closes the connection
};

// Why a connection ended; it decides how soon the next attempt comes (limits.h, backoff).
enum class CloseCause {
    silent,      // no answer at all: no name, connect timed out, heartbeat missed
    refused,     // the host answered "no": connection refused, or HTTP error on upgrade
    closed,      // an established connection was closed by the other side
    foreign,     // somebody else answered in the hub's place: HTML, redirect, foreign TLS
    unroutable,  // this machine has no way there: no route, no address
};

class TransportHandler {
public:
    virtual ~TransportHandler() = default;
    virtual void on_open() = 0;
    virtual void on_message(std::string_view message) = 0;           // bytes valid during the call
    virtual void on_room() = 0;                                      // a message went out; unsent_bytes is below limits::send_window_bytes
    virtual void on_asked_to_wait(int64_t /*microseconds*/) {}       // the host said when it wants the next attempt; on_closed follows
    virtual void on_closed(CloseCause cause, const Error& why) = 0;  // last callback
};

}  // namespace tombolo::world
