// Checkers that look after every event.
#include "base/bytes.h"
#include "sim/checkers/checkers.h"

namespace tombolo::sim {

namespace {
std::string name(const DeviceNode& device) { return "device " + std::to_string(device.index()); }
bool has_tables(DeviceNode& device) { return !device.replica().schema().tables.empty(); }
}  // namespace

void check_atomic(DeviceNode& device) {
    if (!has_tables(device)) return;
    sqlite::Statement& read = device.application().cached("SELECT (SELECT token FROM pair WHERE id = 'x'), (SELECT token FROM pair WHERE id = 'y')");
    const sqlite::ResetGuard guard(read);
    if (read.step() && !(Value(read.value(0)) == Value(read.value(1)))) {
        throw Failure("atomic",
                      name(device) + " sees half a transaction: '" + std::string(read.text(0)) + "' beside '" + std::string(read.text(1)) + "'");
    }
}

void check_read_your_writes(DeviceNode& device, History& history) {
    if (!has_tables(device)) return;
    for (const auto& [id, title] : history.private_rows[device.index()]) {
        sqlite::Statement& read = device.application().cached("SELECT title FROM item WHERE id = ?1");
        const sqlite::ResetGuard guard(read);
        if (!read.with(id).step()) throw Failure("read_your_writes", name(device) + " does not see its own row " + id);
        if (read.text(0) != title)
            throw Failure("read_your_writes", name(device) + " sees " + std::string(read.text(0)) + " in its own row " + id + ", and wrote " + title);
    }
}

void check_status(DeviceNode& device) {
    const Status& status = device.driver().status();
    if (status.state != SessionState::live) return;
    if (status.pending_transactions != 0)
        throw Failure("status", name(device) + " says live with " + std::to_string(status.pending_transactions) + " pending");
    if (status.hub_seq && status.cursor < *status.hub_seq) throw Failure("status", name(device) + " says live behind the head it knows");
}

}  // namespace tombolo::sim
