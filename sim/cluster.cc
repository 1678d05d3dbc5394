#include "sim/cluster.h"

#include <iostream>

#include "base/bytes.h"
#include "sim/checkers/checkers.h"

namespace tombolo::sim {

namespace {
constexpr Time second = 1'000'000;
constexpr Time heal_time_max = 60 * second;

uint64_t mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x100000001b3ULL + (hash >> 29); }
}  // namespace

Cluster::Cluster(uint64_t seed, bool verbose)
    : seed_(seed),
      random_(seed),
      verbose_(verbose),
      workload_(random_, history_, verbose ? [this](const std::string& what) { say(what); } : std::function<void(const std::string&)>()) {
    hub_ = std::make_unique<HubNode>(schedule_, random_);
    network_ = std::make_unique<Network>(schedule_, random_, *hub_);
    hub_->attach(*network_);
    plan_faults();
    const uint64_t devices = 1 + random_.below(4);
    for (uint64_t i = 0; i < devices; ++i)
        add_device();
}

Cluster::~Cluster() {
    devices_.clear();
    hub_.reset();
}

// Every eighth seed has encrypted files, of every other device. By the seed and not by chance, so that older seeds stay what they were.
Key Cluster::key_of(size_t index) const {
    if (seed_ % 8 != 5 || index % 2 != 0) return {};
    return Key::raw(std::string(32, static_cast<char>('a' + index)));
}

void Cluster::add_device() {
    DeviceNode::Listener listener;
    const size_t index = devices_.size();
    listener.on_verdict = [this, index](const Verdict& verdict, bool covered) {
        say("device " + std::to_string(index) + (covered ? " applied " : " heard ") + std::string(to_string(verdict.kind)) + " for " +
            std::to_string(verdict.number.value) + " seq " + std::to_string(verdict.seq.value) + " " + std::string(to_string(verdict.code)) + " " +
            verdict.reason);
        summary_.trace = mix(summary_.trace, verdict.seq.value * 8 + static_cast<uint64_t>(verdict.kind));
        history_.told(index, verdict);
    };
    listener.on_applied = [this] { summary_.trace = mix(summary_.trace, static_cast<uint64_t>(schedule_.now())); };
    devices_.push_back(std::make_unique<DeviceNode>(index, schedule_, random_, *network_, std::move(listener), key_of(index)));
    network_->attach(*devices_.back());
    // A third of the clocks are wrong, by up to a year.
    if (random_.chance(330))
        devices_.back()->clock().set_offset(random_.between(-31'536'000, 31'536'000) * second / (random_.chance(500) ? 1 : 3600));
}

// Every seed mixes its own faults; some seeds have none, so that plain life is tested too.
void Cluster::plan_faults() {
    NetworkFaults faults;
    faults.delay_max = random_.chance(500) ? 5'000 : 400'000;
    if (random_.chance(700)) {
        faults.cut_per_thousand = random_.below(60);
        faults.half_open_per_thousand = random_.chance(400) ? random_.below(15) : 0;
        faults.refuse_per_thousand = random_.below(300);
        faults.foreign_per_thousand = random_.chance(300) ? random_.below(300) : 0;
    }
    network_->set_faults(faults);
    device_crashes_ = random_.chance(500);
    hub_crashes_ = random_.chance(400);
    power_losses_ = random_.chance(500);
    work_time_ = random_.between(5, 60) * second;
}

Summary Cluster::run() {
    hub_->start();
    for (auto& device : devices_) {
        DeviceNode* node = device.get();
        schedule_.after(random_.between(0, 2 * second), [this, node] {
            node->start();
            act(*node);
        });
    }
    work(work_time_);
    heal();
    run_until_in_sync("after the faults stopped");
    check_all_settled();
    settle_rejections();
    run_until_in_sync("after rejections were settled");
    check_all_settled();

    // Causality: whatever the clocks say, an edit by somebody who has seen everything wins.
    DeviceNode& last = *devices_[random_.below(devices_.size())];
    last.clock().set_offset(random_.between(-31'536'000, 31'536'000) * second);
    last.application().execute("INSERT INTO item(id, title) VALUES ('item0', 'the last word') ON CONFLICT(id) DO UPDATE SET title = excluded.title");
    last.event([](device::Driver& driver) { driver.local_commit(); });
    add_device();
    devices_.back()->start();
    run_until_in_sync("with a fresh device");
    check_convergent(*this);
    for (auto& device : devices_) {
        if (device->application().query_text("SELECT title FROM item WHERE id = 'item0'") != "the last word") {
            throw Failure("causal", "the last edit, made by a device that had seen everything, is not what device " +
                                        std::to_string(device->index()) + " shows");
        }
    }
    summary_.messages = network_->messages();
    summary_.simulated = schedule_.now();
    return summary_;
}

void Cluster::check_all_settled() {
    collect_verdicts();
    check_durable(*this);
    check_exactly_once(*this);
    check_convergent(*this);
    check_nothing_lost(*this);
    check_bounded(*this);
}

void Cluster::settle_rejections() {
    for (auto& device : devices_) {
        for (uint64_t n = device->replica().outbox().list(device::EntryState::rejected).size(); n > 0; --n) {
            if (!workload_.settle_rejection(*device)) continue;
            ++summary_.settled;
            check_hub_plus_pending(*this, *device);
        }
    }
}

void Cluster::work(Time until) {
    while (!schedule_.empty() && schedule_.next() < until) {
        schedule_.step();
        after_event();
    }
}

// What dies in an event is buried here, and every device that is up is looked at.
void Cluster::after_event() {
    ++summary_.events;
    summary_.trace = mix(summary_.trace, static_cast<uint64_t>(schedule_.now()));
    if (hub_->disk().dead()) crash_hub(power_losses_ && random_.chance(500));
    for (auto& device : devices_) {
        if (device->disk().dead()) crash_device(*device, power_losses_ && random_.chance(500));
        if (!device->up() || device->application().in_transaction() || !device->take_touched()) continue;
        check_atomic(*device);
        check_read_your_writes(*device, history_);
        check_status(*device);
    }
}

// One device's life: an application's transaction now and then, the network coming and going, sometimes death.
void Cluster::act(DeviceNode& device) {
    if (healed_) return;
    schedule_.after(random_.between(1'000, 4 * second), [this, &device] { act(device); });
    if (!device.up()) return;
    const uint64_t dice = random_.below(1000);
    if (dice < 60) {
        set_link(device, !network_->link(device.index()));
    } else if (dice < 66) {
        flap(device, 3 + random_.below(20));
    } else if (dice < 76) {
        hold_or_release(device);
    } else if (dice < 95 && device_crashes_) {
        device.disk().die_after(1 + random_.below(60));  // in the middle of some write to come
    } else if (dice < 105 && hub_crashes_ && hub_->up()) {
        hub_->disk().die_after(1 + random_.below(60));
    } else if (dice < 120 && device_crashes_) {
        crash_device(device, false);
    } else if (dice < 135) {
        device.clock().set_offset(random_.between(-86'400, 86'400) * second);
    } else if (dice < 185 && !device.replica().outbox().list(device::EntryState::rejected).empty()) {
        try {
            if (workload_.settle_rejection(device)) ++summary_.settled;
            check_hub_plus_pending(*this, device);
        } catch (const Error&) {
            if (!device.disk().dead()) throw;
        }
    } else if (!device.replica().schema().tables.empty()) {
        const bool first = device.index() == 0 && device.replica().outbox().last().first.value == 0;
        try {
            for (uint64_t n = 1 + random_.below(random_.chance(50) ? 40 : 3); n > 0; --n) {
                if (first && history_.all().empty()) workload_.first_rows(device);
                workload_.transaction(device);
                ++summary_.transactions;
            }
        } catch (const Error&) {
            if (!device.disk().dead()) throw;
        }
    }
}

// The system tells of every second change, and is sometimes wrong.
void Cluster::set_link(DeviceNode& device, bool up) {
    network_->set_link(device.index(), up);
    if (!random_.chance(500)) return;
    world::NetworkSignal signal;
    signal.says.online = random_.chance(950) ? up : !up;
    signal.moved = random_.chance(500);
    device.event([&](device::Driver& driver) { driver.network_signal(world::SignalSource::kernel, signal); });
}

void Cluster::flap(DeviceNode& device, uint64_t times) {
    if (healed_) return;
    set_link(device, !network_->link(device.index()));
    if (times > 0) schedule_.after(random_.between(10'000, second), [this, &device, times] { flap(device, times - 1); });
}

// What an application may do with its session. Released when the faults stop: its own wish is no fault.
void Cluster::hold_or_release(DeviceNode& device) {
    const uint64_t choice = random_.below(4);
    device.event([choice](device::Driver& driver) {
        if (choice == 0) driver.pause();
        if (choice == 1) driver.resume();
        if (choice == 2) driver.sync_now();
        if (choice == 3) driver.prove();
    });
}

void Cluster::crash_device(DeviceNode& device, bool power_loss) {
    say("device " + std::to_string(device.index()) + (power_loss ? " loses power" : " is killed"));
    ++summary_.crashes;
    device.crash(power_loss);
    DeviceNode* node = &device;
    const auto restart = [this, node] {
        if (node->up()) return;
        say("device " + std::to_string(node->index()) + " starts again");
        node->start();
        workload_.settle_unknown(*node);
    };
    schedule_.after(random_.between(1'000, 5 * second), restart);
}

void Cluster::crash_hub(bool power_loss) {
    say(std::string("the hub ") + (power_loss ? "loses power" : "is killed"));
    ++summary_.crashes;
    hub_->crash(power_loss);
    network_->hub_crashed();
    schedule_.after(random_.between(1'000, 5 * second), [this] {
        if (!hub_->up()) hub_->start();
    });
}

void Cluster::heal() {
    say("faults stop");
    healed_ = true;
    NetworkFaults none;
    none.delay_max = 5'000;
    network_->set_faults(none);
    hub_->disk().die_after(0);
    for (auto& device : devices_) {
        device->disk().die_after(0);
        network_->set_link(device->index(), true);
        device->event([](device::Driver& driver) { driver.resume(); });
    }
}

bool Cluster::in_sync() {
    if (!hub_->up()) return false;
    for (auto& device : devices_) {
        if (!device->up() || !device->driver().live()) return false;
        const device::DeviceRecord record = device->replica().record();
        if (record.cursor.seq.value != hub_->head() || device->replica().outbox().counts().transactions != 0) return false;
    }
    return true;
}

// Liveness: no new write, no restart, no user's hand.
void Cluster::run_until_in_sync(const char* phase) {
    const Time until = schedule_.now() + heal_time_max;
    while (!in_sync()) {
        if (schedule_.empty() || schedule_.next() > until) {
            std::string states;
            for (auto& device : devices_) {
                states += " device " + std::to_string(device->index()) + ":";
                if (!device->up()) {
                    states += " down";
                    continue;
                }
                const Status& status = device->driver().status();
                states += " " + std::string(to_string(status.state)) + " (" + status.cause + ") cursor " + std::to_string(status.cursor) +
                          " pending " + std::to_string(status.pending_transactions);
            }
            throw Failure("liveness", std::string("not in sync 60 s ") + phase + "; hub head " + std::to_string(hub_->head()) + states);
        }
        schedule_.step();
        after_event();
    }
    say(std::string("in sync ") + phase);
}

// Verdicts that a device was told in the moment of a crash are in its file.
void Cluster::collect_verdicts() {
    summary_.rejected = summary_.merged = 0;
    for (auto& [key, written] : history_.all()) {
        auto& device = *devices_[written.device];
        sqlite::Statement find = device.application().prepare("SELECT verdict FROM tombolo_verdict WHERE number = ?1");
        Verdict verdict;
        if (find.with(written.number.value).step() && device::decode_verdict(find.blob(0), verdict)) history_.told(written.device, verdict);
        if (!written.verdict) continue;
        if (written.verdict->kind == VerdictKind::rejected) ++summary_.rejected;
        if (written.verdict->kind == VerdictKind::merged) ++summary_.merged;
    }
}

void Cluster::say(const std::string& what) {
    if (verbose_) std::cout << static_cast<double>(schedule_.now()) / 1e6 << "s  " << what << "\n";
}

}  // namespace tombolo::sim
