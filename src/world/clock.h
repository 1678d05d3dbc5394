// The doors to time and chance. Device and hub logic reach the outside world through these alone, so that the simulator can
// stand in for it.
#pragma once

#include "base/ids.h"

namespace tombolo::world {

class Clock {
public:
    virtual ~Clock() = default;
    virtual WallTime wall() = 0;   // may be wrong, may jump
    virtual BootTime boot() = 0;   // monotonic, counts suspend
    virtual BootId boot_id() = 0;  // changes with every boot
};

}  // namespace tombolo::world
