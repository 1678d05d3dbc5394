#include "cli/examination.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "client/device_file.h"
#include "device/network_evidence.h"
#include "network/event_loop.h"
#include "network/network_state.h"
#include "network/probe.h"
#include "network/url.h"
#include "network/websocket_client.h"
#include "tombolo/error.h"

namespace tombolo::cli {

namespace {

using network::ProbeReport;
using network::ProbeStep;

constexpr int64_t clock_offset_max = 5 * limits::second;  // the answer's Date has whole seconds
constexpr int64_t round_trip_long = 1 * limits::second;
constexpr const char* name_a_hub = "name one: tombolo doctor --hub ws://HOST:PORT";

// --- what is looked at ---

struct Subject {
    std::optional<network::HubUrl> url;
    bool hub_is_here = false;
    std::optional<network::NetworkTables> tables;
    std::string tables_error;
    ProbeReport report;               // of the hub, if one is named
    std::optional<Error> not_opened;  // the hub answers, and gives no connection
};

class Opening final : public world::TransportHandler {
public:
    explicit Opening(network::EventLoop& loop) : loop_(loop) {}
    void on_open() override { loop_.stop(); }
    void on_message(std::string_view) override {}
    void on_room() override {}
    void on_closed(world::CloseCause, const Error& why) override {
        failure = why;
        loop_.stop();
    }
    std::optional<Error> failure;

private:
    network::EventLoop& loop_;
};

void visit(Subject& subject, const std::string& ca_file) {
    network::ConnectOptions options;
    options.url = *subject.url;
    options.ca_file = ca_file;
    network::EventLoop loop;
    const auto probe = network::probe(loop, options, [&](const ProbeReport& report) {
        subject.report = report;
        loop.stop();
    });
    loop.run();
    if (subject.report.why) return;
    Opening opening(loop);
    const auto transport = network::connect(loop, options, opening);
    loop.run();
    subject.not_opened = opening.failure;
}

Subject look(const std::string& hub, const std::string& ca_file) {
    Subject subject;
    if (!hub.empty()) {
        subject.url = network::parse_hub_url(hub);
        subject.hub_is_here = device::is_on_this_machine(client::hub_address(*subject.url));
    }
    try {
        subject.tables = network::read_network_tables();
    } catch (const Error& error) {
        subject.tables_error = error.what();
    }
    if (subject.url) visit(subject, ca_file);
    return subject;
}

// --- what is made of it ---

Check not_checked(const char* name, std::string why, std::string advice) {
    return {name, CheckResult::warn, "not checked: " + why, std::move(advice)};
}

// For checks that need the step before them. Nothing: go on.
std::optional<Check> needs(const char* name, const Subject& subject, ProbeStep step) {
    if (!subject.url) return not_checked(name, "no hub was named", name_a_hub);
    if (subject.report.reached < step) return not_checked(name, "the way there failed before", "see the failure above or below first");
    return std::nullopt;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts)
        all += (all.empty() ? "" : ", ") + text;
    return all;
}

std::string milliseconds(int64_t microseconds) { return fmt::format("{:.1f} ms", static_cast<double>(microseconds) / 1000.0); }

Check check_interfaces(const Subject& subject) {
    if (!subject.tables) return not_checked("interfaces", subject.tables_error, "");
    std::vector<std::string> usable;
    std::vector<std::string> others;
    for (const network::Interface& link : subject.tables->interfaces) {
        if (link.loopback) continue;
        if (link.up && !link.addresses.empty()) {
            usable.push_back(fmt::format("{} ({}): {}", link.name, to_string(link.kind), joined(link.addresses)));
        } else {
            others.push_back(fmt::format("{} is {}", link.name, link.up ? "up and has no address" : "down or not connected"));
        }
    }
    if (!usable.empty()) return {"interfaces", CheckResult::ok, joined(usable), ""};
    const std::string detail = others.empty() ? "there is no interface but loopback" : "no interface has a link and an address: " + joined(others);
    const CheckResult result = subject.hub_is_here ? CheckResult::warn : CheckResult::fail;
    return {"interfaces", result, detail, subject.hub_is_here ? "" : "plug in a cable, or join a network; wait for its address"};
}

// Asks the kernel which way a packet would go; none is sent.
std::string own_address_for(const std::string& address) {
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    const bool is_v6 = address.find(':') != std::string::npos;
    v4.sin_family = AF_INET;
    v6.sin6_family = AF_INET6;
    v4.sin_port = v6.sin6_port = htons(443);
    const bool parsed = is_v6 ? ::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1 : ::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1;
    auto* target = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
    socklen_t size = is_v6 ? sizeof v6 : sizeof v4;
    const int fd = parsed ? ::socket(target->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    char text[INET6_ADDRSTRLEN] = {};
    if (fd >= 0 && ::connect(fd, target, size) == 0 && ::getsockname(fd, target, &size) == 0) {
        const void* bytes = is_v6 ? static_cast<const void*>(&v6.sin6_addr) : static_cast<const void*>(&v4.sin_addr);
        ::inet_ntop(target->sa_family, bytes, text, sizeof text);
    }
    if (fd >= 0) ::close(fd);
    return text;
}

Check check_routes(const Subject& subject) {
    const char* const advice = "check the gateway of this network, or the VPN that should carry the hub's address";
    if (subject.url && !subject.report.addresses.empty()) {
        std::vector<std::string> ways;
        for (const std::string& address : subject.report.addresses) {
            const std::string own = own_address_for(address);
            if (!own.empty()) ways.push_back(fmt::format("{} from {}", address, own));
        }
        if (!ways.empty()) return {"routes", CheckResult::ok, "to " + joined(ways), ""};
        return {"routes", CheckResult::fail, fmt::format("no route leads to {}", joined(subject.report.addresses)), advice};
    }
    if (!subject.tables) return not_checked("routes", subject.tables_error, "");
    for (const network::Route& route : subject.tables->routes) {
        if (route.to == "default")
            return {"routes", CheckResult::ok, fmt::format("a default route{}", route.through.empty() ? "" : " through " + route.through), ""};
    }
    return {"routes", CheckResult::warn, "there is no default route", advice};
}

Check check_dns(const Subject& subject) {
    if (const auto skipped = needs("dns", subject, ProbeStep::name)) return *skipped;
    const std::string& host = subject.url->address.host;
    const ProbeReport& report = subject.report;
    if (report.reached == ProbeStep::name) {
        const char* const advice = "check the address; another device's name server may know it; 'getent hosts NAME' asks the same way";
        return {"dns", CheckResult::fail, report.why ? report.why->what() : "the name server did not answer", advice};
    }
    if (report.addresses.size() == 1 && report.addresses.front() == host) return {"dns", CheckResult::ok, "no name to look up", ""};
    return {"dns", CheckResult::ok, fmt::format("{} is {} ({})", host, joined(report.addresses), milliseconds(report.took[0])), ""};
}

Check check_portal(const Subject& subject) {
    if (!subject.url) return not_checked("portal", "no hub was named", name_a_hub);
    const ProbeReport& report = subject.report;
    if (report.why && report.cause == world::CloseCause::foreign) {
        std::string detail = report.why->what();
        if (!report.location.empty()) detail += fmt::format(", and leads to {}", report.location);
        return {"portal", CheckResult::fail, detail, "open a web page and log in to this network, or check that the address is the hub's"};
    }
    if (const auto skipped = needs("portal", subject, ProbeStep::done)) return *skipped;
    return {"portal", CheckResult::ok, "the hub itself answers", ""};
}

Check check_proxy(const Subject& subject) {
    std::vector<std::string> set;
    for (const char* name : {"https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
        const char* const value = std::getenv(name);
        if (value != nullptr && *value != '\0') set.emplace_back(name);
    }
    if (set.empty()) return {"proxy", CheckResult::ok, "none is set", ""};
    const bool reached = subject.url && !subject.report.why;
    const std::string detail = fmt::format("{} {} set, and Tombolo connects without a proxy", joined(set), set.size() == 1 ? "is" : "are");
    return {"proxy", reached ? CheckResult::ok : CheckResult::warn, detail,
            reached ? "" : "ask whoever runs this network to let the hub's address through"};
}

Check check_hub(const Subject& subject) {
    if (!subject.url) return not_checked("hub", "no hub was named", name_a_hub);
    const ProbeReport& report = subject.report;
    if (report.why) {
        const bool nobody = report.cause == world::CloseCause::refused;
        return {"hub", CheckResult::fail, report.why->what(),
                nobody ? "start the hub there, or check the port" : "check the address, the firewalls in between, and whether the hub runs"};
    }
    if (subject.not_opened) return {"hub", CheckResult::fail, subject.not_opened->what(), "check the space's name, and the hub's log"};
    return {"hub", CheckResult::ok, fmt::format("{} answers and takes connections", network::to_string(*subject.url)), ""};
}

Check check_tls(const Subject& subject) {
    if (!subject.url) return not_checked("tls", "no hub was named", name_a_hub);
    if (!subject.url->tls) {
        if (subject.hub_is_here) return {"tls", CheckResult::ok, "none, and none is needed on this machine", ""};
        return {"tls", CheckResult::warn, "none: whoever is in between can read and change everything", "use a wss:// address"};
    }
    if (const auto skipped = needs("tls", subject, ProbeStep::tls)) return *skipped;
    if (subject.report.reached == ProbeStep::tls) {
        return {"tls", CheckResult::fail, subject.report.why ? subject.report.why->what() : "no answer",
                "check this machine's clock, the certificate's name and date, and --ca-file where the authority is your own"};
    }
    return {"tls", CheckResult::ok, fmt::format("the certificate is good ({})", milliseconds(subject.report.took[2])), ""};
}

Check check_clock(const Subject& subject) {
    if (const auto skipped = needs("clock", subject, ProbeStep::done)) return *skipped;
    if (!subject.report.hub_time) return not_checked("clock", "the hub's answer bears no date", "update the hub");
    const int64_t offset = client::system_clock().wall() - *subject.report.hub_time;
    const std::string detail =
        fmt::format("this machine is {:.0f} s {} the hub", std::abs(static_cast<double>(offset)) / 1e6, offset < 0 ? "behind" : "ahead of");
    if (std::abs(offset) <= clock_offset_max) return {"clock", CheckResult::ok, "it agrees with the hub's to a few seconds", ""};
    return {"clock", CheckResult::warn, detail, "set the clock; until then the hub's time decides which write is newer"};
}

Check check_round_trip(const Subject& subject) {
    if (const auto skipped = needs("round-trip", subject, ProbeStep::done)) return *skipped;
    const auto& took = subject.report.took;
    const std::string detail = fmt::format("{} to connect, {} for an answer", milliseconds(took[1]), milliseconds(took[3]));
    if (took[3] < round_trip_long) return {"round-trip", CheckResult::ok, detail, ""};
    return {"round-trip", CheckResult::warn, detail, "a slow or crowded link; everything works, only later"};
}

}  // namespace

std::vector<Check> examine(const std::string& hub, const std::string& ca_file) {
    const Subject subject = look(hub, ca_file);
    return {check_interfaces(subject), check_routes(subject), check_dns(subject),   check_portal(subject),    check_proxy(subject),
            check_hub(subject),        check_tls(subject),    check_clock(subject), check_round_trip(subject)};
}

}  // namespace tombolo::cli
