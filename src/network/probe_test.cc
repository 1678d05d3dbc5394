// Who answers at the hub's address; what the kernel says of its networks, and of a connection's bytes.
#include "network/probe.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "network/network_state.h"
#include "network/test_scene.h"

namespace tombolo::network {
namespace {

using testing::dial;
using testing::Hub;
using testing::Peer;
using testing::Scene;
using testing::Stranger;
using world::CloseCause;

std::string nonce_of(const HttpRequest& request) {
    const size_t at = request.target.find("nonce=");
    return at != std::string_view::npos ? std::string(request.target.substr(at + 6)) : std::string();
}

HttpResponse healthz(const HttpRequest& request) { return {200, "application/json", "{\"tombolo\":1,\"nonce\":\"" + nonce_of(request) + "\"}\n"}; }

ProbeReport probed(Scene& scene, const HubUrl& url) {
    ConnectOptions options;
    options.url = url;
    std::optional<ProbeReport> report;
    const auto running = probe(scene.loop, options, [&](const ProbeReport& told) {
        report = told;
        scene.poke();
    });
    EXPECT_TRUE(scene.until([&] { return report.has_value(); }));
    return *report;
}

TEST(ProbeTest, AHubGivesTheNonceBack) {
    Scene scene;
    Hub hub(scene);
    hub.respond = healthz;
    const ProbeReport report = probed(scene, hub.url());
    EXPECT_EQ(report.reached, ProbeStep::done);
    EXPECT_FALSE(report.why.has_value());
    EXPECT_EQ(report.http_status, 200);
    EXPECT_EQ(report.addresses, std::vector<std::string>{"127.0.0.1"});
    ASSERT_TRUE(report.hub_time.has_value());
    EXPECT_GT(*report.hub_time, 1'700'000'000 * limits::second);
    EXPECT_GT(report.took[static_cast<size_t>(ProbeStep::answer)], 0);
}

TEST(ProbeTest, OthersAreForeign) {
    for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<html></html",
                               "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{\"tombolo\":1,\"nonce\":\"cached\"}",
                               "HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n", "220 mail.example ESMTP\r\n"}) {
        Scene scene;
        const Stranger stranger{answer};
        const ProbeReport report = probed(scene, stranger.url());
        EXPECT_EQ(report.reached, ProbeStep::answer) << answer;
        ASSERT_TRUE(report.why.has_value()) << answer;
        EXPECT_EQ(report.cause, CloseCause::foreign) << answer;
        if (report.http_status == 302) {
            EXPECT_EQ(report.location, "http://login.example/");
        }
    }
}

TEST(ProbeTest, AnEndWithoutAnAnswerIsARefusal) {
    Scene scene;
    const Stranger rude{""};
    EXPECT_EQ(probed(scene, rude.url()).cause, CloseCause::refused);
}

TEST(ProbeTest, AFailedStepIsNamed) {
    Scene scene;
    EXPECT_EQ(probed(scene, parse_hub_url("ws://hub.invalid:80")).reached, ProbeStep::name);
    Hub hub(scene);
    const HubUrl url = hub.url();
    hub.stop_listening();
    const ProbeReport report = probed(scene, url);
    EXPECT_EQ(report.reached, ProbeStep::connection);
    EXPECT_EQ(report.cause, CloseCause::refused);
}

// A connection that asks first says nothing to a stranger but the question.
TEST(ProbeTest, AConnectionMayAskWhoIsThere) {
    Scene scene;
    Hub hub(scene);
    int asked = 0;
    hub.respond = [&](const HttpRequest& request) {
        ++asked;
        return healthz(request);
    };
    ConnectOptions options;
    options.url = hub.url();
    options.ask_who_is_there = true;
    const auto device = dial(scene, options);
    ASSERT_TRUE(scene.until([&] { return device->opened; }));
    EXPECT_EQ(asked, 1);

    const Stranger portal{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"};
    options.url = portal.url();
    const auto fooled = dial(scene, options);
    ASSERT_TRUE(scene.until([&] { return fooled->closed.has_value(); }));
    EXPECT_EQ(fooled->closed->first, CloseCause::foreign);
}

TEST(ProbeTest, AnAttemptMayBeGivenUpWhileItAsks) {
    Scene scene;
    Hub hub(scene);
    hub.respond = healthz;
    ConnectOptions options;
    options.url = hub.url();
    options.ask_who_is_there = true;
    dial(scene, options).reset();
    const auto device = dial(scene, options);
    EXPECT_TRUE(scene.until([&] { return device->opened; }));
}

TEST(TrafficTest, BytesAreCounted) {
    Scene scene;
    Hub hub(scene);
    ConnectOptions options;
    options.url = hub.url();
    const auto device = dial(scene, options);
    ASSERT_TRUE(scene.until([&] { return device->opened; }));
    const auto before = device->transport->traffic();
    ASSERT_TRUE(before.has_value());
    device->transport->send(std::string(100'000, 'x'));
    EXPECT_GE(device->transport->traffic()->under_way, 100'000U);
    ASSERT_TRUE(scene.until([&] { return !device->received.empty(); }));
    const auto after = device->transport->traffic();
    ASSERT_TRUE(after.has_value());
    EXPECT_GE(after->received, before->received + 100'000);
    EXPECT_GE(after->acknowledged, before->acknowledged + 100'000);
}

TEST(NetworkTablesTest, LoopbackIsNoLink) {
    const NetworkTables tables = read_network_tables();
    EXPECT_TRUE(std::any_of(tables.interfaces.begin(), tables.interfaces.end(), [](const Interface& link) { return link.loopback; }));
    NetworkTables only_loopback;
    only_loopback.interfaces = {{1, "lo", InterfaceKind::other, true, true, {"127.0.0.1"}}};
    EXPECT_EQ(hint_of(only_loopback).online, false);
}

TEST(NetworkTablesTest, WhatTheyAmountTo) {
    NetworkTables tables;
    tables.interfaces = {{2, "eth0", InterfaceKind::ethernet, false, true, {}}, {3, "wlan0", InterfaceKind::wifi, false, false, {"10.0.0.2"}}};
    EXPECT_EQ(hint_of(tables).online, false) << "a link without an address, and an address without a link";
    tables.interfaces[0].addresses = {"10.1.0.2"};
    EXPECT_EQ(hint_of(tables).online, true);
    EXPECT_EQ(hint_of(tables).interface_kind, InterfaceKind::ethernet);
    tables.interfaces[1].up = true;
    tables.routes = {{"default", "10.0.0.1", 3}};
    EXPECT_EQ(hint_of(tables).interface_kind, InterfaceKind::wifi) << "the one that leads out";
}

TEST(NetworkSourceTest, TellsOnceSoonAfterItsMaking) {
    Scene scene;
    struct Ear final : world::NetworkStateHandler {
        explicit Ear(Scene& where) : scene(where) {}
        void on_network(world::SignalSource source, const world::NetworkSignal& signal) override {
            EXPECT_EQ(source, world::SignalSource::kernel);
            EXPECT_FALSE(signal.moved);
            heard = signal;
            scene.poke();
        }
        Scene& scene;
        std::optional<world::NetworkSignal> heard;
    } ear(scene);
    const auto sources = watch_network(scene.loop, ear);
    if (sources.empty()) GTEST_SKIP() << "no rtnetlink here";
    ASSERT_TRUE(scene.until([&] { return ear.heard.has_value(); }));
    EXPECT_TRUE(ear.heard->says.online.has_value());
}

}  // namespace
}  // namespace tombolo::network
