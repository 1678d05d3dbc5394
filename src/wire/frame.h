// The envelope of a message: its type, and its body plain or as one zstd frame (format: wire/codec.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tombolo::wire {

// Compresses a body of limits::compress_bytes_min and more where that makes it smaller.
std::string put_frame(uint8_t type, std::string_view body);

struct Frame {
    uint8_t type = 0;
    std::string_view body;  // into the message, or into `inflated`
};

// `inflated` takes the body of a compressed message. Throws Error(too_large) before any memory is taken for a body over
// `size_max`, Error(protocol) on everything that is not exactly one frame.
Frame read_frame(std::string_view message, size_t size_max, std::string& inflated);

}  // namespace tombolo::wire
