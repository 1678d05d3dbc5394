// A rejected transaction's changes as a new edit: written over the rows as they are now, with some values put right.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "device/table_rows.h"
#include "model/change.h"
#include "tombolo/rejection.h"

namespace tombolo::device {

class CorrectedChanges {
public:
    // `changes` are those of the rejected transaction. Error(usage) where a correction names no cell, or more than one.
    CorrectedChanges(ChangeSource& changes, const std::vector<Correction>& corrections, TableRows& rows);

    bool changes_a_key() const { return !new_keys_.empty(); }
    // The next change that is left to write; nullptr at the end. Valid until the next call. Error(constraint) if its row is gone.
    ChangeView* next();

private:
    struct Target {
        size_t change = 0;  // index
        uint32_t column = 0;
        Value value;
    };
    void resolve(const std::vector<Correction>& corrections);
    void require_free_keys();
    bool rewrite(const ChangeView& change, size_t index);
    bool rewrite_insert(const ChangeView& change, size_t index);
    bool rewrite_update(const ChangeView& change, size_t index);
    const Value* corrected(size_t index, uint32_t column) const;

    ChangeSource& changes_;
    TableRows& rows_;
    std::map<std::pair<size_t, uint32_t>, Value> targets_;  // by change and column
    std::map<size_t, std::string> new_keys_;                // inserts whose key is corrected
    size_t next_ = 0;
    ChangeView out_;
    std::vector<Value> present_;
    std::vector<Value> owned_;  // values made for out_
};

}  // namespace tombolo::device
