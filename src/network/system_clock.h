#pragma once

#include "world/clock.h"

namespace tombolo::network {

// This machine's clocks. May be used from any thread.
class SystemClock final : public world::Clock {
public:
    SystemClock();

    WallTime wall() override;
    BootTime boot() override;
    BootId boot_id() override { return boot_id_; }

private:
    BootId boot_id_;
};

}  // namespace tombolo::network
