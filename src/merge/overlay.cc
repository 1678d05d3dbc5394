#include "merge/overlay.h"

#include <utility>

#include "base/assert.h"

namespace tombolo::merge {

void Overlay::begin(TransactionNumber number) {
    TOMBOLO_ASSERT(!open_);
    open_ = true;
    number_ = number;
}

void Overlay::commit() {
    TOMBOLO_ASSERT(open_);
    open_ = false;
    journal_.clear();
}

void Overlay::rollback() {
    TOMBOLO_ASSERT(open_);
    open_ = false;
    for (; !journal_.empty(); journal_.pop_back()) {
        Undo& undo = journal_.back();
        undo.entry->now = std::move(undo.now);
        undo.entry->written = undo.written;
        undo.entry->existence_changed_by = undo.existence_changed_by;
    }
}

Existence Overlay::find(const Table& table, std::string_view key, RowState& state) {
    state = entry(table, key).state();
    return state.existence;
}

void Overlay::write(const Table& table, std::string_view key, Existence before, const RowState& after) {
    TOMBOLO_ASSERT(open_);
    Entry& row = entry(table, key);
    TOMBOLO_ASSERT(row.state().existence == before);
    journal_.push_back({&row, std::move(row.now), row.written, row.existence_changed_by});
    row.now = after;
    row.written = true;
    if ((before == Existence::alive) != (after.existence == Existence::alive)) row.existence_changed_by = number_;
}

std::vector<RowName> Overlay::dead_by(Seq death) {
    std::vector<RowName> names;
    for (RowName& name : ground_.dead_by(death)) {
        const Entry* known = find_entry(*name.table, name.key);
        if (known == nullptr || !known->written) names.push_back(std::move(name));
    }
    for (const Entry& row : entries_) {
        if (row.written && row.now.existence == Existence::dead && row.now.meta.death.seq == death) names.push_back({row.table, row.key});
    }
    return names;
}

bool Overlay::is_hidden(const Table& table, std::string_view key) { return ground_.is_hidden && ground_.is_hidden(table, key); }

const Overlay::Entry* Overlay::find_entry(const Table& table, std::string_view key) const {
    const auto found = index_.find({&table, key});
    return found == index_.end() ? nullptr : found->second;
}

Overlay::Entry& Overlay::entry(const Table& table, std::string_view key) {
    const auto found = index_.find({&table, key});
    if (found != index_.end()) return *found->second;
    RowState under;
    under.existence = ground_.load(table, key, under);
    Entry& row = entries_.emplace_back();
    row.table = &table;
    row.key = key;
    row.under = std::move(under);
    index_.emplace(Name{&table, row.key}, &row);
    return row;
}

}  // namespace tombolo::merge
