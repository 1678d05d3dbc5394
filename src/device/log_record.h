// The rows of tombolo_log: the captured operations of one transaction in the order in which they happened, cut into chunks near
// 64 KiB. The first chunk has the transaction's context before them.
//
//   body    := [context] op*
//   context := id(16 bytes) epoch seq seen-time wall boot boot-id(16 bytes) [1 subject(bytes) | 0]
//   op      := size, then in so many bytes: kind(1 byte) table …           varints
//     1 insert   key                                 record, to the end
//     2 update   key(bytes) {column old new}*        changed cells only, columns ascending
//     3 erase    value*                              the image, one per stored column
//     4 keep     key(bytes) {column value}*          cells that were decided to stay as they are; none: the row
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "base/ids.h"

namespace tombolo::device {

inline constexpr int position_index_bits = 32;  // position = transaction number << 32 | chunk

// Persisted: never renumber.
enum class LogKind : uint8_t { insert = 1, update = 2, erase = 3, keep = 4 };

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

// How a committed transaction is called from then on.
struct CapturedTransaction {
    uint64_t number = 0;  // 0: there is none
    TransactionId id;
};

void put_context(std::string& out, const LogContext& context);
bool read_context(Reader& in, LogContext& context);

// A view into a log row.
struct LogOp {
    LogKind kind = LogKind::insert;
    uint64_t table_id = 0;
    std::string_view key;  // not of an erase: its image holds it
    Reader rest;           // update, keep: cells; erase: values
};

inline void begin_op(std::string& out, LogKind kind, uint64_t table_id) {
    out.push_back(static_cast<char>(kind));
    put_varint(out, table_id);
}
bool read_op(Reader& in, LogOp& op);  // the next of a chunk

}  // namespace tombolo::device
