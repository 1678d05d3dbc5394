#include "network/approach.h"

#include <openssl/err.h>

#include <algorithm>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <charconv>

namespace tombolo::network {

using world::CloseCause;

Failure unreachable(CloseCause cause, const HubUrl& url, std::string_view what) {
    return {cause, Error(ErrorCode::unreachable, fmt::format("the hub at {} cannot be reached: {}", to_string(url), what))};
}

Failure foreign(const HubUrl& url, std::string_view what) {
    return {CloseCause::foreign, Error(ErrorCode::unreachable, fmt::format("no hub answers at {}: {}", to_string(url), what),
                                       "check the address, and whether this network wants a login first")};
}

namespace {

bool is_hub(const http::response<http::string_body>& answer) {
    const auto server = answer[http::field::server];
    return std::string_view(server.data(), server.size()).substr(0, server_name.size()) == server_name;
}

// What a server in front of a hub says for it: too much at once, or it cannot get through. No portal answers so.
bool is_said_for_a_hub(unsigned status) { return status == 429 || status == 502 || status == 503 || status == 504; }

// Seconds; the other form, a date, is hardly ever used and depends on two clocks.
int64_t retry_after(const http::response<http::string_body>& answer) {
    const auto text = answer[http::field::retry_after];
    int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return 0;
    return std::min(seconds, limits::retry_after_max / limits::second) * limits::second;
}

}  // namespace

Failure classify_answer(const HubUrl& url, const http::response<http::string_body>& answer) {
    const std::string status = fmt::format("it answers with HTTP status {}", answer.result_int());
    if (!is_hub(answer) && !is_said_for_a_hub(answer.result_int())) return foreign(url, status);
    Failure failure = unreachable(CloseCause::refused, url, status);
    failure.retry_after = retry_after(answer);
    return failure;
}

Failure too_slow(const HubUrl& url, int64_t microseconds) {
    const auto seconds = static_cast<double>(microseconds) / 1e6;
    return {CloseCause::silent, Error(ErrorCode::timed_out, fmt::format("the hub at {} did not answer within {} s", to_string(url), seconds))};
}

Failure classify_name(const HubUrl& url, error_code error) {
    return unreachable(CloseCause::silent, url, fmt::format("its name is not known here: {}", error.message()));
}

Failure classify_connect(const HubUrl& url, error_code error) {
    const bool no_way = error == asio::error::network_unreachable || error == error_code(EADDRNOTAVAIL, boost::system::system_category());
    if (no_way) return unreachable(CloseCause::unroutable, url, error.message());
    return unreachable(error == asio::error::connection_refused ? CloseCause::refused : CloseCause::silent, url, error.message());
}

bool was_cut(error_code error) {
    return error == asio::error::eof || error == asio::error::connection_reset || error == asio::error::broken_pipe ||
           error == asio::ssl::error::stream_truncated || error == http::error::end_of_stream || error == http::error::partial_message;
}

Failure classify_tls(const HubUrl& url, error_code error) {
    if (was_cut(error)) return unreachable(CloseCause::refused, url, "it closed the connection during the TLS handshake");
    return foreign(url, fmt::format("its TLS is not to be trusted: {}", error.message()));
}

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

}  // namespace tombolo::network
