// Conflict policies (design: section 4), as data. Chosen per table and column in hub.toml, sent to devices in Welcome.
#pragma once

#include <cstdint>

namespace tombolo {

// Sent and persisted: never renumber.
enum class ColumnPolicy : uint8_t {
    lww = 0,
    hub = 1,
    device = 2,
    manual = 3,
    counter = 4,
    max = 5,
    min = 6,
    set = 7,
    json = 8,
    text = 9,
    sql = 10,
};
enum class DeleteMode : uint8_t { update_wins = 0, delete_wins = 1, manual = 2 };
enum class InsertMode : uint8_t { reject = 0, merge = 1 };

}  // namespace tombolo
