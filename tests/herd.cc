// Many devices in one process, for tests/end_to_end/herd_test.py: each with its file and its session. Prints a line at every change
// between live and not live, with the number of devices that are live, until stdin ends.
#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <list>
#include <mutex>
#include <string>

#include "tombolo/tombolo.h"

namespace {

struct Device {
    tombolo::Database db;
    tombolo::Session session;
    bool live = false;
};

class Herd {
public:
    void add(const std::string& path, const std::string& hub) {
        Device& device = devices_.emplace_back();
        device.db = tombolo::Database::open(path);
        tombolo::SessionOptions options;
        options.hub = hub;
        options.watch_network = false;
        device.session = device.db.connect(options);
        device.session.on_status([this, &device](const tombolo::Status& status) { changed(device, status.state == tombolo::SessionState::live); });
    }
    void stop() {
        for (Device& device : devices_)
            device.session.stop();
    }

private:
    void changed(Device& device, bool live) {
        const std::lock_guard lock(mutex_);
        if (device.live == live) return;
        device.live = live;
        live_ += live ? 1 : -1;
        fmt::print("{}\n", live_);
        std::fflush(stdout);
    }

    std::list<Device> devices_;
    std::mutex mutex_;
    int live_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        fmt::print(stderr, "usage: tombolo-herd FOLDER HUB COUNT\n");
        return 2;
    }
    try {
        Herd herd;
        for (int i = 0; i < std::atoi(argv[3]); ++i)
            herd.add(fmt::format("{}/{}.db", argv[1], i), argv[2]);
        std::string line;
        while (std::getline(std::cin, line)) {
        }
        herd.stop();
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
    return 0;
}
