#include "network/websocket_client.h"

#include <openssl/err.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

#include "network/loop_state.h"
#include "network/websocket_connection.h"

namespace tombolo::network {

namespace {

using world::CloseCause;

struct Failure {
    CloseCause cause;
    Error why;
};

Failure unreachable(CloseCause cause, const HubUrl& url, std::string_view what) {
    return {cause, Error(ErrorCode::unreachable, fmt::format("the hub at {} cannot be reached: {}", to_string(url), what))};
}

Failure foreign(const HubUrl& url, std::string_view what) {
    return {CloseCause::foreign, Error(ErrorCode::unreachable, fmt::format("no hub answers at {}: {}", to_string(url), what),
                                       "check the address, and whether this network wants a login first")};
}

// --- what a failed step says about the other side ---

Failure classify_connect(const HubUrl& url, error_code error) {
    const bool refused = error == asio::error::connection_refused;
    return unreachable(refused ? CloseCause::refused : CloseCause::silent, url, error.message());
}

bool was_cut(error_code error) {
    return error == asio::error::eof || error == asio::error::connection_reset || error == asio::error::broken_pipe ||
           error == asio::ssl::error::stream_truncated || error == http::error::end_of_stream || error == http::error::partial_message;
}

Failure classify_tls(const HubUrl& url, error_code error) {
    if (was_cut(error)) return unreachable(CloseCause::refused, url, "it closed the connection during the TLS handshake");
    return foreign(url, fmt::format("its TLS is not to be trusted: {}", error.message()));
}

Failure classify_upgrade(const HubUrl& url, error_code error, const websocket::response_type& response) {
    if (was_cut(error)) return unreachable(CloseCause::refused, url, "it closed the connection without an answer");
    if (error != websocket::error::upgrade_declined) return foreign(url, error.message());
    const auto server = response[http::field::server];
    const bool is_hub = std::string_view(server.data(), server.size()).substr(0, server_name.size()) == server_name;
    const std::string status = fmt::format("it answers with HTTP status {}", response.result_int());
    return is_hub ? unreachable(CloseCause::refused, url, status) : foreign(url, status);
}

bool speaks_our_protocol(const websocket::response_type& response) {
    const auto chosen = response[http::field::sec_websocket_protocol];
    return std::string_view(chosen.data(), chosen.size()) == subprotocol;
}

// --- TLS ---

asio::ssl::context make_tls_context(const ConnectOptions& options) {
    asio::ssl::context context(asio::ssl::context::tls_client);
    context.set_verify_mode(options.verify_peer ? asio::ssl::verify_peer : asio::ssl::verify_none);
    if (!options.verify_peer) return context;
    if (options.ca_file.empty()) {
        context.set_default_verify_paths();
        return context;
    }
    error_code error;
    context.load_verify_file(options.ca_file, error);
    if (error) throw Error(ErrorCode::config, fmt::format("cannot read the certificates in {}: {}", options.ca_file, error.message()));
    return context;
}

void name_host(TlsStream& stream, const ConnectOptions& options) {
    const std::string& host = options.url.address.host;
    SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
    if (options.verify_peer) stream.set_verify_callback(asio::ssl::host_name_verification(host));
}

// --- one attempt: name, connection, TLS, upgrade ---

template <typename Stream>
class Attempt : public std::enable_shared_from_this<Attempt<Stream>> {
public:
    using Base = std::enable_shared_from_this<Attempt<Stream>>;

    Attempt(EventLoop& loop, const ConnectOptions& options, world::TransportHandler& handler, std::shared_ptr<WebSocketConnection<Stream>> connection)
        : options_(options), handler_(handler), connection_(std::move(connection)), resolver_(loop.state().context), timer_(loop.state().context) {}

    void start() {
        timer_.expires_after(std::chrono::microseconds(options_.timeout));
        timer_.async_wait([self = Base::shared_from_this()](error_code error) {
            if (!error) self->time_out();
        });
        resolver_.async_resolve(
            options_.url.address.host, std::to_string(options_.url.address.port), asio::ip::resolver_base::numeric_service,
            [self = Base::shared_from_this()](error_code error, const Tcp::resolver::results_type& found) { self->on_resolved(error, found); });
    }

private:
    void on_resolved(error_code error, const Tcp::resolver::results_type& found) {
        if (is_over()) return;
        if (error) return fail(unreachable(CloseCause::silent, options_.url, error.message()));
        asio::async_connect(socket(), found,
                            [self = Base::shared_from_this()](error_code failed, const Tcp::endpoint&) { self->on_connected(failed); });
    }

    void on_connected(error_code error) {
        if (is_over()) return;
        if (error) return fail(classify_connect(options_.url, error));
        socket().set_option(Tcp::no_delay(true), error);
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            connection_->websocket().next_layer().async_handshake(asio::ssl::stream_base::client,
                                                                  [self = Base::shared_from_this()](error_code failed) { self->on_tls(failed); });
        } else {
            upgrade();
        }
    }

    void on_tls(error_code error) {
        if (is_over()) return;
        if (error) return fail(classify_tls(options_.url, error));
        upgrade();
    }

    void upgrade() {
        auto& ws = connection_->websocket();
        ws.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
            request.set(http::field::sec_websocket_protocol, beast::string_view(subprotocol.data(), subprotocol.size()));
            request.set(http::field::user_agent, beast::string_view(server_name.data(), server_name.size()));
        }));
        ws.async_handshake(response_, to_string(options_.url.address), "/" + options_.url.space,
                           [self = Base::shared_from_this()](error_code error) { self->on_upgraded(error); });
    }

    void on_upgraded(error_code error) {
        if (is_over()) return;
        if (error) return fail(classify_upgrade(options_.url, error, response_));
        if (!speaks_our_protocol(response_)) return fail(foreign(options_.url, "it does not speak our protocol"));
        timer_.cancel();
        connection_->open(handler_);
    }

    void time_out() {
        if (is_over() || connection_->is_open()) return;
        const auto seconds = static_cast<double>(options_.timeout) / 1e6;
        fail({CloseCause::silent,
              Error(ErrorCode::timed_out, fmt::format("the hub at {} did not answer within {} s", to_string(options_.url), seconds))});
    }

    void fail(const Failure& failure) {
        over_ = true;
        timer_.cancel();
        resolver_.cancel();
        connection_->close();
        handler_.on_closed(failure.cause, failure.why);
    }

    // The user, or the timer, ended the attempt while a step was under way.
    bool is_over() {
        if (!over_ && !connection_->is_closing()) return false;
        timer_.cancel();
        return true;
    }

    Tcp::socket& socket() { return socket_of(connection_->websocket().next_layer()); }

    const ConnectOptions options_;
    world::TransportHandler& handler_;
    const std::shared_ptr<WebSocketConnection<Stream>> connection_;
    Tcp::resolver resolver_;
    asio::steady_timer timer_;
    websocket::response_type response_;
    bool over_ = false;
};

template <typename Stream>
std::unique_ptr<world::Transport> begin(EventLoop& loop, const ConnectOptions& options, world::TransportHandler& handler, Stream stream) {
    auto connection = std::make_shared<WebSocketConnection<Stream>>(std::move(stream));
    connection->set_message_bytes_max(options.message_bytes_max);
    auto transport = std::make_unique<WebSocketTransport<Stream>>(connection);
    std::make_shared<Attempt<Stream>>(loop, options, handler, std::move(connection))->start();
    return transport;
}

}  // namespace

std::unique_ptr<world::Transport> connect(EventLoop& loop, const ConnectOptions& options, world::TransportHandler& handler) {
    PlainStream socket(loop.state().context);
    if (!options.url.tls) return begin(loop, options, handler, std::move(socket));
    asio::ssl::context context = make_tls_context(options);  // the stream keeps its native half alive
    TlsStream stream(std::move(socket), context);
    name_host(stream, options);
    return begin(loop, options, handler, std::move(stream));
}

}  // namespace tombolo::network
