// Digests of rows, to compare two replicas without sending them: a table is cut into buckets by key, and each bucket's rows add up
// to one sum, in any order. 64-bit FNV-1a, finished by the mixer of SplitMix64 so that sums of similar rows do not cancel out.
// It finds accidents, not forgeries.
#pragma once

#include <cstdint>
#include <string_view>

namespace tombolo {

inline constexpr uint32_t digest_buckets = 256;

inline uint64_t digest(std::string_view record) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char c : record)
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    return hash ^ (hash >> 31);
}

inline uint32_t digest_bucket(std::string_view key) { return static_cast<uint32_t>(digest(key) % digest_buckets); }

}  // namespace tombolo
