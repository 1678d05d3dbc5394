#include "wire/frame.h"

#include <fmt/format.h>
#include <zstd.h>

#include <memory>

#include "base/assert.h"
#include "base/coding.h"
#include "base/limits.h"
#include "tombolo/error.h"

namespace tombolo::wire {

namespace {

constexpr uint8_t flag_compressed = 1;

// Parts of checkpoints and pushes: level 4 takes twice the time of level 1 (a millisecond a part more) and saves 9 % of the bytes of
// rows with random keys; above it, little is gained. Smaller messages gain nothing from it.
constexpr size_t bulk_bytes_min = size_t{64} << 10;
constexpr int bulk_level = 4;

[[noreturn]] void fail_too_large(uint64_t size, size_t size_max) {
    throw Error(ErrorCode::too_large, fmt::format("a message of {} bytes is over the limit of {} bytes", size, size_max));
}

[[noreturn]] void fail_malformed(std::string_view what) { throw Error(ErrorCode::protocol, fmt::format("a message {}", what)); }

// One context a thread, since making one costs ten times what a small message does. They carry nothing from call to call.
ZSTD_CCtx* compressor() {
    thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
    TOMBOLO_ASSERT(context != nullptr);
    return context.get();
}

ZSTD_DCtx* decompressor() {
    thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
    TOMBOLO_ASSERT(context != nullptr);
    return context.get();
}

// False when compression would not make it smaller; `out` is then as before.
bool append_compressed(std::string& out, std::string_view body) {
    const size_t start = out.size();
    put_varint(out, body.size());
    const size_t head = out.size();
    // A destination of the plain size is enough: what does not fit is not worth sending compressed.
    out.resize(start + body.size());
    const int level = body.size() < bulk_bytes_min ? limits::zstd_level : bulk_level;
    const size_t written = ZSTD_compressCCtx(compressor(), out.data() + head, out.size() - head, body.data(), body.size(), level);
    out.resize(ZSTD_isError(written) != 0 ? start : head + written);
    return out.size() > start;
}

void inflate(std::string_view packed, uint64_t size, std::string& out) {
    if (ZSTD_getFrameContentSize(packed.data(), packed.size()) != size) fail_malformed("inflates to another size than it says");
    if (ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size()) fail_malformed("holds more than one frame, or less");
    out.resize(size);
    const size_t written = ZSTD_decompressDCtx(decompressor(), out.data(), out.size(), packed.data(), packed.size());
    if (ZSTD_isError(written) != 0 || written != size) fail_malformed("cannot be inflated");
}

}  // namespace

std::string put_frame(uint8_t type, std::string_view body) {
    std::string out;
    out.push_back(static_cast<char>(type));
    out.push_back(flag_compressed);
    if (body.size() >= limits::compress_bytes_min && append_compressed(out, body)) return out;
    out.back() = 0;
    out.append(body);
    return out;
}

Frame read_frame(std::string_view message, size_t size_max, std::string& inflated) {
    if (message.size() > size_max) fail_too_large(message.size(), size_max);
    Reader in(message);
    const uint8_t type = in.byte();
    const uint8_t flags = in.byte();
    if (in.failed()) fail_malformed("is shorter than its two first bytes");
    if (flags == 0) return {type, in.rest()};
    if (flags != flag_compressed) fail_malformed("has flags that this version does not know");

    const uint64_t size = in.varint();
    if (in.failed() || size == 0) fail_malformed("has no proper size");
    if (size > size_max) fail_too_large(size, size_max);
    inflate(in.rest(), size, inflated);
    return {type, inflated};
}

}  // namespace tombolo::wire
