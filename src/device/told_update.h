// An UPDATE of one row whose hook has run, and whose cells its triggers are telling now.
//
// The hook can read an UPDATE, but each value costs a copy, whether it changed or not. A trigger is handed the changed columns for
// next to nothing. So where nothing can come between the two (CapturedTable::triggers_tell), the hook only opens the update here, and
// the triggers, one for each column that the statement sets, tell what it held and holds. Whatever happens next closes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "device/captured_table.h"
#include "tombolo/value.h"

namespace tombolo::device {

class ToldUpdate {
public:
    void open(const CapturedTable& table, int64_t rowid);
    bool is_open() const { return table_ != nullptr; }
    bool is_of(int64_t stamp, int64_t rowid) const { return table_ != nullptr && table_->stamp() == stamp && rowid_ == rowid; }
    const CapturedTable& table() const { return *table_; }

    // A trigger has fired; `key` is the row's.
    void tell_cell(uint32_t column, const ValueView& before, const ValueView& after, const ValueView* key);
    // The key's columns were written, and are what they were; or the row got another key, which was logged otherwise.
    void tell_same_key() { told_ = true; }
    void tell_logged();

    // The operation for the log; empty: nothing changed. Error(not_captured) if no trigger has fired. Valid until the next open.
    std::string_view close();
    void forget() { table_ = nullptr; }

private:
    struct Cell {
        uint32_t column = 0;
        size_t begin = 0, end = 0;  // in bytes_
    };

    const CapturedTable* table_ = nullptr;  // of the open update
    int64_t rowid_ = 0;
    bool told_ = false;
    bool logged_ = false;
    std::string key_, bytes_, operation_;
    std::vector<Cell> cells_;
};

}  // namespace tombolo::device
