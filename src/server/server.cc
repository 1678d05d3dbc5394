#include "server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "wire/version.h"

namespace tombolo::server {

namespace {

constexpr size_t nonce_size_max = 128;

// The nonce goes back as it came, so it is held to characters that mean nothing in JSON.
bool is_plain(std::string_view nonce) {
    return nonce.size() <= nonce_size_max && std::all_of(nonce.begin(), nonce.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
           });
}

std::string_view query_value(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.substr(0, pair.find('=')) == name && pair.size() > name.size()) return pair.substr(name.size() + 1);
    }
    return {};
}

// Takes the same time wherever the texts differ.
bool equal_secret(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    return difference == 0;
}

network::HttpResponse healthz(std::string_view query) {
    const std::string_view nonce = query_value(query, "nonce");
    if (!is_plain(nonce)) return {400, "text/plain; charset=utf-8", "the nonce may hold letters, digits, '-', '_' and '.'\n"};
    return {200, "application/json", fmt::format("{{\"tombolo\":{},\"nonce\":\"{}\"}}\n", wire::protocol_version, nonce)};
}

}  // namespace

// One device's connection: its transport, and the hub's name for it.
class Server::Connection final : public world::TransportHandler {
public:
    Connection(Server& server, hub::PeerId peer, std::unique_ptr<world::Transport> transport)
        : server_(server), peer_(peer), transport_(std::move(transport)) {}

    void send(const std::string& message) {
        // The first answer is the Welcome (or a Refuse, after which nothing is read): no stranger any more.
        if (!std::exchange(answered_, true)) transport_->set_message_bytes_max(limits::transport_bytes_max);
        transport_->send(message);
    }
    void close() { transport_->close(); }

    void on_open() override {}
    void on_message(std::string_view message) override {
        server_.hub_.receive(peer_, message);
        server_.after_event();
    }
    void on_room() override {
        server_.hub_.room(peer_, transport_->unsent_bytes());
        server_.after_event();
    }
    void on_closed(world::CloseCause, const Error&) override {
        server_.hub_.closed(peer_);
        server_.forget(peer_);
        server_.after_event();
    }

private:
    Server& server_;
    const hub::PeerId peer_;
    std::unique_ptr<world::Transport> transport_;
    bool answered_ = false;
};

Server::Server(network::EventLoop& loop, world::Clock& clock, ServerOptions options)
    : loop_(loop), clock_(clock), options_(std::move(options)), hub_(options_.hub, clock), timer_(loop) {}

Server::~Server() = default;

void Server::add_space(const std::string& name, std::unique_ptr<store::Store> store) { hub_.add_space(name, std::move(store)); }

network::HostPort Server::listen() {
    network::ListenerHandler& self = *this;
    listener_ = std::make_unique<network::HttpListener>(loop_, options_.listen, self);
    arm();
    return listener_->address();
}

void Server::stop() {
    timer_.cancel();
    listener_.reset();
    for (const auto& [peer, connection] : connections_)
        connection->close();
}

world::TransportHandler* Server::on_connection(std::string_view space, std::unique_ptr<world::Transport> transport) {
    const hub::PeerId peer = hub_.open(space);
    const auto connection = std::make_shared<Connection>(*this, peer, std::move(transport));
    connections_[peer] = connection;
    loop_.post([this] { after_event(); });
    return connection.get();
}

network::HttpResponse Server::on_request(const network::HttpRequest& request) {
    const size_t mark = request.target.find('?');
    const std::string_view path = request.target.substr(0, mark);
    const std::string_view query = mark == std::string_view::npos ? std::string_view() : request.target.substr(mark + 1);
    if (path != "/healthz" && path != "/metrics") return {404, "text/plain; charset=utf-8", "not found\n"};
    if (request.method != "GET" && request.method != "HEAD") return {405, "text/plain; charset=utf-8", "only GET\n"};
    return path == "/healthz" ? healthz(query) : metrics(request);
}

network::HttpResponse Server::metrics(const network::HttpRequest& request) {
    const bool has_token = !options_.metrics_token.empty() && equal_secret(request.authorization, "Bearer " + options_.metrics_token);
    if (!request.from_loopback && !has_token) return {403, "text/plain; charset=utf-8", "metrics are for loopback, or with metrics_token\n"};
    return {200, "text/plain; version=0.0.4; charset=utf-8", hub_.metrics_text()};
}

// After every call of the hub: what it wants sent is sent, what it wants committed is committed soon, and its time is kept.
void Server::after_event() {
    for (const hub::Action& action : hub_.take_actions())
        perform(action);
    if (hub_.wants_commit() && !std::exchange(commit_posted_, true)) {
        loop_.post([this] { commit(); });
    }
    arm();
}

void Server::perform(const hub::Action& action) {
    const auto found = connections_.find(action.peer);
    if (found == connections_.end()) return;
    if (action.message != nullptr) {
        found->second->send(*action.message);
    } else {
        found->second->close();
        forget(action.peer);
    }
}

void Server::commit() {
    commit_posted_ = false;
    hub_.commit();
    after_event();
}

void Server::arm() {
    const int64_t wait = std::max<int64_t>(hub_.next_deadline() - clock_.boot(), 0);
    timer_.start(std::min(wait, limits::day), [this] {
        hub_.on_time();
        after_event();
    });
}

// Not at once: we may be inside the connection's own callback.
void Server::forget(hub::PeerId peer) {
    const auto found = connections_.find(peer);
    if (found == connections_.end()) return;
    loop_.post([dropped = found->second] {});
    connections_.erase(found);
}

}  // namespace tombolo::server
