// A record: a list of SQL values as bytes. The one encoding of values in outbox, wire and hub file.
//
//   value := 0                       NULL
//          | 1 signed-varint         INTEGER
//          | 2 eight bytes           REAL, IEEE 754 bits, little endian
//          | 3 bytes                 TEXT
//          | 4 bytes                 BLOB
//          | 16 + n                  INTEGER n, 0 <= n < 112 (one byte)
//          | 128 + n, n bytes        TEXT of n bytes, n < 128
//
// The encoding is canonical: one value has exactly one form, so equal keys have equal bytes.
// A row key is the record of its key columns, in key order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/coding.h"
#include "tombolo/value.h"

namespace tombolo {

void put_value(std::string& out, const ValueView& value);
// A view into the reader's bytes. Fails the reader on anything that is not the canonical form.
ValueView read_value(Reader& in);

template <typename Values>
std::string encode_record(const Values& values) {
    std::string out;
    for (const auto& value : values)
        put_value(out, value);
    return out;
}
// Appends the values in `record` to `out`; false when the bytes are not a record.
bool decode_record(std::string_view record, std::vector<ValueView>& out);

}  // namespace tombolo
