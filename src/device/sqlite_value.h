// SQLite's own values as ours, without a copy. Valid as long as SQLite says: during the call that handed them out.
#pragma once

#include <sqlite3.h>

#include "tombolo/value.h"

namespace tombolo::device {

// Text is UTF-8: a device file in another encoding is refused. `is_real`: of a column of REAL affinity, so that an INTEGER is but a shorter way to
// store it.
inline ValueView view_of(sqlite3_value* value, bool is_real = false) {
    switch (sqlite3_value_type(value)) {
        case SQLITE_INTEGER:
            if (is_real) return ValueView::real(static_cast<double>(sqlite3_value_int64(value)));
            return ValueView::integer(sqlite3_value_int64(value));
        case SQLITE_FLOAT: return ValueView::real(sqlite3_value_double(value));
        case SQLITE_TEXT: {
            // sqlite3_value_text would copy it, for a zero behind it.
            const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
            return ValueView::text({bytes, static_cast<size_t>(sqlite3_value_bytes(value))});
        }
        case SQLITE_BLOB: {
            const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
            return ValueView::blob({bytes, static_cast<size_t>(sqlite3_value_bytes(value))});
        }
        default: return {};
    }
}

}  // namespace tombolo::device
