// Any bytes are a message or an Error; a message that was read is written, and read again, as the same.
#include <cstdlib>

#include "tombolo/error.h"
#include "wire/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tombolo;
    constexpr size_t size_max = size_t{1} << 20;
    try {
        const wire::Message message = wire::decode({reinterpret_cast<const char*>(data), size}, size_max);
        if (!(wire::decode(wire::encode(message), 2 * size_max) == message)) std::abort();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::protocol && error.code() != ErrorCode::too_large) std::abort();
    }
    return 0;
}
