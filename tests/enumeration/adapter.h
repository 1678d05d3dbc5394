// The model's plain rows and changes as the product's merge wants them.
#pragma once

#include "merge/merge.h"
#include "tests/enumeration/model.h"

namespace tombolo::enumeration {

// A cell is a number. Where a policy takes values apart it is that many bits: 0b101 is the array [0,2], the object {"0":1,"2":1} or a
// text with the lines 0 and 2.
bool is_taken_apart(const World& world);
Value to_value(const World& world, int64_t number);
int64_t to_number(const Value& value);
void to_row_state(const World& world, int key, const Row& row, RowState& state);
Row to_row(const RowState& state);

class EntryChanges final : public ChangeSource {
public:
    EntryChanges() = default;
    EntryChanges(const World& world, const Entry& entry) { reset(world, entry); }
    void reset(const World& world, const Entry& entry);
    void rewind() override { at_ = 0; }
    const ChangeView* next() override;

private:
    const World* world_ = nullptr;
    const Entry* entry_ = nullptr;
    int at_ = 0;
    std::array<Value, columns> base_, values_;  // of the change at hand
    ChangeView view_;
};

// The hub's rows; remembers which were written.
class HubRows final : public merge::Rows {
public:
    HubRows(const World& world, std::array<Row, rows_max>& rows) : world_(world), rows_(rows) {}
    Existence find(const Table& table, std::string_view key, RowState& state) override;
    void write(const Table& table, std::string_view key, Existence before, const RowState& after) override;
    std::vector<merge::RowName> dead_by(Seq death) override;
    unsigned written = 0;  // bit per row

private:
    const World& world_;
    std::array<Row, rows_max>& rows_;
};

}  // namespace tombolo::enumeration
