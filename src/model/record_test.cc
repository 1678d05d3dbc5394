// Records: every value comes back bit for bit, has one form only, and no mangled bytes are taken for a record.
#include "model/record.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/bytes.h"

namespace tombolo {
namespace {

using namespace std::string_literals;

std::vector<Value> special_values() {
    using Integers = std::numeric_limits<int64_t>;
    using Reals = std::numeric_limits<double>;
    std::vector<Value> values = {nullptr,
                                 0,
                                 1,
                                 -1,
                                 111,
                                 112,
                                 127,
                                 128,
                                 255,
                                 256,
                                 Integers::max(),
                                 Integers::min(),
                                 0.0,
                                 -0.0,
                                 1.0,
                                 Reals::denorm_min(),
                                 -Reals::denorm_min(),
                                 Reals::max(),
                                 Reals::min(),
                                 Reals::infinity(),
                                 -Reals::infinity(),
                                 std::bit_cast<double>(uint64_t{0x7FF8000000001234}),
                                 ""s,
                                 "a"s,
                                 "\0"s,
                                 "a\0b"s,
                                 "\xFF\xC0"s,
                                 Value::blob(""),
                                 Value::blob("\0\x80"s)};
    for (size_t size : {126, 127, 128, 129, 16383, 16384, 70000}) {
        values.emplace_back(std::string(size, 'x'));
        values.push_back(Value::blob(std::string(size, '\xFE')));
    }
    return values;
}

Value any_value() {
    switch (*rc::gen::inRange(0, 6)) {
        case 0: return nullptr;
        case 1: return Value(*rc::gen::arbitrary<int64_t>());
        case 2: return Value(std::bit_cast<double>(*rc::gen::arbitrary<uint64_t>()));
        case 3: return Value(*rc::gen::arbitrary<std::string>());
        case 4: return Value::blob(*rc::gen::arbitrary<std::string>());
        default: {
            const auto special = special_values();
            return special[*rc::gen::inRange<size_t>(0, special.size())];
        }
    }
}

Row any_row() {
    Row row;
    const int size = *rc::gen::inRange(0, 8);
    for (int i = 0; i < size; ++i)
        row.push_back(any_value());
    return row;
}

Row decoded(std::string_view record) {
    std::vector<ValueView> views;
    EXPECT_TRUE(decode_record(record, views));
    Row row;
    for (const ValueView& view : views)
        row.emplace_back(view);
    return row;
}

TEST(Record, bytes_are_as_documented) {
    const Row row = {nullptr, 0, 111, 112, -1, 1.0, "", "ab", Value::blob("c"), std::string(128, 'x')};
    EXPECT_EQ(to_hex(encode_record(row)).substr(0, 66),
              "00"
              "10"
              "7f"
              "01e001"
              "0101"
              "02000000000000f03f"
              "80"
              "826162"
              "040163"
              "038001"
              "787878787878");
}

TEST(Record, of_each_special_value_comes_back) {
    for (const Value& value : special_values())
        EXPECT_EQ(decoded(encode_record(Row{value})), Row{value});
}

TEST(Record, comes_back_whatever_it_holds) {
    EXPECT_TRUE(rc::check([] {
        const Row row = any_row();
        RC_ASSERT(decoded(encode_record(row)) == row);
    }));
}

TEST(Record, has_one_form_so_equal_rows_have_equal_bytes_and_others_differ) {
    EXPECT_TRUE(rc::check([] {
        const Row a = any_row();
        const Row b = any_row();
        RC_ASSERT((encode_record(a) == encode_record(b)) == (a == b));
    }));
}

TEST(Record, what_decodes_is_what_would_have_been_encoded) {
    EXPECT_TRUE(rc::check([] {
        const auto bytes = *rc::gen::arbitrary<std::string>();
        std::vector<ValueView> views;
        if (decode_record(bytes, views)) RC_ASSERT(encode_record(views) == bytes);
    }));
}

TEST(Record, forms_that_have_a_shorter_one_are_refused) {
    for (const std::string& bytes : {"\x01\x00"s, "\x01\x02"s, "\x01\xDE\x01"s,                          // 0, 1 and 111 as long integers
                                     "\x03\x00"s, "\x03\x01x"s, "\x03\x7F"s + std::string(127, 'x')}) {  // short texts as long ones
        std::vector<ValueView> views;
        EXPECT_FALSE(decode_record(bytes, views)) << to_hex(bytes);
    }
}

TEST(Record, unknown_tags_are_refused) {
    for (int tag = 5; tag < 16; ++tag) {
        std::vector<ValueView> views;
        EXPECT_FALSE(decode_record(std::string(1, static_cast<char>(tag)) + std::string(20, '\0'), views)) << tag;
    }
}

// A cut between two values leaves a shorter record; a cut anywhere else must be noticed.
TEST(Record, cut_at_any_byte_is_refused_or_is_its_own_beginning) {
    for (const Row& row :
         {Row{1, -1, 1.5, "text", Value::blob("blob"), nullptr}, Row{std::string(300, 'x')}, Row{Value::blob(std::string(300, 'x'))}}) {
        const std::string whole = encode_record(row);
        std::vector<size_t> borders = {0};
        for (size_t n = 1; n <= row.size(); ++n)
            borders.push_back(encode_record(Row(row.begin(), row.begin() + static_cast<long>(n))).size());
        for (size_t size = 0; size < whole.size(); ++size) {
            std::vector<ValueView> views;
            const bool at_border = std::find(borders.begin(), borders.end(), size) != borders.end();
            EXPECT_EQ(decode_record(std::string_view(whole).substr(0, size), views), at_border) << size;
        }
    }
}

TEST(Record, a_length_beyond_its_end_is_refused_before_anything_is_made_of_it) {
    for (const char tag : {'\x03', '\x04'}) {
        std::string bytes(1, tag);
        put_varint(bytes, std::numeric_limits<uint64_t>::max());
        std::vector<ValueView> views;
        EXPECT_FALSE(decode_record(bytes, views));
    }
}

}  // namespace
}  // namespace tombolo
