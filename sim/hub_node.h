// The simulated hub: its disk, the product's Hub over the product's store, run by virtual time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "sim/network.h"
#include "sim/world/disk.h"
#include "sim/world/time.h"

namespace tombolo::sim {

class HubNode final : public HubPort {
public:
    HubNode(Schedule& schedule, SeededRandom& random);
    ~HubNode() override;

    void attach(Network& network) { network_ = &network; }
    void start();
    void crash(bool power_loss);
    Disk& disk() { return disk_; }
    MachineClock& clock() { return clock_; }
    const char* path() const { return "space.db"; }

    // --- HubPort ---
    bool up() const override { return hub_ != nullptr; }
    uint64_t open() override;
    void receive(uint64_t peer, std::string_view message) override;
    void room(uint64_t peer, size_t unsent) override;
    void closed(uint64_t peer) override;

    uint64_t head() const;

private:
    void event(const std::function<void(hub::Hub&)>& what);
    void after_event();
    void arm();

    Schedule& schedule_;
    SeededRandom& random_;
    Network* network_ = nullptr;
    Disk disk_;
    MachineClock clock_;
    hub::HubOptions options_;
    std::vector<Table> policies_;  // of this seed; as a hub.toml they survive every restart
    uint64_t incarnation_ = 0;
    bool commit_planned_ = false;
    Time armed_at_ = INT64_MAX;
    std::unique_ptr<hub::Hub> hub_;
};

}  // namespace tombolo::sim
