// Who answers at the hub's address? GET /healthz with a nonce: only a hub gives it back, a captive portal or a cache does not.
// Nothing that is the user's is sent.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "network/event_loop.h"
#include "tombolo/error.h"
#include "world/transport.h"

namespace tombolo::network {

struct ConnectOptions;

enum class ProbeStep { name, connection, tls, answer, done };

struct ProbeReport {
    ProbeStep reached = ProbeStep::name;  // done, or the step that failed
    std::array<int64_t, 4> took{};        // microseconds of each step that was done; 0: not done
    std::vector<std::string> addresses;   // of the name
    int http_status = 0;                  // 0: no HTTP answer
    std::string location;                 // where a redirect leads
    std::optional<int64_t> hub_time;      // the answer's Date, microseconds since 1970; whole seconds
    std::optional<Error> why;             // of a failure
    world::CloseCause cause = world::CloseCause::silent;
    int64_t retry_after = 0;  // microseconds; 0: nobody asked for a pause
};

// Ends when it is destroyed; `done` is then not called any more.
class Probe {
public:
    virtual ~Probe() = default;
};

// Calls `done` once, on the loop, within options.timeout. Throws Error(config) where the options' certificates cannot be read.
std::unique_ptr<Probe> probe(EventLoop& loop, const ConnectOptions& options, std::function<void(const ProbeReport&)> done);

}  // namespace tombolo::network
