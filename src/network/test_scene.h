// A loop with a listener and its peers on one thread, and plain sockets on others, for the tests of this module.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "network/event_loop.h"
#include "network/http_listener.h"
#include "network/websocket_client.h"

namespace tombolo::network::testing {

inline constexpr int64_t patience = 20 * limits::second;  // only a broken test waits so long

// Runs the loop until what a test waits for is there. Whoever changes something says so with poke().
class Scene {
public:
    EventLoop loop;

    [[nodiscard]] bool until(std::function<bool()> done) {
        if (done()) return true;
        done_ = std::move(done);
        bool in_time = true;
        Timer watchdog(loop);
        watchdog.start(patience, [&] {
            in_time = false;
            loop.stop();
        });
        loop.run();
        done_ = nullptr;
        return in_time;
    }
    void poke() {
        if (done_ && done_()) loop.stop();
    }

private:
    std::function<bool()> done_;
};

// One end of a connection, which notes what happens to it.
class Peer final : public world::TransportHandler {
public:
    explicit Peer(Scene& scene) : scene_(scene) {}

    void on_open() override {
        opened = true;
        scene_.poke();
    }
    void on_message(std::string_view message) override {
        if (answer) answer(message);
        received.emplace_back(message);
        scene_.poke();
    }
    void on_room() override {
        if (more) more();
        scene_.poke();
    }
    void on_asked_to_wait(int64_t microseconds) override { asked_to_wait = microseconds; }
    void on_closed(world::CloseCause cause, const Error& why) override {
        closed.emplace(cause, why);
        scene_.poke();
    }

    std::unique_ptr<world::Transport> transport;
    std::function<void(std::string_view)> answer;
    std::function<void()> more;
    std::vector<std::string> received;
    bool opened = false;
    int64_t asked_to_wait = 0;
    std::optional<std::pair<world::CloseCause, Error>> closed;

private:
    Scene& scene_;
};

class Hub final : public ListenerHandler {
public:
    explicit Hub(Scene& scene, std::optional<Identity> identity = {})
        : scene_(scene), listener_(std::in_place, scene.loop, options(std::move(identity)), *this) {}

    world::TransportHandler* on_connection(std::string_view space, std::unique_ptr<world::Transport> transport) override {
        spaces.emplace_back(space);
        if (refuse) return nullptr;
        transport->set_message_bytes_max(limits::transport_bytes_max);
        Peer& peer = peers.emplace_back(scene_);
        peer.transport = std::move(transport);
        if (echo) peer.answer = [&peer](std::string_view message) { peer.transport->send(std::string(message)); };
        return &peer;
    }
    HttpResponse on_request(const HttpRequest& request) override { return respond(request); }

    uint16_t port() const { return listener_->address().port; }
    HubUrl url(std::string_view scheme = "ws") const {
        return parse_hub_url(std::string(scheme) + "://127.0.0.1:" + std::to_string(port()) + "/berlin");
    }
    void stop_listening() { listener_.reset(); }

    std::function<HttpResponse(const HttpRequest&)> respond = [](const HttpRequest&) { return HttpResponse{404, "text/plain", "no\n"}; };
    std::list<Peer> peers;
    std::vector<std::string> spaces;
    bool echo = true;
    bool refuse = false;

private:
    static ListenOptions options(std::optional<Identity> identity) { return {{"127.0.0.1", 0}, std::move(identity)}; }

    Scene& scene_;
    std::optional<HttpListener> listener_;
};

inline std::unique_ptr<Peer> dial(Scene& scene, const ConnectOptions& options) {
    auto peer = std::make_unique<Peer>(scene);
    peer->transport = connect(scene.loop, options, *peer);
    return peer;
}

// --- plain blocking sockets, for other threads ---

class Socket {
public:
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }

    int fd() const { return fd_; }
    void write(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<size_t>(sent));
        }
    }
    // Up to and with `end`, or the other side's close.
    std::string read_until(std::string_view end) const {
        std::string got;
        char byte = 0;
        while (got.size() < end.size() || got.compare(got.size() - end.size(), end.size(), end) != 0) {
            if (::recv(fd_, &byte, 1, 0) <= 0) break;
            got.push_back(byte);
        }
        return got;
    }
    std::string read_all() const {
        std::string got;
        char bytes[65536];
        for (ssize_t size = 0; (size = ::recv(fd_, bytes, sizeof bytes, 0)) > 0;)
            got.append(bytes, static_cast<size_t>(size));
        return got;
    }
    size_t skip(size_t size) const {  // reads and forgets
        size_t got = 0;
        char bytes[65536];
        while (got < size) {
            const ssize_t some = ::recv(fd_, bytes, std::min(sizeof bytes, size - got), 0);
            if (some <= 0) break;
            got += static_cast<size_t>(some);
        }
        return got;
    }

private:
    int fd_;
};

inline sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

inline Socket dial_plain(uint16_t port) {
    Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in address = loopback(port);
    EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
}

// Something on a port that is no hub: takes one connection, reads a request, says `response`, closes.
class Stranger {
public:
    explicit Stranger(std::string response) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address = loopback(0);
        EXPECT_EQ(::bind(listener_.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_.fd(), 1), 0);
        socklen_t size = sizeof address;
        ::getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&address), &size);
        port = ntohs(address.sin_port);
        thread_ = std::thread([this, text = std::move(response)] {
            const Socket visitor(::accept(listener_.fd(), nullptr, nullptr));
            visitor.read_until("\r\n\r\n");
            visitor.write(text);
        });
    }
    ~Stranger() { thread_.join(); }

    HubUrl url() const { return parse_hub_url("ws://127.0.0.1:" + std::to_string(port)); }

    uint16_t port = 0;

private:
    Socket listener_;
    std::thread thread_;
};

}  // namespace tombolo::network::testing
