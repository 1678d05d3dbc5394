#pragma once

#include "world/random.h"

namespace tombolo::network {

// The kernel's random bytes. May be used from any thread.
class SystemRandom final : public world::Random {
public:
    void fill(void* bytes, size_t size) override;
};

}  // namespace tombolo::network
