#include "network/http_listener.h"

#include <boost/asio/ssl/context.hpp>
#include <boost/beast/http.hpp>
#include <ctime>

#include "network/loop_state.h"
#include "network/websocket_connection.h"

namespace tombolo::network {

namespace {

constexpr uint32_t header_bytes_max = 8 << 10;
constexpr uint64_t body_bytes_max = 64 << 10;
constexpr int accept_pause_ms = 100;  // after a failed accept, mostly for want of file descriptors

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }
beast::string_view view(std::string_view text) { return {text.data(), text.size()}; }

// A browser page of another site must not speak to the hub in its visitor's name (CWE-1385). Programs send no Origin.
bool is_foreign_origin(const Request& request) {
    const auto origin = request.find(http::field::origin);
    if (origin == request.end()) return false;
    std::string_view host = view(origin->value());
    const size_t scheme_end = host.find("://");
    if (scheme_end != std::string_view::npos) host.remove_prefix(scheme_end + 3);
    return host.empty() || !beast::iequals(view(host), request[http::field::host]);
}

// What is wrong with an upgrade, as the answer to it; nullopt: nothing.
std::optional<HttpResponse> refuse_upgrade(const Request& request, std::string_view space) {
    if (is_foreign_origin(request)) return HttpResponse{403, "text/plain", "pages of other sites may not connect\n"};
    if (!is_space_name(space)) return HttpResponse{404, "text/plain", "the path is not the name of a space\n"};
    if (!http::token_list{request[http::field::sec_websocket_protocol]}.exists(view(subprotocol))) {
        return HttpResponse{400, "text/plain", fmt::format("this hub speaks {}\n", subprotocol)};
    }
    return std::nullopt;
}

// Lets a device see by how much its clock differs.
std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::string_view space_of(const Request& request) {
    std::string_view path = view(request.target());
    if (!path.empty() && path.front() == '/') path.remove_prefix(1);
    return path.empty() ? default_space : path;
}

}  // namespace

// Shared with the connections that are still in their first request.
class HttpListener::State : public std::enable_shared_from_this<State> {
public:
    State(EventLoop& loop, const ListenOptions& options, ListenerHandler& handler);

    void accept_next();
    void stop();
    HostPort address() const;
    ListenerHandler* handler() { return handler_; }  // null once stopped

private:
    void on_accepted(error_code error, Tcp::socket socket);
    void listen(const HostPort& address);

    EventLoop& loop_;
    ListenerHandler* handler_;
    Tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    std::unique_ptr<asio::ssl::context> tls_;
};

namespace {

// A connection until it is a device's WebSocket, or its one request is answered.
template <typename Stream, typename Listener>
class Visitor : public std::enable_shared_from_this<Visitor<Stream, Listener>> {
public:
    using Base = std::enable_shared_from_this<Visitor<Stream, Listener>>;

    Visitor(std::shared_ptr<Listener> listener, Stream stream, bool from_loopback)
        : listener_(std::move(listener)), stream_(std::move(stream)), deadline_(stream_.get_executor()), from_loopback_(from_loopback) {
        parser_.header_limit(header_bytes_max);
        parser_.body_limit(body_bytes_max);
    }

    void start() {
        deadline_.expires_after(std::chrono::microseconds(limits::handshake_timeout));
        deadline_.async_wait([self = Base::shared_from_this()](error_code error) {
            if (!error) self->drop();
        });
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            stream_.async_handshake(asio::ssl::stream_base::server,
                                    [self = Base::shared_from_this()](error_code error) { error ? self->drop() : self->read(); });
        } else {
            read();
        }
    }

private:
    void read() {
        http::async_read(stream_, buffer_, parser_, [self = Base::shared_from_this()](error_code error, size_t) { self->on_read(error); });
    }

    void on_read(error_code error) {
        if (listener_->handler() == nullptr) return drop();
        if (error == http::error::header_limit) return answer({431, "text/plain", "the request's header is too long\n"});
        if (error == http::error::body_limit) return answer({413, "text/plain", "the request's body is too long\n"});
        if (error && error != http::error::end_of_stream && error.category() == error_code(http::error::bad_method).category()) {
            return answer({400, "text/plain", "this is not an HTTP request\n"});
        }
        if (error) return drop();
        if (!websocket::is_upgrade(parser_.get())) return answer(ask_handler());
        const auto refusal = refuse_upgrade(parser_.get(), space_of(parser_.get()));
        if (refusal) return answer(*refusal);
        upgrade();
    }

    HttpResponse ask_handler() {
        const Request& request = parser_.get();
        const HttpRequest question{view(request.method_string()), view(request.target()), view(request[http::field::authorization]), request.body(),
                                   from_loopback_};
        try {
            return listener_->handler()->on_request(question);
        } catch (const std::exception& error) {
            return {500, "text/plain", fmt::format("{}\n", error.what())};
        }
    }

    void answer(HttpResponse response) {
        response_ = Response(http::int_to_status(response.status), parser_.get().version() == 10 ? 10 : 11);
        response_.set(http::field::server, view(server_name));
        response_.set(http::field::content_type, response.content_type);
        response_.set(http::field::cache_control, "no-store");
        response_.set(http::field::date, http_date());
        response_.keep_alive(false);
        response_.body() = std::move(response.body);
        response_.prepare_payload();
        if (parser_.get().method() == http::verb::head) response_.body().clear();
        http::async_write(stream_, response_, [self = Base::shared_from_this()](error_code, size_t) { self->say_goodbye(); });
    }

    // The answer must not be lost to a reset, so the other side closes first, or the deadline comes.
    void say_goodbye() {
        error_code ignored;
        socket_of(stream_).shutdown(Tcp::socket::shutdown_send, ignored);
        buffer_.consume(buffer_.size());
        wait_for_end();
    }

    void wait_for_end() {
        socket_of(stream_).async_read_some(buffer_.prepare(header_bytes_max), [self = Base::shared_from_this()](error_code error, size_t) {
            error ? self->drop() : self->wait_for_end();
        });
    }

    void upgrade() {
        connection_ = std::make_shared<WebSocketConnection<Stream>>(std::move(stream_));
        connection_->set_message_bytes_max(limits::message_bytes_max_before_welcome);
        auto& ws = connection_->websocket();
        ws.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
            response.set(http::field::server, view(server_name));
            response.set(http::field::sec_websocket_protocol, view(subprotocol));
        }));
        ws.async_accept(parser_.get(), [self = Base::shared_from_this()](error_code error) { self->on_upgraded(error); });
    }

    void on_upgraded(error_code error) {
        deadline_.cancel();
        if (error || listener_->handler() == nullptr) return drop();
        auto transport = std::make_unique<WebSocketTransport<Stream>>(connection_);
        world::TransportHandler* const handler = listener_->handler()->on_connection(space_of(parser_.get()), std::move(transport));
        if (handler == nullptr || connection_->is_closing()) return drop();
        connection_->open(*handler);
    }

    void drop() {
        deadline_.cancel();
        error_code ignored;
        if (connection_ != nullptr) {
            connection_->drop();
        } else {
            socket_of(stream_).close(ignored);
        }
    }

    const std::shared_ptr<Listener> listener_;
    Stream stream_;
    asio::steady_timer deadline_;
    const bool from_loopback_;
    beast::flat_buffer buffer_{header_bytes_max + body_bytes_max};
    http::request_parser<http::string_body> parser_;
    Response response_;
    std::shared_ptr<WebSocketConnection<Stream>> connection_;  // from the upgrade on; stream_ is then empty
};

std::unique_ptr<asio::ssl::context> make_tls_context(const Identity& identity) {
    auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    error_code error;
    context->use_certificate_chain(asio::buffer(identity.certificate), error);
    if (error) throw Error(ErrorCode::config, fmt::format("the TLS certificate cannot be used: {}", error.message()));
    context->use_private_key(asio::buffer(identity.key), asio::ssl::context::pem, error);
    if (error) throw Error(ErrorCode::config, fmt::format("the TLS key cannot be used: {}", error.message()));
    return context;
}

bool is_loopback(const Tcp::socket& socket) {
    error_code error;
    const asio::ip::address address = socket.remote_endpoint(error).address();
    if (error) return false;
    const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
    return mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback() : address.is_loopback();
}

}  // namespace

HttpListener::State::State(EventLoop& loop, const ListenOptions& options, ListenerHandler& handler)
    : loop_(loop), handler_(&handler), acceptor_(loop.state().context), pause_(loop.state().context) {
    if (options.identity) tls_ = make_tls_context(*options.identity);
    listen(options.address);
}

void HttpListener::State::listen(const HostPort& address) {
    error_code error;
    Tcp::resolver resolver(loop_.state().context);
    const auto found = resolver.resolve(address.host, std::to_string(address.port), Tcp::resolver::passive, error);
    if (error) throw Error(ErrorCode::config, fmt::format("cannot listen on {}: {}", to_string(address), error.message()));
    const Tcp::endpoint endpoint = *found.begin();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error == asio::error::address_in_use) {
        throw Error(ErrorCode::port_in_use, fmt::format("something else listens on {}", to_string(address)),
                    "stop it, or choose another port with --listen");
    }
    if (error) throw Error(ErrorCode::config, fmt::format("cannot listen on {}: {}", to_string(address), error.message()));
}

void HttpListener::State::accept_next() {
    acceptor_.async_accept([self = shared_from_this()](error_code error, Tcp::socket socket) { self->on_accepted(error, std::move(socket)); });
}

void HttpListener::State::on_accepted(error_code error, Tcp::socket socket) {
    if (handler_ == nullptr) return;
    if (error) {
        pause_.expires_after(std::chrono::milliseconds(accept_pause_ms));
        pause_.async_wait([self = shared_from_this()](error_code cancelled) {
            if (!cancelled && self->handler_ != nullptr) self->accept_next();
        });
        return;
    }
    socket.set_option(Tcp::no_delay(true), error);
    const bool from_loopback = is_loopback(socket);
    if (tls_ != nullptr) {
        std::make_shared<Visitor<TlsStream, State>>(shared_from_this(), TlsStream(std::move(socket), *tls_), from_loopback)->start();
    } else {
        std::make_shared<Visitor<PlainStream, State>>(shared_from_this(), std::move(socket), from_loopback)->start();
    }
    accept_next();
}

void HttpListener::State::stop() {
    handler_ = nullptr;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
}

HostPort HttpListener::State::address() const {
    const Tcp::endpoint endpoint = acceptor_.local_endpoint();
    return {endpoint.address().to_string(), endpoint.port()};
}

HttpListener::HttpListener(EventLoop& loop, const ListenOptions& options, ListenerHandler& handler)
    : state_(std::make_shared<State>(loop, options, handler)) {
    state_->accept_next();
}

HttpListener::~HttpListener() { state_->stop(); }

HostPort HttpListener::address() const { return state_->address(); }

}  // namespace tombolo::network
