// The door to what the system knows of its networks. All of its sources are optional: they prompt an attempt or end a wait, and
// the traffic with the hub alone decides that a device is online.
#pragma once

#include "tombolo/network.h"

namespace tombolo::world {

// In order of trust: who knows better comes first.
enum class SignalSource { application, manager, kernel };

struct NetworkSignal {
    NetworkHint says;
    bool moved = false;  // links, addresses or routes are not what they were: open connections may be dead, waits may be over
};

class NetworkStateHandler {
public:
    virtual ~NetworkStateHandler() = default;
    virtual void on_network(SignalSource source, const NetworkSignal& signal) = 0;
};

// Tells its handler once soon after it was made, and at every change, on the loop, for as long as it lives.
class NetworkStateSource {
public:
    virtual ~NetworkStateSource() = default;
};

}  // namespace tombolo::world
