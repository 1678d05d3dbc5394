#include "network/websocket_client.h"

#include <boost/asio/ssl/context.hpp>

#include "network/approach.h"
#include "network/loop_state.h"
#include "network/probe.h"
#include "network/websocket_connection.h"

namespace tombolo::network {

namespace {

using world::CloseCause;

Failure classify_upgrade(const HubUrl& url, error_code error, const websocket::response_type& response) {
    if (was_cut(error)) return unreachable(CloseCause::refused, url, "it closed the connection without an answer");
    if (error != websocket::error::upgrade_declined) return foreign(url, error.message());
    return classify_answer(url, response);
}

bool speaks_our_protocol(const websocket::response_type& response) {
    const auto chosen = response[http::field::sec_websocket_protocol];
    return std::string_view(chosen.data(), chosen.size()) == subprotocol;
}

// --- one attempt: who is there (if asked), name, connection, TLS, upgrade ---

template <typename Stream>
class Attempt : public std::enable_shared_from_this<Attempt<Stream>> {
public:
    using Base = std::enable_shared_from_this<Attempt<Stream>>;

    Attempt(EventLoop& loop, const ConnectOptions& options, world::TransportHandler& handler, std::shared_ptr<WebSocketConnection<Stream>> connection)
        : loop_(loop),
          options_(options),
          handler_(handler),
          connection_(std::move(connection)),
          approach_(loop, options_, connection_->websocket().next_layer()),
          timer_(loop.state().context) {}

    void start() {
        timer_.expires_after(std::chrono::microseconds(options_.timeout));
        timer_.async_wait([self = Base::shared_from_this()](error_code error) {
            if (!error) self->time_out();
        });
        if (!options_.ask_who_is_there) return approach();
        probe_ = probe(loop_, options_, [self = Base::shared_from_this()](const ProbeReport& report) { self->on_known(report); });
    }

private:
    void on_known(const ProbeReport& report) {
        if (is_over()) return;
        if (report.why) return fail({report.cause, *report.why, report.retry_after});
        approach();
    }

    void approach() {
        approach_.start(Base::shared_from_this(), [this](const std::optional<Failure>& failure) {
            if (is_over()) return;
            if (failure) return fail(*failure);
            upgrade();
        });
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
        end();
        connection_->open(handler_);
    }

    void time_out() {
        if (is_over() || connection_->is_open()) return;
        fail(too_slow(options_.url, options_.timeout));
    }

    void fail(const Failure& failure) {
        end();
        connection_->close();
        if (failure.retry_after > 0) handler_.on_asked_to_wait(failure.retry_after);
        handler_.on_closed(failure.cause, failure.why);
    }

    void end() {
        over_ = true;
        timer_.cancel();
        approach_.cancel();
        probe_.reset();
    }

    // The user, or the timer, ended the attempt while a step was under way.
    bool is_over() {
        if (!over_ && connection_->is_closing()) end();
        return over_;
    }

    EventLoop& loop_;
    const ConnectOptions options_;
    world::TransportHandler& handler_;
    const std::shared_ptr<WebSocketConnection<Stream>> connection_;
    Approach<Stream> approach_;
    std::unique_ptr<Probe> probe_;
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
