// The hub's port: WebSockets of devices on /SPACE, and plain HTTP requests beside them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "network/certificate.h"
#include "network/event_loop.h"
#include "network/url.h"
#include "world/transport.h"

namespace tombolo::network {

struct HttpRequest {
    std::string_view method;
    std::string_view target;         // path and query, as sent
    std::string_view authorization;  // the header's value; empty: none
    std::string_view body;
    bool from_loopback = false;
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

// Called on the loop.
class ListenerHandler {
public:
    virtual ~ListenerHandler() = default;
    // A device is connected; on_open of the handler returned follows at once. The transport takes messages of up to
    // limits::message_bytes_max_before_welcome until told otherwise (set_message_bytes_max). nullptr closes it.
    virtual world::TransportHandler* on_connection(std::string_view space, std::unique_ptr<world::Transport> transport) = 0;
    virtual HttpResponse on_request(const HttpRequest& request) = 0;
};

struct ListenOptions {
    HostPort address;                       // port 0: any free one
    std::optional<Identity> identity = {};  // absent: no TLS
};

// Listens from construction to destruction; connections handed over live on. `handler` must outlive the listener, and the
// listener must be gone before the loop is. Throws Error(port_in_use), Error(config) for an address or certificate that cannot
// be used.
class HttpListener {
public:
    HttpListener(EventLoop& loop, const ListenOptions& options, ListenerHandler& handler);
    ~HttpListener();
    HttpListener(const HttpListener&) = delete;
    HttpListener& operator=(const HttpListener&) = delete;

    HostPort address() const;  // as bound, with the port that was picked

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace tombolo::network
