#include "network/probe.h"

#include <ctime>

#include "base/bytes.h"
#include "network/approach.h"
#include "network/system_random.h"

namespace tombolo::network {

namespace {

constexpr uint64_t answer_bytes_max = 64 << 10;  // a portal's page may be long; ours is short

using Answer = http::response<http::string_body>;

std::string make_nonce() {
    SystemRandom random;
    return to_hex(random.id<SiteId>().view());
}

std::optional<int64_t> time_of(const Answer& answer) {
    const auto field = answer.find(http::field::date);
    if (field == answer.end()) return std::nullopt;
    const std::string text(field->value().data(), field->value().size());
    std::tm parts{};
    if (::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return std::nullopt;
    return static_cast<int64_t>(::timegm(&parts)) * limits::second;
}

bool is_hubs(const Answer& answer, const std::string& nonce) {
    const std::string& body = answer.body();
    return answer.result() == http::status::ok && body.find("\"tombolo\":") != std::string::npos &&
           body.find("\"nonce\":\"" + nonce + "\"") != std::string::npos;
}

template <typename Stream>
class Visit : public std::enable_shared_from_this<Visit<Stream>> {
public:
    using Base = std::enable_shared_from_this<Visit<Stream>>;

    Visit(EventLoop& loop, const ConnectOptions& options, Stream stream, std::function<void(const ProbeReport&)> done)
        : url_(options.url), stream_(std::move(stream)), approach_(loop, options, stream_), timer_(loop.state().context), done_(std::move(done)) {
        timer_.expires_after(std::chrono::microseconds(options.timeout));
        timeout_ = options.timeout;
        parser_.body_limit(answer_bytes_max);
    }

    void start() {
        timer_.async_wait([self = Base::shared_from_this()](error_code error) {
            if (!error) self->end(too_slow(self->url_, self->timeout_));
        });
        approach_.start(Base::shared_from_this(), [this](const std::optional<Failure>& failure) { failure ? end(*failure) : ask(); });
    }

    void cancel() {
        done_ = nullptr;
        approach_.cancel();
        timer_.cancel();
        error_code ignored;
        socket_of(stream_).close(ignored);
    }

private:
    void ask() {
        approach_.enter(ProbeStep::answer);
        request_ = http::request<http::empty_body>(http::verb::get, "/healthz?nonce=" + nonce_, 11);
        request_.set(http::field::host, to_string(url_.address));
        request_.set(http::field::user_agent, beast::string_view(server_name.data(), server_name.size()));
        request_.set(http::field::cache_control, "no-cache");
        request_.keep_alive(false);
        http::async_write(stream_, request_, [self = Base::shared_from_this()](error_code error, size_t) { self->on_asked(error); });
    }

    void on_asked(error_code error) {
        if (!done_) return;
        if (error) return end(unreachable(world::CloseCause::refused, url_, "it closed the connection without an answer"));
        http::async_read(stream_, buffer_, parser_, [self = Base::shared_from_this()](error_code failed, size_t) { self->on_answer(failed); });
    }

    void on_answer(error_code error) {
        if (!done_) return;
        const Answer& answer = parser_.get();
        if (parser_.is_header_done()) {
            ProbeReport& report = approach_.report();
            report.http_status = static_cast<int>(answer.result_int());
            report.location = std::string(answer[http::field::location].data(), answer[http::field::location].size());
            report.hub_time = time_of(answer);
        }
        if (error && was_cut(error) && !parser_.is_header_done())
            return end(unreachable(world::CloseCause::refused, url_, "it closed the connection without an answer"));
        if (error && !parser_.is_header_done()) return end(foreign(url_, error.message()));
        if (error || !is_hubs(answer, nonce_)) return end(classify_answer(url_, answer));
        approach_.leave();
        approach_.enter(ProbeStep::done);
        end(std::nullopt);
    }

    void end(const std::optional<Failure>& failure) {
        if (!done_) return;
        const auto done = std::exchange(done_, nullptr);
        ProbeReport report = approach_.report();
        if (failure) {
            report.why = failure->why;
            report.cause = failure->cause;
            report.retry_after = failure->retry_after;
        }
        cancel();
        done(report);
    }

    const HubUrl url_;
    Stream stream_;
    Approach<Stream> approach_;
    asio::steady_timer timer_;
    int64_t timeout_ = 0;
    std::function<void(const ProbeReport&)> done_;
    const std::string nonce_ = make_nonce();
    http::request<http::empty_body> request_;
    beast::flat_buffer buffer_;
    http::response_parser<http::string_body> parser_;
};

template <typename Stream>
class Handle final : public Probe {
public:
    explicit Handle(std::shared_ptr<Visit<Stream>> visit) : visit_(std::move(visit)) {}
    ~Handle() override { visit_->cancel(); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

private:
    std::shared_ptr<Visit<Stream>> visit_;
};

template <typename Stream>
std::unique_ptr<Probe> begin(EventLoop& loop, const ConnectOptions& options, Stream stream, std::function<void(const ProbeReport&)> done) {
    auto visit = std::make_shared<Visit<Stream>>(loop, options, std::move(stream), std::move(done));
    visit->start();
    return std::make_unique<Handle<Stream>>(std::move(visit));
}

}  // namespace

std::unique_ptr<Probe> probe(EventLoop& loop, const ConnectOptions& options, std::function<void(const ProbeReport&)> done) {
    PlainStream socket(loop.state().context);
    if (!options.url.tls) return begin(loop, options, std::move(socket), std::move(done));
    asio::ssl::context context = make_tls_context(options);
    TlsStream stream(std::move(socket), context);
    name_host(stream, options);
    return begin(loop, options, std::move(stream), std::move(done));
}

}  // namespace tombolo::network
