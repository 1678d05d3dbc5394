// A long message travels in fragments: each is a message of the transport, so the other side hears something while it comes, small
// messages pass in between, and nobody must take more than limits::fragment_bytes_max at a time from a stranger.
//
//   fragment := type(1 byte) bytes      type: 254 more follow, 255 the last
//
// The fragments of one message come in order; those of two messages are never mixed.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.h"

namespace tombolo::wire {

struct Fragment {
    bool last = false;
    std::string_view bytes;
};

// nullopt: a whole message (wire/codec.h).
std::optional<Fragment> read_fragment(std::string_view transport_message);

inline bool needs_fragments(std::string_view message) { return message.size() > limits::fragment_bytes_max; }

// Long messages on their way out, one after the other.
class Fragmenter {
public:
    void add(std::string message) { messages_.push_back(std::move(message)); }
    bool done() const { return messages_.empty(); }
    std::string next();  // frees a message with its last fragment
    void clear() { *this = {}; }

private:
    std::deque<std::string> messages_;
    size_t at_ = 0;  // in the first
};

}  // namespace tombolo::wire
