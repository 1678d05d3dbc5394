#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>

#include "network/test_scene.h"

namespace tombolo::network {
namespace {

using testing::dial;
using testing::Hub;
using testing::Peer;
using testing::Scene;
using testing::Stranger;
using world::CloseCause;

std::string pattern(size_t size) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(i * 31 + i / 251);
    return bytes;
}

class CertificateFile {
public:
    explicit CertificateFile(const std::string& pem)
        : path_(std::filesystem::temp_directory_path() / ("tombolo-network-test-" + std::to_string(::getpid()) + ".pem")) {
        std::ofstream(path_) << pem;
    }
    ~CertificateFile() { std::filesystem::remove(path_); }
    std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

void expect_echo(Scene& scene, Peer& device) {
    std::vector<std::string> sent;
    for (const size_t size : {size_t{1}, size_t{125}, size_t{126}, size_t{65535}, size_t{65536}, limits::transport_bytes_max, size_t{0}}) {
        sent.push_back(pattern(size));
        device.transport->send(sent.back());
    }
    ASSERT_TRUE(scene.until([&] { return device.received.size() == sent.size(); }));
    for (size_t i = 0; i < sent.size(); ++i)
        EXPECT_TRUE(device.received[i] == sent[i]) << "message " << i;
    EXPECT_EQ(device.transport->unsent_bytes(), 0U);
    EXPECT_FALSE(device.closed);
}

TEST(WebSocket, MessagesOfAllSizesComeBackInOrder) {
    Scene scene;
    Hub hub(scene);
    const auto device = dial(scene, {hub.url()});
    expect_echo(scene, *device);  // sent before it is open
    EXPECT_TRUE(device->opened);
    EXPECT_EQ(hub.spaces, std::vector<std::string>{"berlin"});
    EXPECT_TRUE(hub.peers.front().opened);
}

TEST(WebSocket, ManySmallMessagesKeepTheirOrder) {
    Scene scene;
    Hub hub(scene);
    const auto device = dial(scene, {hub.url()});
    for (int i = 0; i < 2000; ++i)
        device->transport->send(std::to_string(i));
    ASSERT_TRUE(scene.until([&] { return device->received.size() == 2000; }));
    for (size_t i = 0; i < 2000; ++i)
        EXPECT_EQ(device->received[i], std::to_string(i));
}

TEST(WebSocket, TheDeviceMayClose) {
    Scene scene;
    Hub hub(scene);
    const auto device = dial(scene, {hub.url()});
    ASSERT_TRUE(scene.until([&] { return device->opened; }));
    device->transport->send("last words");
    device->transport.reset();
    ASSERT_TRUE(scene.until([&] { return !hub.peers.empty() && hub.peers.front().closed; }));
    EXPECT_EQ(hub.peers.front().received, std::vector<std::string>{"last words"});
    EXPECT_EQ(hub.peers.front().closed->first, CloseCause::closed);
    EXPECT_EQ(hub.peers.front().closed->second.code(), ErrorCode::closed);
    EXPECT_FALSE(device->closed);
}

TEST(WebSocket, TheHubMayCloseAfterALastMessage) {
    Scene scene;
    Hub hub(scene);
    hub.echo = false;
    const auto device = dial(scene, {hub.url()});
    ASSERT_TRUE(scene.until([&] { return !hub.peers.empty() && hub.peers.front().opened; }));
    hub.peers.front().transport->send(pattern(limits::transport_bytes_max));
    hub.peers.front().transport->close();
    ASSERT_TRUE(scene.until([&] { return device->closed.has_value(); }));
    ASSERT_EQ(device->received.size(), 1U);
    EXPECT_EQ(device->received[0].size(), limits::transport_bytes_max);
    EXPECT_EQ(device->closed->first, CloseCause::closed);
    EXPECT_FALSE(hub.peers.front().closed);
}

TEST(WebSocket, AHandlerMayEndTheConnectionFromItsCallback) {
    Scene scene;
    Hub hub(scene);
    const auto device = dial(scene, {hub.url()});
    device->answer = [&](std::string_view) { device->transport.reset(); };
    device->transport->send("one");
    device->transport->send("two");
    ASSERT_TRUE(scene.until([&] { return !hub.peers.empty() && hub.peers.front().closed; }));
    EXPECT_EQ(device->received.size(), 1U);
    EXPECT_FALSE(device->closed);
}

TEST(WebSocket, AnAttemptMayBeGivenUp) {
    Scene scene;
    Hub hub(scene);
    auto given_up = dial(scene, {hub.url()});
    given_up->transport.reset();
    given_up.reset();
    const auto device = dial(scene, {hub.url()});
    ASSERT_TRUE(scene.until([&] { return device->opened; }));
}

TEST(WebSocket, AMessageOverTheLimitEndsTheConnection) {
    Scene scene;
    Hub hub(scene);
    ConnectOptions options{hub.url()};
    options.message_bytes_max = 1000;
    const auto device = dial(scene, options);
    ASSERT_TRUE(scene.until([&] { return !hub.peers.empty() && hub.peers.front().opened; }));
    hub.peers.front().transport->send(pattern(1000));
    ASSERT_TRUE(scene.until([&] { return device->received.size() == 1; }));
    hub.peers.front().transport->send(pattern(1001));
    ASSERT_TRUE(scene.until([&] { return device->closed && hub.peers.front().closed; }));
    EXPECT_EQ(device->closed->second.code(), ErrorCode::too_large);
    EXPECT_EQ(device->received.size(), 1U);
}

TEST(WebSocket, AReaderThatStopsLeavesNoMoreUnsentThanWasSent) {
    Scene scene;
    Hub hub(scene);
    hub.echo = false;
    constexpr size_t message_bytes = size_t{256} << 10;
    constexpr size_t count_max = 400;  // 100 MiB: more than any socket buffer takes
    std::promise<size_t> sent_total;
    const uint16_t port = hub.port();
    std::thread reader([&scene, port, total = sent_total.get_future()]() mutable {
        const testing::Socket socket = testing::dial_plain(port);
        socket.write(
            "GET /main HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: tombolo.1\r\n\r\n");
        EXPECT_NE(socket.read_until("\r\n\r\n").find("101 Switching"), std::string::npos);
        constexpr size_t frame_head = 10;
        const size_t messages = total.get();  // reads nothing until the hub has stopped sending
        EXPECT_EQ(socket.skip(messages * (message_bytes + frame_head)), messages * (message_bytes + frame_head));
        scene.loop.post([&scene] { scene.poke(); });
    });
    ASSERT_TRUE(scene.until([&] { return !hub.peers.empty() && hub.peers.front().opened; }));
    world::Transport& transport = *hub.peers.front().transport;
    size_t sent = 0;
    const auto fill = [&] {
        while (sent < count_max && transport.unsent_bytes() < limits::send_window_bytes) {
            transport.send(pattern(message_bytes));
            ++sent;
            EXPECT_LT(transport.unsent_bytes(), limits::send_window_bytes + message_bytes);
        }
    };
    hub.peers.front().more = fill;
    fill();
    // The socket's buffers are full when a while passes without a message going out.
    Timer quiet(scene.loop);
    size_t seen = 0;
    bool stalled = false;
    std::function<void()> look = [&] {
        stalled = seen == sent;
        seen = sent;
        if (stalled) return scene.poke();
        quiet.start(50 * limits::millisecond, look);
    };
    quiet.start(50 * limits::millisecond, look);
    ASSERT_TRUE(scene.until([&] { return stalled; }));
    EXPECT_LT(sent, count_max);
    EXPECT_GE(transport.unsent_bytes(), limits::send_window_bytes);

    hub.peers.front().more = nullptr;
    sent_total.set_value(sent);
    ASSERT_TRUE(scene.until([&] { return transport.unsent_bytes() == 0; }));
    reader.join();
}

// --- who answers ---

CloseCause cause_of(const ConnectOptions& options) {
    Scene scene;
    const auto device = dial(scene, options);
    EXPECT_TRUE(scene.until([&] { return device->closed.has_value(); }));
    EXPECT_FALSE(device->opened);
    EXPECT_NE(std::string_view(device->closed->second.what()).find(to_string(options.url)), std::string_view::npos) << device->closed->second.what();
    return device->closed->first;
}

TEST(Answer, NobodyOnThePortRefuses) {
    uint16_t port = 0;
    {
        Scene scene;
        port = Hub(scene).port();
    }
    EXPECT_EQ(cause_of({parse_hub_url("ws://127.0.0.1:" + std::to_string(port))}), CloseCause::refused);
}

TEST(Answer, AnUnknownNameIsSilent) { EXPECT_EQ(cause_of({parse_hub_url("ws://hub.invalid:80")}), CloseCause::silent); }

TEST(Answer, AWebPageIsForeign) {
    const Stranger page("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<html></html>\n");
    EXPECT_EQ(cause_of({page.url()}), CloseCause::foreign);
}

TEST(Answer, ARedirectIsForeign) {
    const Stranger portal("HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(cause_of({portal.url()}), CloseCause::foreign);
}

TEST(Answer, NoHttpIsForeign) {
    const Stranger mail("220 mail.example ESMTP\r\n\r\n");
    EXPECT_EQ(cause_of({mail.url()}), CloseCause::foreign);
}

TEST(Answer, AHubThatDeclinesRefuses) {
    const Stranger hub("HTTP/1.1 503 Service Unavailable\r\nServer: tombolo\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(cause_of({hub.url()}), CloseCause::refused);
}

TEST(Answer, AServerInFrontOfTheHubRefusesForIt) {
    for (const char* status : {"429 Too Many Requests", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"}) {
        const Stranger proxy(std::string("HTTP/1.1 ") + status + "\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n");
        EXPECT_EQ(cause_of({proxy.url()}), CloseCause::refused) << status;
    }
}

TEST(Answer, AskedForAPause) {
    for (const auto& [said, microseconds] : std::vector<std::pair<std::string, int64_t>>{
             {"30", 30 * limits::second}, {"99999999", limits::retry_after_max}, {"-1", 0}, {"99999999999999999999", 0}, {"soon", 0}}) {
        Scene scene;
        const Stranger proxy("HTTP/1.1 503 Service Unavailable\r\nServer: nginx\r\nRetry-After: " + said + "\r\nContent-Length: 0\r\n\r\n");
        const auto device = dial(scene, {proxy.url()});
        ASSERT_TRUE(scene.until([&] { return device->closed.has_value(); }));
        EXPECT_EQ(device->asked_to_wait, microseconds) << said;
    }
}

TEST(Answer, AClosedConnectionRefuses) {
    const Stranger rude("");
    EXPECT_EQ(cause_of({rude.url()}), CloseCause::refused);
}

TEST(Answer, AnotherWebSocketIsForeign) {
    // A complete upgrade but for the subprotocol, for which the key must be known: so the stranger answers without one.
    const Stranger other("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    EXPECT_EQ(cause_of({other.url()}), CloseCause::foreign);
}

TEST(Answer, NoAnswerInTimeIsSilent) {
    const testing::Socket mute(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address = testing::loopback(0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(mute.fd(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(mute.fd(), 1), 0);
    ::getsockname(mute.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    ConnectOptions options{parse_hub_url("ws://127.0.0.1:" + std::to_string(ntohs(address.sin_port)))};
    options.timeout = 50 * limits::millisecond;
    EXPECT_EQ(cause_of(options), CloseCause::silent);
}

// --- TLS ---

TEST(Tls, ADevelopmentCertificateWorksWhereItIsTrusted) {
    const Identity identity = make_dev_certificate();
    const CertificateFile file(identity.certificate);
    Scene scene;
    Hub hub(scene, identity);
    ConnectOptions options{hub.url("wss")};
    options.ca_file = file.path();
    const auto device = dial(scene, options);
    expect_echo(scene, *device);
}

TEST(Tls, ACertificateOfNoKnownAuthorityIsForeign) {
    Scene scene;
    Hub hub(scene, make_dev_certificate());
    const auto device = dial(scene, {hub.url("wss")});
    ASSERT_TRUE(scene.until([&] { return device->closed.has_value(); }));
    EXPECT_EQ(device->closed->first, CloseCause::foreign);
    EXPECT_TRUE(hub.peers.empty());
}

TEST(Tls, ACertificateForAnotherHostIsForeign) {
    const Identity identity = make_dev_certificate();
    const CertificateFile file(identity.certificate);
    Scene scene;
    Hub hub(scene, identity);
    ConnectOptions options{hub.url("wss")};
    options.url.address.host = "127.0.0.2";
    options.ca_file = file.path();
    Hub elsewhere(scene);
    const auto device = dial(scene, options);
    ASSERT_TRUE(scene.until([&] { return device->closed.has_value(); }));
    EXPECT_NE(device->closed->first, CloseCause::closed);
    EXPECT_FALSE(device->opened);
}

TEST(Tls, VerificationCanBeLeftOut) {
    Scene scene;
    Hub hub(scene, make_dev_certificate());
    ConnectOptions options{hub.url("wss")};
    options.verify_peer = false;
    const auto device = dial(scene, options);
    ASSERT_TRUE(scene.until([&] { return device->opened; }));
}

TEST(Tls, APlainHubIsForeignToATlsDevice) {
    Scene scene;
    Hub hub(scene);
    const auto device = dial(scene, {hub.url("wss")});
    ASSERT_TRUE(scene.until([&] { return device->closed.has_value(); }));
    EXPECT_EQ(device->closed->first, CloseCause::foreign);
}

}  // namespace
}  // namespace tombolo::network
