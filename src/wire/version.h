#pragma once

#include <cstdint>

namespace tombolo::wire {

// 1  first version (0.1.0)
inline constexpr uint32_t protocol_version = 1;
inline constexpr uint32_t protocol_oldest = 1;  // the oldest that is still understood

}  // namespace tombolo::wire
