#include "wire/fragment.h"

#include <algorithm>
#include <cstdint>

namespace tombolo::wire {

namespace {
constexpr uint8_t type_more = 254;
constexpr uint8_t type_last = 255;
}  // namespace

std::optional<Fragment> read_fragment(std::string_view transport_message) {
    if (transport_message.empty()) return std::nullopt;
    const auto type = static_cast<uint8_t>(transport_message.front());
    if (type != type_more && type != type_last) return std::nullopt;
    return Fragment{type == type_last, transport_message.substr(1)};
}

std::string Fragmenter::next() {
    const std::string& message = messages_.front();
    const size_t size = std::min(limits::fragment_bytes_max, message.size() - at_);
    const bool last = at_ + size == message.size();
    std::string fragment;
    fragment.reserve(size + 1);
    fragment.push_back(static_cast<char>(last ? type_last : type_more));
    fragment.append(message, at_, size);
    at_ = last ? 0 : at_ + size;
    if (last) messages_.pop_front();
    return fragment;
}

}  // namespace tombolo::wire
