#include "wire/item.h"

namespace tombolo::wire {

Item ItemReader::kind() {
    const uint8_t byte = in.byte();
    if (in.failed()) fail("it is cut short");
    if (byte > static_cast<uint8_t>(Item::update_with_edits)) fail("an item is of an unknown kind");
    return static_cast<Item>(byte);
}

Item ItemReader::next() {
    is_first_ = false;
    if (in_section_) {
        const Item item = kind();
        if (item != Item::end) return item;
        in_section_ = false;
    }
    if (in.at_end()) return Item::end;
    read_section(in, schema_, section_);
    const Item item = kind();
    if (item == Item::end) fail("it is empty");
    in_section_ = true;
    is_first_ = true;
    return item;
}

std::string_view ItemReader::key() {
    const std::string_view key = in.bytes();
    Reader record(key);
    for (size_t i = 0; i < table().key.size(); ++i)
        read_value(record);
    if (in.failed() || record.failed() || !record.at_end()) fail("a key is not one of its table");
    return key;
}

}  // namespace tombolo::wire
