// Numbers and identities as distinct types that do not mix.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tombolo {

// A counter that cannot be confused with another counter. Zero means "none yet" for all of them.
template <typename Tag>
struct Number {
    uint64_t value = 0;
    constexpr auto operator<=>(const Number&) const = default;
    constexpr Number next() const { return {value + 1}; }
};

using Seq = Number<struct SeqTag>;                              // commit number in a space: 1, 2, 3 …
using Epoch = Number<struct EpochTag>;                          // stretch of a hub's history; random, so that two never agree by chance
using TransactionNumber = Number<struct TransactionNumberTag>;  // per site: 1, 2, 3 …

// 128 random bits; text form is 32 lower-case hex digits.
template <typename Tag>
struct Id {
    std::array<uint8_t, 16> bytes{};
    constexpr auto operator<=>(const Id&) const = default;
    constexpr bool is_nil() const { return *this == Id{}; }
    std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
    static std::optional<Id> from_bytes(std::string_view raw) {
        if (raw.size() != 16) return std::nullopt;
        Id id;
        for (size_t i = 0; i < 16; ++i)
            id.bytes[i] = static_cast<uint8_t>(raw[i]);
        return id;
    }
};

using SiteId = Id<struct SiteIdTag>;
using TransactionId = Id<struct TransactionIdTag>;
using BootId = Id<struct BootIdTag>;

// Where a device stands in the hub's history.
struct Cursor {
    Epoch epoch;
    Seq seq;
    constexpr bool operator==(const Cursor&) const = default;
};

// Microseconds since 1970-01-01T00:00:00Z on the hub's clock; one tick of the stamp order is one microsecond.
using HubTime = int64_t;
// Microseconds since 1970-01-01T00:00:00Z on this machine's own, possibly wrong, wall clock.
using WallTime = int64_t;
// Microseconds since this machine's boot, suspend included; comparable only under one BootId.
using BootTime = int64_t;

struct IdHash {
    template <typename Tag>
    size_t operator()(const Id<Tag>& id) const {
        return std::hash<std::string_view>{}(id.view());
    }
};

}  // namespace tombolo
