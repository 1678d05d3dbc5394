// Any bytes are rows, or an Error; what was read is written, and read again, as the same number of things.
#include <cstdlib>
#include <string_view>

#include "fuzz_schema.h"
#include "tombolo/error.h"
#include "wire/rows.h"

namespace {

using namespace tombolo;

const Schema schema = fuzz::schema();

size_t count(std::string_view rows) {
    wire::ChangeReader reader(schema, rows);
    size_t changes = 0;
    while (reader.next() != nullptr)
        ++changes;
    return changes;
}

template <typename Read>
void expect_refusal_at_worst(Read read) {
    try {
        read();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::protocol && error.code() != ErrorCode::schema) std::abort();
    }
}

void read_changes(std::string_view rows) {
    wire::ChangeReader reader(schema, rows);
    wire::ChangeWriter writer;
    size_t changes = 0;
    while (const ChangeView* change = reader.next()) {
        writer.add(*change);
        ++changes;
    }
    if (count(writer.take()) != changes) std::abort();
}

void read_rows(std::string_view rows) {
    wire::RowReader reader(schema, rows);
    wire::RowWriter writer;
    while (const wire::RowView* row = reader.next()) {
        if (row->gone) {
            writer.add_gone(*row->table, row->key, row->reason, row->meta, row->has_image ? &row->values : nullptr);
        } else {
            writer.add_row(*row->table, row->values, row->meta);
        }
    }
    const std::string written = writer.take();
    wire::RowReader again(schema, written);
    while (again.next() != nullptr) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view rows(reinterpret_cast<const char*>(data), size);
    expect_refusal_at_worst([rows] { read_changes(rows); });
    expect_refusal_at_worst([rows] { read_rows(rows); });
    return 0;
}
