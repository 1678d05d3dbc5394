// The items of a section: what both readers share (format: wire/rows.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/section.h"

namespace tombolo::wire {

// Sent: never renumber.
enum class Item : uint8_t {
    end = 0,
    insert = 1,
    update = 2,
    erase = 3,
    insert_over_own_delete = 4,
    row = 5,
    gone = 6,
    gone_with_image = 7,
    update_with_edits = 8,
};

inline void put_item(std::string& out, Item item) { out.push_back(static_cast<char>(item)); }

// Goes from item to item, through all sections. The content of an item is left to the caller, who takes it from `in`.
class ItemReader {
public:
    ItemReader(const Schema& schema, std::string_view rows) : in(rows), schema_(schema) {}

    // Item::end after the last one. Throws as read_section.
    Item next();
    bool is_first() const { return is_first_; }  // of its section
    const Section& section() const { return section_; }
    const Table& table() const { return *section_.table; }
    [[noreturn]] void fail(std::string_view what) const { fail_section(section_, what); }

    // A key in the form of a record. Fails unless it has exactly the table's key columns.
    std::string_view key();
    // One value per section column into `slot(table column)`. Returns the row's key, valid until the next call.
    template <typename Slot>
    std::string_view values(Slot slot) {
        return read_values(in, section_, key_buffer_, slot);
    }

    Reader in;

private:
    Item kind();

    const Schema& schema_;
    Section section_;
    bool in_section_ = false;
    bool is_first_ = false;
    std::string key_buffer_;
};

}  // namespace tombolo::wire
