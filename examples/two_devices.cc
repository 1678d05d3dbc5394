// Two devices in one program: what one writes the other sees, without asking.
//
//     ./two_devices ws://127.0.0.1:7171          (a hub whose schema has the table `tasks(id, title)`)
#include <tombolo/tombolo.h>

#include <cstdio>
#include <future>

int main(int argc, char** argv) {
    const std::string hub = argc > 1 ? argv[1] : "ws://127.0.0.1:7171";
    auto phone = tombolo::Database::open("phone.db");
    auto laptop = tombolo::Database::open("laptop.db");
    auto phone_session = phone.connect({.hub = hub, .token = {}, .ca_file = {}});
    auto laptop_session = laptop.connect({.hub = hub, .token = {}, .ca_file = {}});
    phone_session.sync_once();
    laptop_session.sync_once();

    std::promise<void> arrived;
    laptop_session.on_status([&, told = false](const tombolo::Status&) mutable {
        // Callbacks may read the database: this one runs on the laptop session's thread.
        if (told || laptop.query("SELECT 1 FROM tasks WHERE title = 'from the phone'").empty()) return;
        told = true;
        arrived.set_value();
    });
    phone.exec("INSERT INTO tasks(id, title) VALUES (tombolo_uuid(), 'from the phone')");
    const bool in_time = arrived.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready;
    laptop_session.stop();  // before `arrived` goes
    std::printf(in_time ? "the laptop has it\n" : "the laptop is still waiting\n");
    return in_time ? 0 : 1;
}
