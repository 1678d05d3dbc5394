#include "device/told_update.h"

#include <fmt/format.h>

#include <algorithm>

#include "device/log_record.h"
#include "model/record.h"
#include "tombolo/error.h"

namespace tombolo::device {

void ToldUpdate::open(const CapturedTable& table, int64_t rowid) {
    table_ = &table;
    rowid_ = rowid;
    told_ = logged_ = false;
    bytes_.clear();
    cells_.clear();
}

void ToldUpdate::tell_cell(uint32_t column, const ValueView& before, const ValueView& after, const ValueView* key) {
    told_ = true;
    if (logged_ || before == after) return;
    if (cells_.empty()) {
        key_.clear();
        for (size_t i = 0; i < table_->table().key.size(); ++i)
            put_value(key_, key[i]);
    }
    const size_t begin = bytes_.size();
    put_varint(bytes_, column);
    put_value(bytes_, before);
    put_value(bytes_, after);
    cells_.push_back({column, begin, bytes_.size()});
}

void ToldUpdate::tell_logged() {
    told_ = logged_ = true;
    cells_.clear();
}

// SQLite does not promise an order of triggers; the log has columns ascending.
std::string_view ToldUpdate::close() {
    const CapturedTable& table = *table_;
    table_ = nullptr;
    operation_.clear();
    std::sort(cells_.begin(), cells_.end(), [](const Cell& a, const Cell& b) { return a.column < b.column; });
    const auto twice = std::adjacent_find(cells_.begin(), cells_.end(), [](const Cell& a, const Cell& b) { return a.column == b.column; });
    if (!told_ || twice != cells_.end()) {
        throw Error(ErrorCode::not_captured, fmt::format("a trigger hides what an UPDATE of {} did", table.table().name),
                    "run the transaction again: triggers that were made after the connection's first write to the table are looked for then");
    }
    if (cells_.empty()) return operation_;
    begin_op(operation_, LogKind::update, table.id());
    put_bytes(operation_, key_);
    for (const Cell& cell : cells_)
        operation_.append(bytes_, cell.begin, cell.end - cell.begin);
    return operation_;
}

}  // namespace tombolo::device
