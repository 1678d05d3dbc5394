#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ids.h"

namespace tombolo::world {

class Random {
public:
    virtual ~Random() = default;
    virtual void fill(void* bytes, size_t size) = 0;

    uint64_t number() {
        uint64_t value = 0;
        fill(&value, sizeof value);
        return value;
    }
    // Uniform in [0, bound); bound > 0. The modulo bias is below 2^-32 for the bounds used here.
    uint64_t below(uint64_t bound) { return number() % bound; }
    template <typename IdType>
    IdType id() {
        IdType result;
        fill(result.bytes.data(), result.bytes.size());
        return result;
    }
};

}  // namespace tombolo::world
