// The simulated network between devices and hub: message connections that delay, stall, go half-open and are cut.
//
// Order within a connection is kept; nothing else is. A cut loses what is on its way (a message of which only a part arrived was
// never received), and the two ends learn of it at different times or, half-open, not at all. So a device may be back on a new
// connection while the hub still reads from the old one: that is how whole connections are duplicated.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/device_node.h"
#include "sim/world/time.h"

namespace tombolo::sim {

struct NetworkFaults {
    Time delay_max = 50'000;        // per message, uniform
    uint64_t cut_per_thousand = 0;  // chance per message that the connection is cut there
    uint64_t half_open_per_thousand = 0;
    uint64_t refuse_per_thousand = 0;   // chance per connect
    uint64_t foreign_per_thousand = 0;  // chance per connect that a portal answers
};

// The hub's end of the wire.
class HubPort {
public:
    virtual ~HubPort() = default;
    virtual bool up() const = 0;
    virtual uint64_t open() = 0;  // a peer id
    virtual void receive(uint64_t peer, std::string_view message) = 0;
    virtual void room(uint64_t peer, size_t unsent) = 0;
    virtual void closed(uint64_t peer) = 0;
};

class Network final : public DeviceNetwork {
public:
    Network(Schedule& schedule, SeededRandom& random, HubPort& hub) : schedule_(schedule), random_(random), hub_(hub) {}

    void set_faults(const NetworkFaults& faults) { faults_ = faults; }
    void attach(DeviceNode& device) { devices_[device.index()] = &device; }
    void set_link(size_t device, bool up);  // the device's own network
    bool link(size_t device) const { return down_.count(device) == 0; }
    void hub_crashed();  // every device loses its connection

    // --- device side ---
    void connect(size_t device) override;
    void send(size_t device, std::string message) override;
    void disconnect(size_t device) override;

    // --- hub side ---
    void send_to_device(uint64_t peer, std::string message);
    void close_by_hub(uint64_t peer);

    uint64_t messages() const { return messages_; }

private:
    struct Wire {
        size_t device = 0;
        uint64_t incarnation = 0;  // of the device
        uint64_t peer = 0;
        bool device_end = true;
        bool hub_end = false;
        bool mute = false;  // half-open: swallows everything, tells nobody
        Time last_up = 0, last_down = 0;
        size_t unsent_up = 0, unsent_down = 0;
    };
    using WirePtr = std::shared_ptr<Wire>;

    void cut(const WirePtr& wire, bool tell_device, bool tell_hub);
    void tell_device(const WirePtr& wire, const std::function<void(device::Driver&)>& what);
    Time delay() { return random_.between(50, faults_.delay_max); }
    void maybe_break(const WirePtr& wire);

    Schedule& schedule_;
    SeededRandom& random_;
    HubPort& hub_;
    NetworkFaults faults_;
    std::map<size_t, DeviceNode*> devices_;
    std::map<size_t, WirePtr> current_;  // the device's present connection
    std::map<uint64_t, WirePtr> peers_;
    std::map<size_t, bool> down_;
    uint64_t messages_ = 0;
};

}  // namespace tombolo::sim
