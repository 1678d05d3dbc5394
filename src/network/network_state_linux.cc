// The messages of rtnetlink only tell that something changed: on link down the kernel drops routes without a word, and under
// pressure it drops messages (ENOBUFS). So every event is answered by reading all the tables anew.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <utility>

#include "base/limits.h"
#include "network/loop_state.h"
#ifdef TOMBOLO_SD_BUS
#include "network/manager_source.h"
#endif
#include "network/network_state.h"
#include "tombolo/error.h"

namespace tombolo::network {

namespace {

namespace asio = boost::asio;

constexpr size_t buffer_bytes = size_t{64} << 10;  // the kernel's own messages are half of this
constexpr std::chrono::seconds answer_timeout{2};  // of the kernel; it answers in microseconds
constexpr uint32_t groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

Error failed(const char* what) { return Error(ErrorCode::io, fmt::format("rtnetlink: {}: {}", what, std::strerror(errno))); }

class Netlink {
public:
    explicit Netlink(uint32_t listen_to) : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
        if (fd_ < 0) throw failed("socket");
        sockaddr_nl address{};
        address.nl_family = AF_NETLINK;
        address.nl_groups = listen_to;
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            const Error error = failed("bind");
            ::close(fd_);
            throw error;
        }
    }
    ~Netlink() {
        if (fd_ >= 0) ::close(fd_);
    }
    Netlink(const Netlink&) = delete;
    Netlink& operator=(const Netlink&) = delete;
    int fd() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

private:
    int fd_;
};

using Attributes = std::map<uint16_t, std::string_view>;

Attributes attributes_of(const rtattr* attribute, size_t size) {
    Attributes found;
    for (int left = static_cast<int>(size); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
        found[attribute->rta_type] = {static_cast<const char*>(RTA_DATA(attribute)), static_cast<size_t>(RTA_PAYLOAD(attribute))};
    return found;
}

template <typename Header>
std::pair<const Header*, Attributes> take_apart(const nlmsghdr& message) {
    if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Header))) return {nullptr, {}};
    const auto* header = static_cast<const Header*>(NLMSG_DATA(&message));
    const auto* first = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(header) + NLMSG_ALIGN(sizeof(Header)));
    const size_t used = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(Header)));
    return {header, message.nlmsg_len > used ? attributes_of(first, message.nlmsg_len - used) : Attributes()};
}

// Asks for one table, and gives each of its entries to `take`.
void dump(const Netlink& socket, uint16_t type, const std::function<void(const nlmsghdr&)>& take) {
    struct {
        nlmsghdr header;
        rtgenmsg body;
    } request{};
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.body);
    request.header.nlmsg_type = type;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.body.rtgen_family = AF_UNSPEC;
    if (::send(socket.fd(), &request, request.header.nlmsg_len, 0) < 0) throw failed("send");
    alignas(nlmsghdr) static thread_local char buffer[buffer_bytes];
    while (true) {
        const ssize_t size = ::recv(socket.fd(), buffer, sizeof buffer, 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) throw failed("receive");
        int left = static_cast<int>(size);
        for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer); NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
            if (message->nlmsg_type == NLMSG_DONE) return;
            if (message->nlmsg_type == NLMSG_ERROR) throw Error(ErrorCode::io, "rtnetlink: the kernel refused to list its tables");
            take(*message);
        }
    }
}

InterfaceKind kind_of(const ifinfomsg& link, std::string_view name) {
    if (link.ifi_type == ARPHRD_PPP) return InterfaceKind::cellular;
    if (link.ifi_type == ARPHRD_NONE || link.ifi_type == ARPHRD_TUNNEL || link.ifi_type == ARPHRD_TUNNEL6) {
        return name.substr(0, 4) == "wwan" ? InterfaceKind::cellular : InterfaceKind::vpn;
    }
    if (link.ifi_type == ARPHRD_RAWIP) return InterfaceKind::cellular;
    if (link.ifi_type != ARPHRD_ETHER) return InterfaceKind::other;
    if (name.substr(0, 2) == "wl") return InterfaceKind::wifi;
    return name.substr(0, 2) == "ww" ? InterfaceKind::cellular : InterfaceKind::ethernet;
}

std::string text(std::string_view zero_terminated) { return std::string(zero_terminated.substr(0, zero_terminated.find('\0'))); }

std::string address_text(int family, std::string_view bytes) {
    char out[INET6_ADDRSTRLEN] = {};
    const size_t wanted = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
    if ((family != AF_INET && family != AF_INET6) || bytes.size() != wanted) return {};
    return ::inet_ntop(family, bytes.data(), out, sizeof out) != nullptr ? out : std::string();
}

std::string_view attribute(const Attributes& attributes, uint16_t type) {
    const auto found = attributes.find(type);
    return found != attributes.end() ? found->second : std::string_view();
}

int32_t number(std::string_view bytes) {
    int32_t value = 0;
    if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

void add_link(NetworkTables& tables, const nlmsghdr& message) {
    const auto [link, attributes] = take_apart<ifinfomsg>(message);
    if (message.nlmsg_type != RTM_NEWLINK || link == nullptr) return;
    Interface& added = tables.interfaces.emplace_back();
    added.index = link->ifi_index;
    added.name = text(attribute(attributes, IFLA_IFNAME));
    added.kind = kind_of(*link, added.name);
    added.loopback = (link->ifi_flags & IFF_LOOPBACK) != 0;
    added.up = (link->ifi_flags & IFF_UP) != 0 && (link->ifi_flags & IFF_RUNNING) != 0;
}

// Addresses that are still being tried for duplicates, or reach no further than the cable, are none.
void add_address(NetworkTables& tables, const nlmsghdr& message) {
    const auto [address, attributes] = take_apart<ifaddrmsg>(message);
    if (message.nlmsg_type != RTM_NEWADDR || address == nullptr) return;
    if ((address->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0 || address->ifa_scope == RT_SCOPE_LINK) return;
    std::string_view bytes = attribute(attributes, IFA_LOCAL);
    if (bytes.empty()) bytes = attribute(attributes, IFA_ADDRESS);
    const std::string written = address_text(address->ifa_family, bytes);
    for (Interface& link : tables.interfaces) {
        if (link.index == static_cast<int>(address->ifa_index) && !written.empty()) link.addresses.push_back(written);
    }
}

void add_route(NetworkTables& tables, const nlmsghdr& message) {
    const auto [route, attributes] = take_apart<rtmsg>(message);
    if (message.nlmsg_type != RTM_NEWROUTE || route == nullptr || route->rtm_type != RTN_UNICAST || route->rtm_table == RT_TABLE_LOCAL) return;
    if ((route->rtm_flags & RTM_F_CLONED) != 0) return;
    Route added;
    const std::string to = address_text(route->rtm_family, attribute(attributes, RTA_DST));
    added.to = to.empty() ? "default" : fmt::format("{}/{}", to, route->rtm_dst_len);
    added.through = address_text(route->rtm_family, attribute(attributes, RTA_GATEWAY));
    added.interface_index = number(attribute(attributes, RTA_OIF));
    tables.routes.push_back(std::move(added));
}

NetworkTables read_tables(const Netlink& socket) {
    NetworkTables tables;
    dump(socket, RTM_GETLINK, [&](const nlmsghdr& message) { add_link(tables, message); });
    dump(socket, RTM_GETADDR, [&](const nlmsghdr& message) { add_address(tables, message); });
    dump(socket, RTM_GETROUTE, [&](const nlmsghdr& message) { add_route(tables, message); });
    return tables;
}

}  // namespace

NetworkTables read_network_tables() {
    const Netlink socket(0);
    const timeval timeout{answer_timeout.count(), 0};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    return read_tables(socket);
}

NetworkHint hint_of(const NetworkTables& tables) {
    NetworkHint hint;
    hint.online = false;
    const auto way_out = [&](const Interface& link) {
        return std::any_of(tables.routes.begin(), tables.routes.end(),
                           [&](const Route& route) { return route.interface_index == link.index && route.to == "default"; });
    };
    bool leads_out = false;
    for (const Interface& link : tables.interfaces) {
        if (link.loopback || !link.up || link.addresses.empty()) continue;
        hint.online = true;
        if (hint.interface_kind == InterfaceKind::unknown || (!leads_out && way_out(link))) hint.interface_kind = link.kind;
        leads_out = leads_out || way_out(link);
    }
    return hint;
}

namespace {

class KernelNews : public std::enable_shared_from_this<KernelNews> {
public:
    KernelNews(EventLoop& loop, world::NetworkStateHandler& handler, int fd)
        : handler_(&handler), socket_(loop.state().context, fd), settle_(loop.state().context) {}

    void start() {
        wait();
        look_soon();
    }
    void end() {
        handler_ = nullptr;
        boost::system::error_code ignored;
        socket_.close(ignored);
        settle_.cancel();
    }

private:
    void wait() {
        socket_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](boost::system::error_code error) {
            if (error || self->handler_ == nullptr) return;
            self->drain();
            self->look_soon();
            self->wait();
        });
    }

    // What they say is read from the tables. ENOBUFS, messages lost, is no more than another reason to look.
    void drain() {
        alignas(nlmsghdr) char buffer[8192];
        while (::recv(socket_.native_handle(), buffer, sizeof buffer, MSG_DONTWAIT) > 0 || errno == ENOBUFS || errno == EINTR) {
        }
    }

    // The kernel tells every step of a change; one look at its end is enough.
    void look_soon() {
        if (std::exchange(looking_, true)) return;
        settle_.expires_after(std::chrono::microseconds(limits::network_settle));
        settle_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (error || self->handler_ == nullptr) return;
            self->looking_ = false;
            self->look();
        });
    }

    void look() {
        NetworkTables tables;
        try {
            tables = read_network_tables();
        } catch (const Error&) {
            return look_soon();
        }
        const bool first = !known_;
        if (known_ == tables) return;
        known_ = std::move(tables);
        world::NetworkSignal signal;
        signal.says = hint_of(*known_);
        signal.moved = !first;
        handler_->on_network(world::SignalSource::kernel, signal);
    }

    world::NetworkStateHandler* handler_;
    asio::posix::stream_descriptor socket_;
    asio::steady_timer settle_;
    bool looking_ = false;
    std::optional<NetworkTables> known_;
};

class KernelSource final : public world::NetworkStateSource {
public:
    KernelSource(EventLoop& loop, world::NetworkStateHandler& handler) {
        Netlink socket(groups);
        news_ = std::make_shared<KernelNews>(loop, handler, socket.release());
        news_->start();
    }
    ~KernelSource() override { news_->end(); }
    KernelSource(const KernelSource&) = delete;
    KernelSource& operator=(const KernelSource&) = delete;

private:
    std::shared_ptr<KernelNews> news_;
};

}  // namespace

std::vector<std::unique_ptr<world::NetworkStateSource>> watch_network(EventLoop& loop, world::NetworkStateHandler& handler) {
    std::vector<std::unique_ptr<world::NetworkStateSource>> sources;
    try {
        sources.push_back(std::make_unique<KernelSource>(loop, handler));
    } catch (const Error&) {
        // Attempts tell as well, only later: a sandbox may forbid the socket.
    }
#ifdef TOMBOLO_SD_BUS
    if (auto manager = watch_network_manager(loop, handler)) sources.push_back(std::move(manager));
#endif
    return sources;
}

}  // namespace tombolo::network
