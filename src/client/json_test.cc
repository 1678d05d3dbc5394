#include "client/json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "client/json_value.h"
#include "client/status_json.h"
#include "tombolo/error.h"

namespace tombolo::client {
namespace {

std::string json_of(const Value& value) { return JsonWriter().value(value).take(); }

TEST(Json, values_keep_their_storage_class_and_bits) {
    EXPECT_EQ(json_of(Value()), "null");
    EXPECT_EQ(json_of(Value(std::numeric_limits<int64_t>::min())), "-9223372036854775808");
    EXPECT_EQ(json_of(Value(1.0)), "1.0");
    EXPECT_EQ(json_of(Value(-0.0)), "-0.0");
    EXPECT_EQ(json_of(Value(5e-324)), "5e-324");
    EXPECT_EQ(json_of(Value(std::numeric_limits<double>::infinity())), R"({"$real":"inf"})");
    EXPECT_EQ(json_of(Value(-std::numeric_limits<double>::infinity())), R"({"$real":"-inf"})");
    EXPECT_EQ(json_of(Value("a\"\\\n\x01é")), R"("a\"\\\n\u0001é")");
    EXPECT_EQ(json_of(Value(std::string("a\0b", 3))), R"({"$text":"YQBi"})");
    EXPECT_EQ(json_of(Value("\xff")), R"({"$text":"/w=="})");
    EXPECT_EQ(json_of(Value::blob("")), R"({"$blob":""})");
}

TEST(Json, values_read_back_as_they_were_written) {
    for (const Value& value : {Value(), Value(std::numeric_limits<int64_t>::min()), Value(1.0), Value(-0.0), Value(5e-324), Value(0.1),
                               Value(std::numeric_limits<double>::infinity()), Value(-std::numeric_limits<double>::infinity()), Value("a\"\\\n\x01é"),
                               Value(std::string("a\0b", 3)), Value("\xff"), Value::blob(""), Value::blob("\x01\xff")})
        EXPECT_EQ(value_from_json(json_of(value)), value) << json_of(value);
    EXPECT_EQ(value_from_json(" 7 "), Value(7));
    EXPECT_EQ(value_from_json("true"), Value(1));
    EXPECT_EQ(value_from_json("1e2"), Value(100.0));
    EXPECT_EQ(value_from_json("\"\\u00e9\""), Value("é"));
    EXPECT_EQ(value_from_json("[1, \"x\"]"), Value("[1,\"x\"]")) << "a set or document is text";
    EXPECT_EQ(value_from_json("{\"$blob\":\"AQ==\",\"b\":1}"), Value("{\"$blob\":\"AQ==\",\"b\":1}"));
    for (const char* json : {"", "text", "9223372036854775808", "{\"$blob\":\"?\"}", "{\"$text\":\"abc\"}", "1 2"})
        EXPECT_THROW(value_from_json(json), Error) << json;
}

TEST(Json, commas_stand_between_and_nowhere_else) {
    JsonWriter json;
    json.begin_object().key("a").begin_array().integer(1).begin_object().end_object().null().end_array().key("b").boolean(true).end_object();
    EXPECT_EQ(json.text(), R"({"a":[1,{},null],"b":true})");
}

TEST(Json, times_are_rfc_3339_with_milliseconds) {
    EXPECT_EQ(time_text(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(time_text(1787000000123456), "2026-08-17T20:53:20.123Z");
    EXPECT_EQ(time_text(-1), "1969-12-31T23:59:59.999Z");
}

TEST(Json, a_status_is_read_back_as_it_was_written) {
    Status status;
    status.site = "00112233445566778899aabbccddeeff";
    status.space = "main";
    status.hub = "ws://127.0.0.1:7171";
    status.state = SessionState::needs_auth;
    status.state_since = 1787000000123000;
    status.cause = "the hub wants a \"token\"";
    status.network = NetworkState::available;
    status.pending_transactions = 3;
    status.pending_rows = 4;
    status.rejected = 5;
    status.cursor = 6;
    status.hub_seq = 7;
    status.epoch = uint64_t{1} << 62;
    status.last_sync_at = 1787000000124000;
    status.last_error = LastError{"needs-auth", "no token", 1787000000125000};
    status.holder_pid = 42;
    status.progress = {1, 2, 3, 4};
    EXPECT_EQ(status_from_json(to_json(status)), status);
    EXPECT_EQ(status_from_json("{\"state\":"), std::nullopt);
}

}  // namespace
}  // namespace tombolo::client
