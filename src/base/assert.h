// TOMBOLO_ASSERT: an invariant that must hold in every build. Throws Error(internal), so that one device or peer fails, not the process.
#pragma once

#include <string>

#include "tombolo/error.h"

namespace tombolo {
[[noreturn]] inline void assertion_failed(const char* what, const char* file, int line) {
    throw Error(ErrorCode::internal, std::string("invariant broken: ") + what + " (" + file + ":" + std::to_string(line) + ")",
                "this is a bug in Tombolo; please report it with what the program was doing");
}
}  // namespace tombolo

#define TOMBOLO_ASSERT(condition) ((condition) ? static_cast<void>(0) : ::tombolo::assertion_failed(#condition, __FILE__, __LINE__))
