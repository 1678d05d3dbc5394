#include "network/manager_source.h"

#include <poll.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstring>
#include <utility>

#include "network/loop_state.h"

namespace tombolo::network {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr const char* service = "org.freedesktop.NetworkManager";
constexpr const char* path = "/org/freedesktop/NetworkManager";
constexpr const char* interface = "org.freedesktop.NetworkManager";
constexpr const char* properties = "org.freedesktop.DBus.Properties";

// NM's numbers: NMConnectivityState and NMMetered.
std::optional<bool> portal_of(uint32_t connectivity) { return connectivity == 0 ? std::nullopt : std::optional(connectivity == 2); }
std::optional<bool> metered_of(uint32_t metered) {
    if (metered == 1 || metered == 3) return true;
    return metered == 2 || metered == 4 ? std::optional(false) : std::nullopt;
}

InterfaceKind kind_of(std::string_view type) {
    if (type == "802-3-ethernet") return InterfaceKind::ethernet;
    if (type == "802-11-wireless") return InterfaceKind::wifi;
    if (type == "gsm" || type == "cdma") return InterfaceKind::cellular;
    if (type == "vpn" || type == "wireguard" || type == "tun") return InterfaceKind::vpn;
    return type.empty() ? InterfaceKind::unknown : InterfaceKind::other;
}

struct BusCloser {
    void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};

class ManagerNews : public std::enable_shared_from_this<ManagerNews> {
public:
    ManagerNews(EventLoop& loop, world::NetworkStateHandler& handler, sd_bus* bus)
        : handler_(&handler), bus_(bus), socket_(loop.state().context, ::dup(sd_bus_get_fd(bus))), timer_(loop.state().context) {}

    bool start() {
        const int matched =
            sd_bus_match_signal_async(bus_.get(), nullptr, service, path, properties, "PropertiesChanged", &on_changed, nullptr, this);
        if (matched < 0 || !ask()) return false;
        go_on();
        return true;
    }
    void end() {
        handler_ = nullptr;
        error_code ignored;
        socket_.close(ignored);
        timer_.cancel();
        bus_.reset();
    }

private:
    // The answer, or an error where nobody owns the name, comes to on_all.
    bool ask() {
        sd_bus_message* question = nullptr;
        if (sd_bus_message_new_method_call(bus_.get(), &question, service, path, properties, "GetAll") < 0) return false;
        sd_bus_message_set_auto_start(question, 0);
        const bool asked =
            sd_bus_message_append(question, "s", interface) >= 0 && sd_bus_call_async(bus_.get(), nullptr, question, &on_all, this, 0) >= 0;
        sd_bus_message_unref(question);
        return asked;
    }

    static int on_all(sd_bus_message* answer, void* self, sd_bus_error*) {
        if (sd_bus_message_is_method_error(answer, nullptr) == 0) static_cast<ManagerNews*>(self)->read(answer);
        return 0;
    }
    static int on_changed(sd_bus_message* news, void* self, sd_bus_error*) {
        const char* of = nullptr;
        if (sd_bus_message_read(news, "s", &of) >= 0 && std::strcmp(of, interface) == 0) static_cast<ManagerNews*>(self)->read(news);
        return 0;
    }

    // a{sv}: the properties that are new.
    void read(sd_bus_message* message) {
        const NetworkHint before = known_;
        if (sd_bus_message_enter_container(message, 'a', "{sv}") < 0) return;
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
            const char* name = nullptr;
            if (sd_bus_message_read(message, "s", &name) < 0 || !read_one(message, name)) return;
            if (sd_bus_message_exit_container(message) < 0) return;
        }
        world::NetworkSignal signal;
        signal.says = known_;
        if (!(known_ == before)) changed_ = signal;
    }

    bool read_one(sd_bus_message* message, std::string_view name) {
        uint32_t number = 0;
        const char* text = "";
        if (name == "Connectivity" || name == "Metered") {
            if (sd_bus_message_read(message, "v", "u", &number) < 0) return false;
            (name == "Metered" ? known_.metered : known_.portal) = name == "Metered" ? metered_of(number) : portal_of(number);
            return true;
        }
        if (name == "PrimaryConnectionType") {
            if (sd_bus_message_read(message, "v", "s", &text) < 0) return false;
            known_.interface_kind = kind_of(text);
            return true;
        }
        return sd_bus_message_skip(message, "v") >= 0;
    }

    // Takes what has come, then waits for what the bus waits for. A bus that has ended tells nothing more.
    void go_on() {
        int done = 1;
        while (handler_ != nullptr && done > 0) {
            done = sd_bus_process(bus_.get(), nullptr);
            if (const auto signal = std::exchange(changed_, std::nullopt)) handler_->on_network(world::SignalSource::manager, *signal);
        }
        if (handler_ == nullptr || done < 0) return;
        const auto woken = [self = shared_from_this(), turn = ++turn_](error_code error) {
            if (error || self->handler_ == nullptr || turn != self->turn_) return;
            self->socket_.cancel(error);
            self->timer_.cancel();
            self->go_on();
        };
        const int events = sd_bus_get_events(bus_.get());
        if (events > 0 && (events & POLLIN) != 0) socket_.async_wait(asio::posix::stream_descriptor::wait_read, woken);
        if (events > 0 && (events & POLLOUT) != 0) socket_.async_wait(asio::posix::stream_descriptor::wait_write, woken);
        uint64_t until = UINT64_MAX;
        if (sd_bus_get_timeout(bus_.get(), &until) >= 0 && until != UINT64_MAX) {
            timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::microseconds(until)));
            timer_.async_wait(woken);
        }
    }

    world::NetworkStateHandler* handler_;
    std::unique_ptr<sd_bus, BusCloser> bus_;
    asio::posix::stream_descriptor socket_;
    asio::steady_timer timer_;
    uint64_t turn_ = 0;
    NetworkHint known_;
    std::optional<world::NetworkSignal> changed_;
};

class ManagerSource final : public world::NetworkStateSource {
public:
    explicit ManagerSource(std::shared_ptr<ManagerNews> news) : news_(std::move(news)) {}
    ~ManagerSource() override { news_->end(); }
    ManagerSource(const ManagerSource&) = delete;
    ManagerSource& operator=(const ManagerSource&) = delete;

private:
    std::shared_ptr<ManagerNews> news_;
};

}  // namespace

std::unique_ptr<world::NetworkStateSource> watch_network_manager(EventLoop& loop, world::NetworkStateHandler& handler) {
    sd_bus* bus = nullptr;
    if (sd_bus_open_system(&bus) < 0) return nullptr;
    auto news = std::make_shared<ManagerNews>(loop, handler, bus);
    if (news->start()) return std::make_unique<ManagerSource>(std::move(news));
    news->end();
    return nullptr;
}

}  // namespace tombolo::network
