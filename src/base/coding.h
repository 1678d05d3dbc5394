// Varints and length-prefixed bytes, the alphabet of every format of ours (outbox, wire, hub file).
//
//   varint   unsigned LEB128: seven bits a byte, low first, high bit says "more"; at most 10 bytes, never longer than needed
//   signed   zigzag, then varint
//   bytes    varint length, then the bytes
//
// Reader never reads past its end and never allocates: it hands out views. After the first mistake it stays failed.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tombolo {

inline void put_varint(std::string& out, uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}

inline void put_signed(std::string& out, int64_t value) { put_varint(out, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63)); }

inline void put_bytes(std::string& out, std::string_view bytes) {
    put_varint(out, bytes.size());
    out.append(bytes);
}

inline void put_fixed64(std::string& out, uint64_t value) {  // little endian
    char raw[8];
    for (int i = 0; i < 8; ++i)
        raw[i] = static_cast<char>(value >> (8 * i));
    out.append(raw, 8);
}

class Reader {
public:
    Reader() = default;
    explicit Reader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    bool failed() const { return failed_; }
    bool at_end() const { return at_ == end_; }
    size_t left() const { return static_cast<size_t>(end_ - at_); }
    const char* position() const { return at_; }
    std::string_view rest() const { return {at_, left()}; }

    uint8_t byte() {
        if (at_ == end_) return fail(), uint8_t{0};
        return static_cast<uint8_t>(*at_++);
    }
    uint64_t varint() {
        uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (at_ == end_) return fail(), 0;
            const auto next = static_cast<uint8_t>(*at_++);
            if (shift == 63 && next > 1) return fail(), 0;  // a 65th bit
            value |= static_cast<uint64_t>(next & 0x7F) << shift;
            if (next == 0 && shift > 0) return fail(), 0;  // a longer form than needed: equal keys would have unequal bytes
            if (next < 0x80) return value;
        }
        return fail(), 0;
    }
    int64_t signed_varint() {
        const uint64_t raw = varint();
        return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
    }
    uint64_t fixed64() {
        const std::string_view raw = take(8);
        uint64_t value = 0;
        for (size_t i = 0; i < raw.size(); ++i)
            value |= static_cast<uint64_t>(static_cast<uint8_t>(raw[i])) << (8 * i);
        return value;
    }
    std::string_view bytes() {
        const uint64_t size = varint();
        return take(size);
    }
    std::string_view take(uint64_t size) {
        if (size > left()) return fail(), std::string_view{};
        const std::string_view view(at_, size);
        at_ += size;
        return view;
    }
    // A count of things that each take at least one byte, so a hostile count cannot make us reserve memory.
    uint64_t count() {
        const uint64_t n = varint();
        if (n > left()) return fail(), 0;
        return n;
    }
    void fail() {
        failed_ = true;
        at_ = end_;
    }

private:
    const char* at_ = nullptr;
    const char* end_ = nullptr;
    bool failed_ = false;
};

}  // namespace tombolo
