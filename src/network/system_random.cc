#include "network/system_random.h"

#include <sys/random.h>

#include <cerrno>

#include "tombolo/error.h"

namespace tombolo::network {

void SystemRandom::fill(void* bytes, size_t size) {
    auto* at = static_cast<char*>(bytes);
    while (size > 0) {
        const ssize_t got = ::getrandom(at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw Error(ErrorCode::internal, "the kernel gives no random bytes");
        at += got;
        size -= static_cast<size_t>(got);
    }
}

}  // namespace tombolo::network
