#include "network/system_clock.h"

#include <time.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "base/bytes.h"
#include "network/system_random.h"

namespace tombolo::network {

namespace {

int64_t read_clock(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

BootId read_boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    file >> text;
    text.erase(std::remove(text.begin(), text.end(), '-'), text.end());
    const auto bytes = from_hex(text);
    const auto id = bytes ? BootId::from_bytes(*bytes) : std::nullopt;
    // Without the kernel's word, boot times of two runs are simply never compared.
    return id ? *id : SystemRandom().id<BootId>();
}

}  // namespace

SystemClock::SystemClock() : boot_id_(read_boot_id()) {}

WallTime SystemClock::wall() { return read_clock(CLOCK_REALTIME); }
BootTime SystemClock::boot() { return read_clock(CLOCK_BOOTTIME); }

}  // namespace tombolo::network
