// One simulated world: a hub, devices, their network, what the applications do, and the faults of one seed.
//
//   phase 1  work and faults until the time is up; safety checked after every event
//   phase 2  faults stop; everything must be in sync within 60 simulated seconds (liveness)
//   phase 3  an edit on a device with a wrong clock must win everywhere (causality); a fresh device must equal all others
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/failure.h"
#include "sim/history.h"
#include "sim/hub_node.h"
#include "sim/network.h"
#include "sim/workload.h"

namespace tombolo::sim {

struct Summary {
    uint64_t events = 0;
    uint64_t transactions = 0;
    uint64_t rejected = 0;
    uint64_t merged = 0;
    uint64_t settled = 0;  // rejections that were queued again or given up
    uint64_t crashes = 0;
    uint64_t messages = 0;
    Time simulated = 0;
    uint64_t trace = 0;  // hash of everything that happened: equal for equal seeds
};

class Cluster {
public:
    Cluster(uint64_t seed, bool verbose);
    ~Cluster();

    Summary run();  // throws Failure

    // --- for checkers ---
    HubNode& hub() { return *hub_; }
    std::vector<std::unique_ptr<DeviceNode>>& devices() { return devices_; }
    History& history() { return history_; }

private:
    void add_device();
    Key key_of(size_t index) const;
    void plan_faults();
    void work(Time until);
    void after_event();
    void act(DeviceNode& device);
    void set_link(DeviceNode& device, bool up);
    void flap(DeviceNode& device, uint64_t times);
    void hold_or_release(DeviceNode& device);
    void crash_device(DeviceNode& device, bool power_loss);
    void crash_hub(bool power_loss);
    bool in_sync();
    void heal();
    void settle_rejections();
    void check_all_settled();
    void run_until_in_sync(const char* phase);
    void collect_verdicts();
    void say(const std::string& what);

    const uint64_t seed_;
    SeededRandom random_;
    bool verbose_;
    Schedule schedule_;
    History history_;
    Workload workload_;
    std::unique_ptr<HubNode> hub_;
    std::unique_ptr<Network> network_;
    std::vector<std::unique_ptr<DeviceNode>> devices_;
    bool healed_ = false;
    bool power_losses_ = false;
    bool device_crashes_ = false;
    bool hub_crashes_ = false;
    Time work_time_ = 0;
    Summary summary_;
};

}  // namespace tombolo::sim
