// Messages to bytes and back. One message is one WebSocket binary message:
//
//   message := type(1 byte) flags(1 byte) [size varint] body
//   type    := index of the message in wire::Message
//   flags   := bit 0: body is one zstd frame that inflates to exactly `size` bytes; other bits are zero
//
// Bodies are the message's fields in declaration order (base/coding.h): numbers as varints, times as signed varints, ids as 16
// raw bytes, bool and enums as one byte, strings as bytes, optional as 0 | 1 value, lists as a count and the items. A
// PushPart's header is there in the first part only. Every length is checked before memory is taken, and the inflated size
// against `size_max` before inflating.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wire/message.h"

namespace tombolo::wire {

std::string encode(const Message& message);
// Throws Error(protocol) with what is wrong, or Error(too_large).
Message decode(std::string_view bytes, size_t size_max);

std::string_view name(const Message& message);  // "Hello", for errors and logs

inline constexpr size_t schema_bytes_max = size_t{4} << 20;  // encoded; four times the longest statement that SQLite takes

uint64_t hash_schema(const Schema& schema);  // FNV-1a of its encoded form; never 0
std::string encode_schema(const Schema& schema);
Schema decode_schema(std::string_view bytes);  // throws Error(protocol), Error(too_large)

}  // namespace tombolo::wire
