#include "network/http_listener.h"

#include <gtest/gtest.h>

#include <optional>

#include "network/test_scene.h"

namespace tombolo::network {
namespace {

using testing::Hub;
using testing::Scene;

// What the hub answers to these bytes, until it closes.
std::string ask(Scene& scene, const Hub& hub, std::string request) {
    std::optional<std::string> answer;
    std::thread visitor([&, port = hub.port(), text = std::move(request)] {
        const testing::Socket socket = testing::dial_plain(port);
        socket.write(text);
        std::string got = socket.read_all();
        scene.loop.post([&, got] {
            answer = got;
            scene.poke();
        });
    });
    EXPECT_TRUE(scene.until([&] { return answer.has_value(); }));
    visitor.join();
    return *answer;
}

std::string upgrade(std::string_view path, std::string_view more_headers) {
    return "GET " + std::string(path) +
           " HTTP/1.1\r\nHost: hub.example:7171\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
           std::string(more_headers) + "\r\n";
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(Listener, PassesRequestsOn) {
    Scene scene;
    Hub hub(scene);
    hub.respond = [](const HttpRequest& request) {
        EXPECT_EQ(request.method, "GET");
        EXPECT_EQ(request.target, "/healthz?nonce=7");
        EXPECT_EQ(request.authorization, "Bearer abc");
        EXPECT_TRUE(request.from_loopback);
        return HttpResponse{200, "application/json", R"({"tombolo":1,"nonce":"7"})"};
    };
    const std::string answer = ask(scene, hub, "GET /healthz?nonce=7 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\n\r\n");
    EXPECT_TRUE(has(answer, "HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(has(answer, "Server: tombolo\r\n")) << answer;
    EXPECT_TRUE(has(answer, "Content-Type: application/json\r\n")) << answer;
    EXPECT_TRUE(has(answer, "Connection: close\r\n")) << answer;
    EXPECT_TRUE(has(answer, "\r\n\r\n{\"tombolo\":1,\"nonce\":\"7\"}")) << answer;
}

TEST(Listener, PassesBodiesOn) {
    Scene scene;
    Hub hub(scene);
    hub.respond = [](const HttpRequest& request) { return HttpResponse{200, "text/plain", std::string(request.body)}; };
    EXPECT_TRUE(has(ask(scene, hub, "POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"), "\r\n\r\nhello"));
}

TEST(Listener, AFailureOfTheHandlerIsStatus500) {
    Scene scene;
    Hub hub(scene);
    hub.respond = [](const HttpRequest&) -> HttpResponse { throw Error(ErrorCode::internal, "oops"); };
    EXPECT_TRUE(has(ask(scene, hub, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 500 "));
}

TEST(Listener, BoundsWhatStrangersSend) {
    Scene scene;
    Hub hub(scene);
    const std::string long_header = "GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(9000, 'x') + "\r\n\r\n";
    EXPECT_TRUE(has(ask(scene, hub, long_header), "HTTP/1.1 431 "));
    EXPECT_TRUE(has(ask(scene, hub, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n"), "HTTP/1.1 413 "));
    EXPECT_TRUE(has(ask(scene, hub, "what is this\r\n\r\n"), "HTTP/1.1 400 "));
}

TEST(Listener, UpgradesOnlyOurProtocolOnASpace) {
    Scene scene;
    Hub hub(scene);
    hub.refuse = true;  // closes after the upgrade, so that ask() ends
    const std::string ours = "Sec-WebSocket-Protocol: chat, tombolo.1\r\n";
    EXPECT_TRUE(has(ask(scene, hub, upgrade("/", ours)), "HTTP/1.1 101 "));
    EXPECT_TRUE(has(ask(scene, hub, upgrade("/berlin", ours)), "Sec-WebSocket-Protocol: tombolo.1\r\n"));
    EXPECT_TRUE(has(ask(scene, hub, upgrade("/berlin", "")), "HTTP/1.1 400 "));
    EXPECT_TRUE(has(ask(scene, hub, upgrade("/berlin", "Sec-WebSocket-Protocol: tombolo.10\r\n")), "HTTP/1.1 400 "));
    EXPECT_TRUE(has(ask(scene, hub, upgrade("/a/b", ours)), "HTTP/1.1 404 "));
    EXPECT_TRUE(has(ask(scene, hub, upgrade("/../x", ours)), "HTTP/1.1 404 "));
    EXPECT_EQ(hub.spaces, (std::vector<std::string>{"main", "berlin"}));
}

TEST(Listener, RefusesPagesOfOtherSites) {
    Scene scene;
    Hub hub(scene);
    hub.refuse = true;
    const std::string ours = "Sec-WebSocket-Protocol: tombolo.1\r\n";
    EXPECT_TRUE(has(ask(scene, hub, upgrade("/main", ours + "Origin: https://evil.example\r\n")), "HTTP/1.1 403 "));
    EXPECT_TRUE(has(ask(scene, hub, upgrade("/main", ours + "Origin: null\r\n")), "HTTP/1.1 403 "));
    EXPECT_TRUE(has(ask(scene, hub, upgrade("/main", ours + "Origin: https://hub.example:7171\r\n")), "HTTP/1.1 101 "));
}

TEST(Listener, ATakenPortIsAClearError) {
    Scene scene;
    Hub hub(scene);
    try {
        const HttpListener second(scene.loop, {{"127.0.0.1", hub.port()}, {}}, hub);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::port_in_use);
        EXPECT_TRUE(has(error.what(), std::to_string(hub.port())));
    }
}

TEST(Listener, AnAddressThatIsNotOursIsAClearError) {
    Scene scene;
    Hub hub(scene);
    EXPECT_THROW(HttpListener(scene.loop, {{"192.0.2.1", 0}, {}}, hub), Error);
    ListenOptions options;
    options.address = {"127.0.0.1", 0};
    options.identity = Identity{"no", "pem"};
    EXPECT_THROW(HttpListener(scene.loop, options, hub), Error);
}

TEST(Listener, ConnectionsLiveOnWithoutIt) {
    Scene scene;
    Hub hub(scene);
    const auto device = testing::dial(scene, {hub.url()});
    ASSERT_TRUE(scene.until([&] { return device->opened && !hub.peers.empty() && hub.peers.front().opened; }));
    hub.stop_listening();
    device->transport->send("still there?");
    ASSERT_TRUE(scene.until([&] { return device->received.size() == 1; }));
}

}  // namespace
}  // namespace tombolo::network
