// One simulated device: its disk, the application's own connection with capture, and the product's Replica and Driver, run by
// virtual time. A crash destroys all of it but the disk.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "device/driver.h"
#include "device/replica.h"
#include "sim/world/disk.h"
#include "sim/world/time.h"
#include "sqlite/connection.h"

namespace tombolo::sim {

// What a device asks of the network it hangs on.
class DeviceNetwork {
public:
    virtual ~DeviceNetwork() = default;
    virtual void connect(size_t device) = 0;
    virtual void send(size_t device, std::string message) = 0;
    virtual void disconnect(size_t device) = 0;
};

class DeviceNode {
public:
    struct Listener {
        std::function<void(const Verdict&, bool covered)> on_verdict;
        std::function<void()> on_applied;
    };
    // `key`: of its file; an empty one: the file is plain.
    DeviceNode(size_t index, Schedule& schedule, SeededRandom& random, DeviceNetwork& network, Listener listener, Key key);
    ~DeviceNode();

    size_t index() const { return index_; }
    bool up() const { return driver_ != nullptr; }
    uint64_t incarnation() const { return incarnation_; }  // grows with every start; events of an older one are void
    Disk& disk() { return disk_; }
    MachineClock& clock() { return clock_; }
    sqlite::Connection& application() { return application_; }
    device::Replica& replica() { return *replica_; }
    device::Driver& driver() { return *driver_; }

    // Did anything happen here since the last call? Then the checkers look.
    bool take_touched() { return std::exchange(touched_, false); }
    void touch() { touched_ = true; }

    // The file as another process of the application opens it.
    std::unique_ptr<device::Replica> open_elsewhere();

    void start();                 // opens (or makes) the file and starts syncing
    void crash(bool power_loss);  // the process, or the machine with it
    // Runs one event of the driver. Whether the disk died in it is for the caller to see (disk().dead()).
    void event(const std::function<void(device::Driver&)>& what);

private:
    sqlite::Connection open_file();
    void carry_out();
    void arm();

    size_t index_;
    Schedule& schedule_;
    SeededRandom& random_;
    DeviceNetwork& network_;
    Listener listener_;
    Disk disk_;
    Key key_;
    MachineClock clock_;
    device::CaptureWorld world_;
    uint64_t incarnation_ = 0;
    bool touched_ = false;
    Time armed_at_ = INT64_MAX;
    sqlite::Connection application_;
    std::unique_ptr<device::Replica> replica_;
    std::unique_ptr<device::Driver> driver_;
};

}  // namespace tombolo::sim
