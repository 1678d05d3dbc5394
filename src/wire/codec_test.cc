#include "wire/codec.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "base/coding.h"
#include "base/limits.h"
#include "tombolo/error.h"
#include "wire/test_values.h"
#include "wire/version.h"

namespace tombolo::wire {
namespace {

using testing::any_message;
using testing::any_schema;

constexpr size_t size_max = limits::message_bytes_max;

// What a decoder says to hostile bytes; anything but an Error leaves through the test.
ErrorCode code_of(std::string_view bytes, size_t limit = size_max) {
    try {
        decode(bytes, limit);
        return ErrorCode::ok;
    } catch (const Error& error) {
        return error.code();
    }
}

bool is_refusal(ErrorCode code) { return code == ErrorCode::protocol || code == ErrorCode::too_large; }

// An envelope around `body`, saying that it inflates to `size` bytes.
std::string packed(uint8_t type, std::string_view body, uint64_t size) {
    std::string message{static_cast<char>(type), 1};
    put_varint(message, size);
    std::string frame(ZSTD_compressBound(body.size()), '\0');
    frame.resize(ZSTD_compress(frame.data(), frame.size(), body.data(), body.size(), 1));
    return message + frame;
}

TEST(Codec, EveryMessageComesBackAsItWas) {
    ASSERT_TRUE(rc::check([] {
        const Message message = any_message();
        const std::string bytes = encode(message);
        RC_ASSERT(decode(bytes, size_max) == message);
        RC_ASSERT(encode(decode(bytes, size_max)) == bytes);
    }));
}

TEST(Codec, AMessageCutAnywhereIsRefused) {
    ASSERT_TRUE(rc::check([] {
        const std::string bytes = encode(any_message());
        for (size_t size = 0; size < bytes.size(); ++size)
            RC_ASSERT(code_of(bytes.substr(0, size)) == ErrorCode::protocol);
        RC_ASSERT(code_of(bytes + '\0') == ErrorCode::protocol);
    }));
}

TEST(Codec, AFlippedBitIsRefusedOrAnotherMessage) {
    ASSERT_TRUE(rc::check([] {
        std::string bytes = encode(any_message());
        const auto bit = *rc::gen::inRange<size_t>(0, bytes.size() * 8);
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        const ErrorCode code = code_of(bytes);
        RC_ASSERT(code == ErrorCode::ok || is_refusal(code));
    }));
}

TEST(Codec, NoiseIsRefused) {
    ASSERT_TRUE(rc::check([] {
        std::string bytes = testing::any_bytes();
        const ErrorCode code = code_of(bytes);
        RC_ASSERT(code == ErrorCode::ok || is_refusal(code));
    }));
}

TEST(Codec, UnknownTypesAndFlagsAreRefused) {
    EXPECT_EQ(code_of(std::string_view("\x0e\x00", 2)), ErrorCode::protocol);
    EXPECT_EQ(code_of(std::string_view("\x03\x02\x07", 3)), ErrorCode::protocol);
    EXPECT_EQ(code_of(""), ErrorCode::protocol);
}

TEST(Codec, LargeBodiesTravelCompressed) {
    CheckpointPart part;
    part.rows = std::string(100'000, 'r');
    const std::string bytes = encode(part);
    EXPECT_LT(bytes.size(), 200U);
    EXPECT_EQ(std::get<CheckpointPart>(decode(bytes, size_max)), part);
}

TEST(Codec, ASizeOverTheLimitIsRefusedBeforeInflating) {
    CheckpointPart part;
    part.rows = std::string(100'000, 'r');
    EXPECT_EQ(code_of(encode(part), limits::message_bytes_max_before_welcome), ErrorCode::too_large);
    EXPECT_EQ(code_of(std::string(100, '\0'), 99), ErrorCode::too_large);
    EXPECT_EQ(code_of(packed(3, std::string(10, 'x'), uint64_t{1} << 60)), ErrorCode::too_large);
}

TEST(Codec, ABodyOfAnotherSizeThanAnnouncedIsRefused) {
    const std::string body(1000, '\0');
    EXPECT_EQ(code_of(packed(3, body, 999)), ErrorCode::protocol);
    EXPECT_EQ(code_of(packed(3, body, 1001)), ErrorCode::protocol);
    EXPECT_EQ(code_of(packed(3, body, 0)), ErrorCode::protocol);
    EXPECT_EQ(code_of(packed(3, std::string(1, '\x05'), 1)), ErrorCode::ok);
    EXPECT_EQ(code_of(packed(3, std::string(1, '\x05'), 1) + packed(3, "", 0).substr(3)), ErrorCode::protocol);
}

TEST(Codec, AHugeCountIsRefusedWithoutMemory) {
    std::string body;
    CheckpointEnd end;
    std::string bytes = encode(end);
    bytes.pop_back();  // the count of verdicts
    put_varint(bytes, uint64_t{1} << 40);
    EXPECT_EQ(code_of(bytes), ErrorCode::protocol);
}

TEST(Codec, AnOverlongVarintIsRefused) {
    const std::string ping = encode(Ping{0});
    EXPECT_EQ(code_of(ping), ErrorCode::ok);
    EXPECT_EQ(code_of(ping.substr(0, 2) + std::string("\x80\x00", 2)), ErrorCode::protocol);
}

TEST(Codec, APushPartWhoseHeaderHasAnotherNumberIsRefused) {
    PushPart part;
    part.number = {7};
    part.first = true;
    part.header.number = {8};
    EXPECT_EQ(code_of(encode(part)), ErrorCode::protocol);
}

TEST(SchemaCodec, ASchemaComesBackAsItWas) {
    ASSERT_TRUE(rc::check([] {
        const Schema schema = any_schema();
        RC_ASSERT(decode_schema(encode_schema(schema)) == schema);
        Schema other = schema;
        other.tables[0].columns[0].name += "x";
        RC_ASSERT(hash_schema(schema) != 0U);
        RC_ASSERT(hash_schema(schema) != hash_schema(other));
    }));
}

TEST(SchemaCodec, KeysOutsideTheTableAreRefused) {
    Table table;
    table.name = "t";
    table.columns = {{"a", "", {}}};
    for (const std::vector<uint32_t>& key : {std::vector<uint32_t>{}, {1}, {0, 0}}) {
        table.key = key;
        EXPECT_THROW(decode_schema(encode_schema({{table}, {}})), Error);
    }
    table.key = {0};
    EXPECT_EQ(decode_schema(encode_schema({{table}, {}})).tables[0], table);
    table.columns.resize(limits::columns_max + 1);
    EXPECT_THROW(decode_schema(encode_schema({{table}, {}})), Error);
}

// --- golden bytes: protocol 1 as it is spoken, kept in tests/golden/wire_1.txt ---

TransactionId id_of(uint8_t first) {
    TransactionId id;
    for (uint8_t& byte : id.bytes)
        byte = first++;
    return id;
}

SiteId site_of(uint8_t first) { return *SiteId::from_bytes(id_of(first).view()); }

Schema golden_schema() {
    Table table;
    table.name = "tasks";
    table.columns = {{"id", "TEXT", ColumnPolicy::lww}, {"votes", "INTEGER", ColumnPolicy::counter}};
    table.key = {0};
    return {{table}, {"CREATE TABLE tasks(id TEXT PRIMARY KEY, votes INTEGER)"}};
}

std::vector<Message> golden_messages() {
    const Verdict verdict{{300}, id_of(1), VerdictKind::rejected, RejectCode::depends, "no", {299}, {70}, -5};
    const TransactionHeader header{{300}, id_of(1), {{77}, {9}}, 1'700'000'000'000'000, {{298}, {299}}, true, -1};
    const CellNote note{"tasks", "key", "votes", "70-f", site_of(16), CellFate::waits};
    const Verdict merged{{301}, id_of(2), VerdictKind::in_conflict, RejectCode::none, "", {}, {71}, -4, {note}, 2};
    return {
        Hello{1, "tombolo 0.1.0", "main", "secret", site_of(16), {300}, id_of(32), {{77}, {9}}, Resume{{4}, {9}, "p"}, 1234567, true},
        PushPart{{300}, true, false, header, "rows"},
        Applied{{{77}, {9}}},
        Ping{128},
        Welcome{1, "tombolo 0.1.0", "space", {77}, {9}, 1'700'000'000'000'000, {3}, {300}, id_of(1), 5, true, false, 2'000'000, golden_schema()},
        Refuse{"needs-auth", "the token has expired", 0},
        VerdictNotice{verdict},
        CheckpointPart{true, {4}, {9}, "p", 10, 20, "rows"},
        CheckpointEnd{{4}, {{77}, {9}}, 1'700'000'000'000'000, {11}, {verdict, merged}},
        Pong{128, {11}, -1, 2'000'000},
        VerifyRequest{7, "tasks", {0, 300}},
        VerifyAnswer{7, {11}, true, {{"tasks", 2, {1, 0}}}, "rows"},
        BaseRequest{{300}, {digest_text("a"), digest_text("b")}},
        BaseText{{300}, "a"},
    };
}

TEST(Golden, TheBytesOfProtocolOneHaveNotChanged) {
    ASSERT_EQ(protocol_version, 1U);
    std::ifstream file(TOMBOLO_GOLDEN_DIR "/wire_1.txt");
    ASSERT_TRUE(file);
    for (const Message& message : golden_messages()) {
        std::string type;
        std::string hex;
        ASSERT_TRUE(file >> type >> hex);
        EXPECT_EQ(type, name(message));
        EXPECT_EQ(hex, to_hex(encode(message))) << type;
        EXPECT_EQ(decode(*from_hex(hex), size_max), message) << type;
    }
}

}  // namespace
}  // namespace tombolo::wire
