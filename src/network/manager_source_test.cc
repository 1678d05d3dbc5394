// NetworkManager's news, from a service that only says what it says, on a bus of the test's own.
#include "network/manager_source.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>

#include "network/test_scene.h"

namespace tombolo::network {
namespace {

using testing::Scene;

constexpr const char* manager = "org.freedesktop.NetworkManager";
constexpr const char* manager_path = "/org/freedesktop/NetworkManager";

// A dbus-daemon, which takes the place of the system's for this process. ok() is false where there is none.
class Bus {
public:
    Bus() {
        int ends[2];
        if (::pipe(ends) != 0) return;
        daemon_ = ::fork();
        if (daemon_ == 0) {
            const std::string print = "--print-address=" + std::to_string(ends[1]);
            ::execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile", print.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        std::string address;
        for (char byte = 0; ::read(ends[0], &byte, 1) == 1 && byte != '\n';)
            address.push_back(byte);
        ::close(ends[0]);
        ok_ = !address.empty();
        ::setenv("DBUS_SYSTEM_BUS_ADDRESS", address.c_str(), 1);
    }
    ~Bus() {
        ::kill(daemon_, SIGTERM);
        ::waitpid(daemon_, nullptr, 0);
        ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
    }
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;
    bool ok() const { return ok_; }

private:
    pid_t daemon_ = -1;
    bool ok_ = false;
};

// On a thread of its own, as the real one is in a process of its own.
class Manager {
public:
    Manager(uint32_t connectivity, uint32_t metered, std::string type) : says_{connectivity, metered, std::move(type)} {
        std::promise<void> ready;
        thread_ = std::thread([this, &ready] { serve(ready); });
        ready.get_future().get();
    }
    ~Manager() {
        over_ = true;
        thread_.join();
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;
    void becomes(uint32_t connectivity, uint32_t metered) { next_ = connectivity * 16 + metered; }

private:
    struct Says {
        uint32_t connectivity, metered;
        std::string type;
    };
    static int number(sd_bus*, const char*, const char*, const char* property, sd_bus_message* reply, void* self, sd_bus_error*) {
        const Says& says = static_cast<Manager*>(self)->says_;
        return sd_bus_message_append(reply, "u", std::string_view(property) == "Metered" ? says.metered : says.connectivity);
    }
    static int text(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self, sd_bus_error*) {
        return sd_bus_message_append(reply, "s", static_cast<Manager*>(self)->says_.type.c_str());
    }

    void serve(std::promise<void>& ready) {
        static const sd_bus_vtable table[] = {
            SD_BUS_VTABLE_START(0), SD_BUS_PROPERTY("Connectivity", "u", &number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
            SD_BUS_PROPERTY("Metered", "u", &number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
            SD_BUS_PROPERTY("PrimaryConnectionType", "s", &text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE), SD_BUS_VTABLE_END};
        sd_bus* bus = nullptr;
        EXPECT_GE(sd_bus_open_system(&bus), 0);
        EXPECT_GE(sd_bus_add_object_vtable(bus, nullptr, manager_path, manager, table, this), 0);
        EXPECT_GE(sd_bus_request_name(bus, manager, 0), 0);
        ready.set_value();
        while (!over_) {
            while (sd_bus_process(bus, nullptr) > 0) {
            }
            if (const uint32_t next = next_.exchange(none); next != none) {
                says_.connectivity = next / 16;
                says_.metered = next % 16;
                EXPECT_GE(sd_bus_emit_properties_changed(bus, manager_path, manager, "Connectivity", "Metered", nullptr), 0);
            }
            sd_bus_wait(bus, 20'000);
        }
        sd_bus_flush_close_unref(bus);
    }

    static constexpr uint32_t none = UINT32_MAX;
    Says says_;
    std::atomic<uint32_t> next_ = none;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

class Ear final : public world::NetworkStateHandler {
public:
    explicit Ear(Scene& scene) : scene_(scene) {}
    void on_network(world::SignalSource source, const world::NetworkSignal& signal) override {
        EXPECT_EQ(source, world::SignalSource::manager);
        says = signal.says;
        scene_.poke();
    }
    NetworkHint says;

private:
    Scene& scene_;
};

TEST(ManagerSource, TellsOfPortalsAndMeteredNetworks) {
    const Bus bus;
    if (!bus.ok()) GTEST_SKIP() << "dbus-daemon is not installed";
    Manager service(2, 1, "802-11-wireless");
    Scene scene;
    Ear ear(scene);
    const auto source = watch_network_manager(scene.loop, ear);
    ASSERT_NE(source, nullptr);
    ASSERT_TRUE(scene.until([&] { return ear.says.portal.has_value(); }));
    EXPECT_EQ(ear.says.portal, true);
    EXPECT_EQ(ear.says.metered, true);
    EXPECT_EQ(ear.says.interface_kind, InterfaceKind::wifi);
    service.becomes(4, 4);  // full, and a guess that it is free
    ASSERT_TRUE(scene.until([&] { return ear.says.portal == false; }));
    EXPECT_EQ(ear.says.metered, false);
    service.becomes(0, 0);
    ASSERT_TRUE(scene.until([&] { return !ear.says.portal.has_value(); }));
    EXPECT_EQ(ear.says.metered, std::nullopt);
}

TEST(ManagerSource, AManagerMayStartLater) {
    const Bus bus;
    if (!bus.ok()) GTEST_SKIP() << "dbus-daemon is not installed";
    Scene scene;
    Ear ear(scene);
    const auto source = watch_network_manager(scene.loop, ear);
    ASSERT_NE(source, nullptr);
    Manager late(1, 0, "gsm");  // it is started later, and heard all the same
    late.becomes(2, 1);
    ASSERT_TRUE(scene.until([&] { return ear.says.portal == true; }));
    EXPECT_EQ(ear.says.metered, true);
}

}  // namespace
}  // namespace tombolo::network
