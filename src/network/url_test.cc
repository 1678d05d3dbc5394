#include "network/url.h"

#include <gtest/gtest.h>

#include "tombolo/error.h"

namespace tombolo::network {
namespace {

TEST(Url, IsReadPartByPart) {
    EXPECT_EQ(parse_hub_url("ws://127.0.0.1:7171/berlin"), (HubUrl{false, {"127.0.0.1", 7171}, "berlin"}));
    EXPECT_EQ(parse_hub_url("wss://hub.example/main"), (HubUrl{true, {"hub.example", 443}, "main"}));
    EXPECT_EQ(parse_hub_url("ws://hub.example"), (HubUrl{false, {"hub.example", 80}, "main"}));
    EXPECT_EQ(parse_hub_url("ws://hub.example:1/"), (HubUrl{false, {"hub.example", 1}, "main"}));
    EXPECT_EQ(parse_hub_url("wss://[::1]:7171/a_b-C9"), (HubUrl{true, {"::1", 7171}, "a_b-C9"}));
    EXPECT_EQ(parse_hub_url("ws://[fe80::1%eth0]/x"), (HubUrl{false, {"fe80::1%eth0", 80}, "x"}));
}

TEST(Url, IsWrittenAsItIsRead) {
    for (const char* text : {"ws://127.0.0.1:7171/berlin", "wss://[::1]:443/main"})
        EXPECT_EQ(to_string(parse_hub_url(text)), text);
}

TEST(Url, MistakesAreNamed) {
    const auto complaint = [](const char* text) {
        try {
            parse_hub_url(text);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::usage);
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    const auto expect = [&complaint](const char* text, const char* part) {
        EXPECT_NE(complaint(text).find(part), std::string::npos) << complaint(text);
    };
    expect("http://hub:1", "neither with ws://");
    expect("ws://", "host is missing");
    expect("ws://:80", "host is missing");
    expect("ws://hub:", "port is missing");
    expect("ws://hub:70000", "not a number from 0");
    expect("ws://hub:-1", "not a number from 0");
    expect("ws://hub:80x", "not a number from 0");
    expect("ws://hub:0", "port 0");
    expect("ws://::1:80", "needs brackets");
    expect("ws://[::1", "not closed");
    expect("ws://[::1]80", "between its bracket");
    expect("ws://[]:80", "host is missing");
    expect("ws://me:secret@hub:80", "password");
    expect("ws://hub:80/a/b", "space");
    expect("ws://hub:80/a%20b", "space");
    expect("ws://hub:80/main?x=1", "space");
    expect("ws://h ub:80", "host is not one");
    EXPECT_THROW(parse_hub_url("ws://hub/" + std::string(65, 'a')), Error);
    EXPECT_EQ(parse_hub_url("ws://hub/" + std::string(64, 'a')).space.size(), 64U);
}

TEST(HostPort, NeedsAPort) {
    EXPECT_EQ(parse_host_port("127.0.0.1:0"), (HostPort{"127.0.0.1", 0}));
    EXPECT_EQ(parse_host_port("[::]:7171"), (HostPort{"::", 7171}));
    EXPECT_EQ(to_string(HostPort{"::", 7171}), "[::]:7171");
    EXPECT_THROW(parse_host_port("localhost"), Error);
    EXPECT_THROW(parse_host_port("7171"), Error);
}

}  // namespace
}  // namespace tombolo::network
