// The rows of tombolo_log: one captured operation each, the first of a transaction with its context before it.
//
//   body    := [context] op                              context: only where the low 32 bits of position are zero
//   context := id(16 bytes) epoch seq seen-time wall boot boot-id(16 bytes) [1 subject(bytes) | 0]
//   op      := kind(1 byte) [moved] table …              varints; kind | 0x80: `moved` follows
//     1 insert       key                                 record, to the end
//     2 update       key(bytes) {column old new}*        changed cells only
//     3 erase        value*                              the image, one per stored column
//     4 erase slice  key(bytes) from value*              part of the image of a very wide row, from column `from` on
//
// An operation with `moved` = n happened before the n operations that stand right before it in the log: a trigger of the
// application fired between a row's change and our trigger for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "base/ids.h"

namespace tombolo::device {

inline constexpr int position_index_bits = 32;  // position = transaction number << 32 | index
inline constexpr uint64_t position_index_mask = (uint64_t{1} << position_index_bits) - 1;

// Persisted: never renumber.
enum class LogKind : uint8_t { insert = 1, update = 2, erase = 3, erase_slice = 4 };

// What a transaction's author could have known, and when he wrote, by every clock there is.
struct LogContext {
    TransactionId id;
    Cursor seen;
    HubTime seen_time = 0;
    WallTime wall = 0;
    BootTime boot = 0;
    BootId boot_id;
    std::optional<std::string> subject;
    bool operator==(const LogContext&) const = default;
};

void put_context(std::string& out, const LogContext& context);
bool read_context(Reader& in, LogContext& context);

// A view into a log row.
struct LogOp {
    LogKind kind = LogKind::insert;
    uint64_t moved = 0;
    uint64_t table_id = 0;
    std::string_view key;  // not of an erase: its image holds it
    uint64_t from = 0;     // erase_slice only
    Reader rest;           // update: cells; erase, erase_slice: values
};

inline void begin_op(std::string& out, LogKind kind, uint64_t moved, uint64_t table_id) {
    out.push_back(static_cast<char>(static_cast<uint8_t>(kind) | (moved != 0 ? 0x80 : 0)));
    if (moved != 0) put_varint(out, moved);
    put_varint(out, table_id);
}
bool read_op(Reader& in, LogOp& op);

}  // namespace tombolo::device
