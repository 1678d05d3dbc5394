#include "device/functions.h"

#include <array>

#include "base/bytes.h"
#include "device/row_states.h"
#include "sqlite/connection.h"

namespace tombolo::device {

std::string make_uuid(world::Random& random) {
    std::array<uint8_t, 16> bytes{};
    random.fill(bytes.data(), bytes.size());
    bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0F) | 0x40);  // version 4
    bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3F) | 0x80);  // variant of RFC 4122
    std::string text = to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    for (const size_t dash : {8, 13, 18, 23})
        text.insert(dash, 1, '-');
    return text;
}

void register_functions(sqlite3* db, world::Random& random) {
    const auto uuid = [](sqlite3_context* context, int /*argc*/, sqlite3_value** /*argv*/) {
        const std::string text = make_uuid(*static_cast<world::Random*>(sqlite3_user_data(context)));
        sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    };
    const int rc = sqlite3_create_function_v2(db, "tombolo_uuid", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, &random, uuid, nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) sqlite::throw_error(db, rc, "register tombolo_uuid");
    register_state_function(db);
}

}  // namespace tombolo::device
