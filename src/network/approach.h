// Private to network/: the way to a hub's door, which every visit begins with: its name, a connection, TLS. And what a failed step
// says about the other side. Includes Beast, as websocket_connection.h does.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "network/loop_state.h"
#include "network/probe.h"
#include "network/websocket_client.h"
#include "network/websocket_connection.h"

namespace tombolo::network {

struct Failure {
    world::CloseCause cause;
    Error why;
    int64_t retry_after = 0;  // microseconds that the host asked for; 0: it did not
};

Failure unreachable(world::CloseCause cause, const HubUrl& url, std::string_view what);
Failure foreign(const HubUrl& url, std::string_view what);
Failure classify_answer(const HubUrl& url, const http::response<http::string_body>& answer);  // of another answer than was hoped for
Failure too_slow(const HubUrl& url, int64_t microseconds);
Failure classify_name(const HubUrl& url, error_code error);
Failure classify_connect(const HubUrl& url, error_code error);
Failure classify_tls(const HubUrl& url, error_code error);
bool was_cut(error_code error);

asio::ssl::context make_tls_context(const ConnectOptions& options);
void name_host(TlsStream& stream, const ConnectOptions& options);  // for the certificate's check

// Lives in an owner that each step keeps alive. Ends once: with a failure, or with the stream open.
template <typename Stream>
class Approach {
public:
    using Done = std::function<void(const std::optional<Failure>&)>;

    Approach(EventLoop& loop, const ConnectOptions& options, Stream& stream)
        : options_(options), stream_(stream), resolver_(loop.state().context), timer_(loop.state().context) {}

    void start(std::shared_ptr<void> owner, Done done) {
        owner_ = std::move(owner);
        done_ = std::move(done);
        enter(ProbeStep::name);
        resolver_.async_resolve(options_.url.address.host, std::to_string(options_.url.address.port), asio::ip::resolver_base::numeric_service,
                                [this, keep = owner_](error_code error, const Tcp::resolver::results_type& found) { on_resolved(error, found); });
    }

    // No end is told any more.
    void cancel() {
        done_ = nullptr;
        timer_.cancel();
        resolver_.cancel();
        owner_.reset();
    }

    const ProbeReport& report() const { return report_; }
    ProbeReport& report() { return report_; }
    void enter(ProbeStep step) {
        report_.reached = step;
        entered_ = std::chrono::steady_clock::now();
    }
    void leave() {
        const auto took = std::chrono::steady_clock::now() - entered_;
        report_.took.at(static_cast<size_t>(report_.reached)) = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    }

private:
    void on_resolved(error_code error, const Tcp::resolver::results_type& found) {
        if (!done_) return;
        if (error) return end(classify_name(options_.url, error));
        leave();
        for (const auto& entry : found)
            report_.addresses.push_back(entry.endpoint().address().to_string());
        enter(ProbeStep::connection);
        timer_.expires_after(std::chrono::microseconds(limits::connect_timeout));
        timer_.async_wait([this, keep = owner_](error_code cancelled) {
            if (!cancelled && report_.reached == ProbeStep::connection) end(too_slow(options_.url, limits::connect_timeout));
        });
        asio::async_connect(socket(), found, [this, keep = owner_](error_code failed, const Tcp::endpoint&) { on_connected(failed); });
    }

    void on_connected(error_code error) {
        if (!done_) return;
        if (error) return end(classify_connect(options_.url, error));
        leave();
        timer_.cancel();
        socket().set_option(Tcp::no_delay(true), error);
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            enter(ProbeStep::tls);
            stream_.async_handshake(asio::ssl::stream_base::client, [this, keep = owner_](error_code failed) { on_tls(failed); });
        } else {
            end(std::nullopt);
        }
    }

    void on_tls(error_code error) {
        if (!done_) return;
        if (error) return end(classify_tls(options_.url, error));
        leave();
        end(std::nullopt);
    }

    void end(const std::optional<Failure>& failure) {
        if (!done_) return;
        const Done done = std::exchange(done_, nullptr);
        const std::shared_ptr<void> keep = owner_;
        cancel();
        done(failure);
    }

    Tcp::socket& socket() { return socket_of(stream_); }

    const ConnectOptions options_;
    Stream& stream_;
    Tcp::resolver resolver_;
    asio::steady_timer timer_;
    std::shared_ptr<void> owner_;
    Done done_;
    ProbeReport report_;
    std::chrono::steady_clock::time_point entered_;
};

}  // namespace tombolo::network
