#include "sim/device_node.h"

namespace tombolo::sim {

namespace {
constexpr const char* path = "device.db";

std::string disk_name(const void* owner, size_t index) {
    static uint64_t made = 0;  // VFS names are process-wide; two clusters may live at once
    return "sim-device-" + std::to_string(index) + "-" + std::to_string(++made) + "-" + std::to_string(reinterpret_cast<uintptr_t>(owner));
}
}  // namespace

DeviceNode::DeviceNode(size_t index, Schedule& schedule, SeededRandom& random, DeviceNetwork& network, Listener listener, Key key)
    : index_(index),
      schedule_(schedule),
      random_(random),
      network_(network),
      listener_(std::move(listener)),
      disk_(disk_name(this, index)),
      key_(std::move(key)),
      clock_(schedule, random) {
    world_.clock = &clock_;
    world_.random = &random_;
}

DeviceNode::~DeviceNode() {
    driver_.reset();
    replica_.reset();
    application_.close();
}

void DeviceNode::start() {
    ++incarnation_;
    armed_at_ = INT64_MAX;
    application_ = open_file();
    application_.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON");
    if (!device::Replica::is_device(application_)) device::Replica::create(application_);
    device::register_capture(application_.handle(), world_);
    sqlite::Connection own = open_file();
    own.execute("PRAGMA wal_autocheckpoint = 20");
    replica_ = std::make_unique<device::Replica>(std::move(own), world_);
    if (!replica_->record().hub) replica_->set_hub("sim://hub", "main", std::nullopt);
    driver_ = std::make_unique<device::Driver>(*replica_, clock_, random_, nullptr);
    event([](device::Driver& driver) { driver.start(); });
}

sqlite::Connection DeviceNode::open_file() {
    sqlite::OpenOptions options;
    options.vfs = disk_.vfs();
    options.busy_timeout_ms = 0;
    options.key = key_;
    return sqlite::Connection::open(path, options);
}

std::unique_ptr<device::Replica> DeviceNode::open_elsewhere() {
    sqlite::Connection db = open_file();
    db.execute("PRAGMA wal_autocheckpoint = 0");
    return std::make_unique<device::Replica>(std::move(db), world_);
}

void DeviceNode::crash(bool power_loss) {
    network_.disconnect(index_);
    driver_.reset();
    replica_.reset();
    application_.close();
    disk_.restart(random_, power_loss);
    if (power_loss) clock_.reboot(random_);
    ++incarnation_;
}

void DeviceNode::event(const std::function<void(device::Driver&)>& what) {
    if (driver_ == nullptr || disk_.dead()) return;
    touched_ = true;
    try {
        what(*driver_);
        carry_out();
        arm();
    } catch (const Error&) {
        if (!disk_.dead()) throw;
    }
}

void DeviceNode::carry_out() {
    for (device::Action& action : driver_->take_actions()) {
        if (std::holds_alternative<device::Connect>(action)) {
            network_.connect(index_);
        } else if (auto* send = std::get_if<device::Send>(&action)) {
            network_.send(index_, std::move(send->message));
        } else if (std::holds_alternative<device::Disconnect>(action)) {
            network_.disconnect(index_);
        } else if (const auto* verdict = std::get_if<device::TellVerdict>(&action)) {
            listener_.on_verdict(verdict->verdict, verdict->covered);
        } else if (std::holds_alternative<device::TellApplied>(action)) {
            listener_.on_applied();
        }
    }
}

void DeviceNode::arm() {
    const Time due = clock_.to_virtual(driver_->deadline());
    if (due == INT64_MAX || due == armed_at_) return;
    armed_at_ = due;
    schedule_.at(due, [this, due, mine = incarnation_] {
        if (mine != incarnation_ || armed_at_ != due) return;
        armed_at_ = INT64_MAX;
        event([](device::Driver& driver) { driver.time_passed(); });
    });
}

}  // namespace tombolo::sim
