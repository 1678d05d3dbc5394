// Private to network/: one open WebSocket, client's or server's, with or without TLS. Includes Beast, which is heavy to compile:
// only websocket_client.cc, probe.cc, approach.h and http_listener.cc may include this.
//
// Life: the transport that the user owns (WebSocketTransport) and each pending operation hold the connection. After the transport
// is gone, or close() was called, no callback is made; what is queued is written, the closing handshake is made or given up
// after `close_timeout`, and the last operation's end frees the connection.
#pragma once

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "base/limits.h"
#include "network/tcp_traffic.h"
#include "world/transport.h"

namespace tombolo::network {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using PlainStream = Tcp::socket;
using TlsStream = asio::ssl::stream<Tcp::socket>;

inline constexpr std::string_view subprotocol = "tombolo.1";
inline constexpr std::string_view server_name = "tombolo";  // in the Server header of every answer: how devices know a hub
inline constexpr int64_t close_timeout = limits::heartbeat_answer;
inline constexpr size_t mask_buffer_bytes = size_t{64} << 10;      // a client's frames are masked in pieces of this
inline constexpr size_t idle_read_buffer_bytes = size_t{1} << 20;  // a larger read buffer is given back after its message

inline Tcp::socket& socket_of(PlainStream& stream) { return stream; }
inline Tcp::socket& socket_of(TlsStream& stream) { return stream.next_layer(); }

template <typename Stream>
class WebSocketConnection : public std::enable_shared_from_this<WebSocketConnection<Stream>> {
public:
    using Base = std::enable_shared_from_this<WebSocketConnection<Stream>>;

    explicit WebSocketConnection(Stream stream) : ws_(std::move(stream)), close_timer_(ws_.get_executor()) {
        ws_.binary(true);
        ws_.auto_fragment(false);
        ws_.write_buffer_bytes(mask_buffer_bytes);
        ws_.set_option(websocket::permessage_deflate{});  // off: bodies are compressed already (wire/codec.h)
    }

    websocket::stream<Stream>& websocket() { return ws_; }
    void set_message_bytes_max(size_t size) { ws_.read_message_max(size); }
    size_t unsent_bytes() const { return unsent_bytes_; }
    std::optional<world::Traffic> traffic() {
        if (!open_ || closing_) return std::nullopt;
        return tcp_traffic(socket_of(ws_.next_layer()).native_handle(), unsent_bytes_);
    }
    bool is_open() const { return open_; }
    bool is_closing() const { return closing_; }

    // The handshake is done: callbacks begin, and what was queued meanwhile goes out.
    void open(world::TransportHandler& handler) {
        open_ = true;
        handler_ = &handler;
        handler_->on_open();
        write_next();
        if (handler_ != nullptr) read_next();
    }

    void send(std::string message) {
        if (closing_) return;
        unsent_bytes_ += message.size();
        queue_.push_back(std::move(message));
        if (open_) write_next();
    }

    // Also what the end of the transport does. `open_` or not: nothing is told any more.
    void close() {
        handler_ = nullptr;
        if (closing_) return;
        closing_ = true;
        if (!open_) return drop();
        close_timer_.expires_after(std::chrono::microseconds(close_timeout));
        close_timer_.async_wait([self = Base::shared_from_this()](error_code error) {
            if (!error) self->drop();
        });
        if (queue_.empty()) send_close();
    }

    void drop() {
        error_code ignored;
        socket_of(ws_.next_layer()).close(ignored);
    }

private:
    void read_next() {
        ws_.async_read(buffer_, [self = Base::shared_from_this()](error_code error, size_t) { self->on_read(error); });
    }

    void on_read(error_code error) {
        if (handler_ == nullptr) return;
        if (error) return fail(error);
        if (ws_.got_text()) return fail_with(Error(ErrorCode::protocol, "the other side sent text where messages are binary"));
        const auto data = buffer_.cdata();
        handler_->on_message({static_cast<const char*>(data.data()), data.size()});
        buffer_.consume(buffer_.size());
        if (buffer_.capacity() > idle_read_buffer_bytes) buffer_ = beast::flat_buffer();
        if (handler_ != nullptr) read_next();
    }

    void write_next() {
        if (writing_ || queue_.empty()) return;
        writing_ = true;
        ws_.async_write(asio::buffer(queue_.front()), [self = Base::shared_from_this()](error_code error, size_t) { self->on_written(error); });
    }

    void on_written(error_code error) {
        writing_ = false;
        if (error) {
            if (handler_ != nullptr) return fail(error);
            return drop();
        }
        unsent_bytes_ -= queue_.front().size();
        queue_.pop_front();
        write_next();
        if (closing_ && queue_.empty()) return send_close();
        if (handler_ != nullptr && unsent_bytes_ < limits::send_window_bytes) handler_->on_room();
    }

    void send_close() {
        ws_.async_close(websocket::close_code::normal, [self = Base::shared_from_this()](error_code) {
            self->close_timer_.cancel();
            self->drop();
        });
    }

    void fail(error_code error) {
        if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow) {
            return fail_with(Error(ErrorCode::too_large, "the other side sent a message over the limit"));
        }
        if (error == websocket::error::closed) return fail_with(Error(ErrorCode::closed, "the other side closed the connection"));
        fail_with(Error(ErrorCode::unreachable, fmt::format("the connection broke: {}", error.message())));
    }

    void fail_with(const Error& why) {
        world::TransportHandler* const handler = std::exchange(handler_, nullptr);
        closing_ = true;
        drop();
        handler->on_closed(world::CloseCause::closed, why);
    }

    websocket::stream<Stream> ws_;
    asio::steady_timer close_timer_;
    beast::flat_buffer buffer_;
    world::TransportHandler* handler_ = nullptr;  // null: nobody listens, or no more
    std::deque<std::string> queue_;               // the first is being written while `writing_`
    size_t unsent_bytes_ = 0;                     // of all in queue_
    bool open_ = false;
    bool writing_ = false;
    bool closing_ = false;
};

// What the user owns.
template <typename Stream>
class WebSocketTransport final : public world::Transport {
public:
    explicit WebSocketTransport(std::shared_ptr<WebSocketConnection<Stream>> connection) : connection_(std::move(connection)) {}
    ~WebSocketTransport() override { connection_->close(); }
    WebSocketTransport(const WebSocketTransport&) = delete;
    WebSocketTransport& operator=(const WebSocketTransport&) = delete;

    void send(std::string message) override { connection_->send(std::move(message)); }
    size_t unsent_bytes() const override { return connection_->unsent_bytes(); }
    std::optional<world::Traffic> traffic() override { return connection_->traffic(); }
    void close() override { connection_->close(); }
    void set_message_bytes_max(size_t size) override { connection_->set_message_bytes_max(size); }

private:
    std::shared_ptr<WebSocketConnection<Stream>> connection_;
};

}  // namespace tombolo::network
