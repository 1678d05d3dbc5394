#include "device/net_changes.h"

#include <functional>

#include "model/record.h"
#include "tombolo/error.h"

namespace tombolo::device {

namespace {
[[noreturn]] void fail_log() { throw Error(ErrorCode::corrupt, "the log of local writes cannot be read", "restore the file from a backup"); }
}  // namespace

const Table& table_of_op(const Schema& schema, const LogOp& op) {
    if (op.table_id == 0 || op.table_id > schema.tables.size()) fail_log();
    return schema.tables[op.table_id - 1];
}

uint64_t hash_row(uint64_t table_id, std::string_view key) {
    const uint64_t hash = std::hash<std::string_view>{}(key) ^ (table_id * 0x9E3779B97F4A7C15);
    return (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93;
}

std::string_view key_of_op(const Table& table, const LogOp& op, std::string& buffer) {
    if (op.kind != LogKind::erase) return op.key;
    std::vector<ValueView> image;
    Reader in = op.rest;
    while (!in.at_end())
        image.push_back(read_value(in));
    if (in.failed() || image.size() > table.columns.size()) fail_log();
    buffer.clear();
    for (const uint32_t column : table.key) {
        if (column >= image.size()) fail_log();
        put_value(buffer, image[column]);
    }
    return buffer;
}

void RowNet::add(const Table& table, const LogOp& op) {
    const bool first = base.empty() && last.empty() && !inserted && !kept;
    Reader in = op.rest;
    switch (op.kind) {
        case LogKind::insert:
            inserted = true;
            exists = true;
            last.clear();
            return;
        case LogKind::update:
            if (first) existed = true;
            exists = true;
            while (!in.at_end()) {
                const auto column = static_cast<uint32_t>(in.varint());
                const ValueView before = read_value(in);
                const ValueView after = read_value(in);
                if (in.failed() || column >= table.columns.size()) fail_log();
                if (existed && !inserted) base.try_emplace(column, Value(before));
                last[column] = Value(after);
            }
            return;
        case LogKind::keep:
            if (first) existed = true;
            exists = kept = true;
            while (!in.at_end()) {
                const auto column = static_cast<uint32_t>(in.varint());
                const ValueView value = read_value(in);
                if (in.failed() || column >= table.columns.size()) fail_log();
                if (existed && !inserted) base.try_emplace(column, Value(value));
                last[column] = Value(value);
                kept_cells.insert(column);
            }
            return;
        case LogKind::erase:
            if (first) existed = true;
            exists = false;
            last.clear();
            for (uint32_t column = 0; !in.at_end(); ++column) {
                const ValueView value = read_value(in);
                if (in.failed() || column >= table.columns.size()) fail_log();
                if (existed && !inserted) base.try_emplace(column, Value(value));
            }
            return;
    }
}

}  // namespace tombolo::device
