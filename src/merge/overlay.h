// Overlay: rows in memory on top of rows that lie elsewhere, with the means to take a transaction's writes back.
//
// A device predicts on it: what the hub's rows become under its pending transactions, before it touches a table.
// Rows are loaded at first use and kept; what is not written is only a cache.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "merge/merge.h"

namespace tombolo::merge {

// The rows below. `load` and `dead_by` mean what Rows::find and Rows::dead_by mean; is_hidden may be empty: nothing is hidden.
struct Ground {
    std::function<Existence(const Table& table, std::string_view key, RowState& state)> load;
    std::function<std::vector<RowName>(Seq death)> dead_by;
    std::function<bool(const Table& table, std::string_view key)> is_hidden;
};

class Overlay final : public Rows {
public:
    struct Entry {
        const Table* table = nullptr;
        std::string key;
        RowState under;  // as loaded
        RowState now;    // only if written
        bool written = false;
        TransactionNumber existence_changed_by;  // the last committed transaction that inserted, deleted or revived the row; 0: none
        const RowState& state() const { return written ? now : under; }
    };

    explicit Overlay(Ground ground) : ground_(std::move(ground)) {}

    // One transaction at a time: what is written after begin stays with commit, and is as it was before with rollback.
    void begin(TransactionNumber number);
    void commit();
    void rollback();

    Existence find(const Table& table, std::string_view key, RowState& state) override;
    void write(const Table& table, std::string_view key, Existence before, const RowState& after) override;
    std::vector<RowName> dead_by(Seq death) override;
    bool is_hidden(const Table& table, std::string_view key) override;

    // Every row that was looked at, in the order of first use. `written` may be true though `now` equals `under`.
    const std::deque<Entry>& entries() const { return entries_; }
    const Entry* find_entry(const Table& table, std::string_view key) const;

private:
    struct Name {
        const Table* table;
        std::string_view key;  // of the entry
        bool operator==(const Name&) const = default;
    };
    struct NameHash {
        size_t operator()(const Name& name) const {
            return std::hash<std::string_view>{}(name.key) ^ (std::hash<const void*>{}(name.table) * 0x9E3779B97F4A7C15U);
        }
    };
    struct Undo {
        Entry* entry;
        RowState now;
        bool written;
        TransactionNumber existence_changed_by;
    };

    Entry& entry(const Table& table, std::string_view key);

    Ground ground_;
    std::deque<Entry> entries_;  // a deque: entries never move
    std::unordered_map<Name, Entry*, NameHash> index_;
    std::vector<Undo> journal_;  // of the open transaction, oldest first
    TransactionNumber number_;
    bool open_ = false;
};

}  // namespace tombolo::merge
