// Server: the hub as a process part: a port, the hub's logic, and the one loop that both run on.
//
// Everything happens on the loop's thread. A commit is posted, not done at once: what has arrived on other connections meanwhile
// is read first, so that one flush to disk serves all of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hub/hub.h"
#include "network/event_loop.h"
#include "network/http_listener.h"
#include "world/clock.h"

namespace tombolo::server {

struct ServerOptions {
    network::ListenOptions listen;
    hub::HubOptions hub;
    std::string metrics_token;  // lets others than loopback read /metrics; empty: nobody
};

class Server final : private network::ListenerHandler {
public:
    Server(network::EventLoop& loop, world::Clock& clock, ServerOptions options);
    ~Server() override;

    void add_space(const std::string& name, std::unique_ptr<store::Store> store);
    network::HostPort listen();  // accepts from now on; the address as bound. Error(port_in_use)
    void stop();                 // refuses new connections, closes the others in order

private:
    class Connection;

    world::TransportHandler* on_connection(std::string_view space, std::unique_ptr<world::Transport> transport) override;
    network::HttpResponse on_request(const network::HttpRequest& request) override;
    network::HttpResponse metrics(const network::HttpRequest& request);

    void after_event();
    void perform(const hub::Action& action);
    void commit();
    void arm();
    void forget(hub::PeerId peer);

    network::EventLoop& loop_;
    world::Clock& clock_;
    ServerOptions options_;
    hub::Hub hub_;
    std::map<hub::PeerId, std::shared_ptr<Connection>> connections_;
    std::unique_ptr<network::HttpListener> listener_;
    network::Timer timer_;
    bool commit_posted_ = false;
};

}  // namespace tombolo::server
