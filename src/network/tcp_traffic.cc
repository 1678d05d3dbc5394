#include "network/tcp_traffic.h"

#ifdef __linux__
// Not <netinet/tcp.h>: the C library's tcp_info ends before the byte counters.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#endif

namespace tombolo::network {

#ifdef __linux__
std::optional<world::Traffic> tcp_traffic(int socket, uint64_t queued) {
    tcp_info info{};
    socklen_t size = sizeof info;
    int unacknowledged = 0;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || ::ioctl(socket, SIOCOUTQ, &unacknowledged) != 0) return std::nullopt;
    world::Traffic traffic;
    traffic.received = info.tcpi_bytes_received;
    traffic.acknowledged = info.tcpi_bytes_acked;
    traffic.under_way = queued + static_cast<uint64_t>(unacknowledged);
    return traffic;
}
#else
std::optional<world::Traffic> tcp_traffic(int, uint64_t) { return std::nullopt; }
#endif

}  // namespace tombolo::network
