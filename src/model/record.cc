#include "model/record.h"

#include <bit>

namespace tombolo {

namespace {
constexpr uint8_t tag_small_integer = 16;
constexpr uint8_t tag_short_text = 128;
constexpr int64_t small_integers = tag_short_text - tag_small_integer;
constexpr size_t short_texts = 256 - tag_short_text;
}  // namespace

void put_value(std::string& out, const ValueView& value) {
    switch (value.type()) {
        case ValueType::null: out.push_back(0); return;
        case ValueType::integer: {
            const int64_t n = value.as_integer();
            if (n >= 0 && n < small_integers) {
                out.push_back(static_cast<char>(tag_small_integer + n));
            } else {
                out.push_back(1);
                put_signed(out, n);
            }
            return;
        }
        case ValueType::real:
            out.push_back(2);
            put_fixed64(out, std::bit_cast<uint64_t>(value.as_real()));
            return;
        case ValueType::text:
            if (value.bytes().size() < short_texts) {
                out.push_back(static_cast<char>(tag_short_text + value.bytes().size()));
                out.append(value.bytes());
            } else {
                out.push_back(3);
                put_bytes(out, value.bytes());
            }
            return;
        case ValueType::blob:
            out.push_back(4);
            put_bytes(out, value.bytes());
            return;
    }
}

ValueView read_value(Reader& in) {
    const uint8_t tag = in.byte();
    if (in.failed()) return {};
    if (tag >= tag_short_text) return ValueView::text(in.take(tag - tag_short_text));
    if (tag >= tag_small_integer) return ValueView::integer(tag - tag_small_integer);
    switch (tag) {
        case 0: return {};
        case 1: {
            const int64_t n = in.signed_varint();
            if (n >= 0 && n < small_integers) in.fail();
            return ValueView::integer(n);
        }
        case 2: return ValueView::real(std::bit_cast<double>(in.fixed64()));
        case 3: {
            const std::string_view bytes = in.bytes();
            if (bytes.size() < short_texts) in.fail();
            return ValueView::text(bytes);
        }
        case 4: return ValueView::blob(in.bytes());
        default: in.fail(); return {};
    }
}

bool decode_record(std::string_view record, std::vector<ValueView>& out) {
    Reader in(record);
    while (!in.at_end())
        out.push_back(read_value(in));
    return !in.failed();
}

}  // namespace tombolo
