// Opening device files: what exists, what it is, and on what terms it is opened.
#pragma once

#include <chrono>
#include <string>

#include "device/capture.h"
#include "network/url.h"
#include "sqlite/connection.h"
#include "tombolo/key.h"
#include "tombolo/status.h"
#include "world/clock.h"
#include "world/random.h"

namespace tombolo::client {

// A device file and what opens it. A path alone is a plain file.
struct DeviceFile {
    DeviceFile(std::string file_path) : path(std::move(file_path)) {}  // NOLINT(google-explicit-constructor)
    DeviceFile(std::string file_path, Key file_key) : path(std::move(file_path)), key(std::move(file_key)) {}

    std::string path;
    Key key;
};

// What the device file keeps of an address: everything but the space.
std::string hub_address(const network::HubUrl& url);

// The machine's clock and randomness, for every connection of the process: they hold no state.
world::Clock& system_clock();
world::Random& system_random();
const device::CaptureWorld& system_capture_world();

// Errors that say what is wrong with the path before SQLite says it in its own words.
void require_file(const std::string& path);  // Error(not_found), also for a folder

void require_database(sqlite::Connection& db, const std::string& path);  // Error(corrupt): not SQLite's

// A connection to a device file that captures what it writes. Throws Error(not_found), (corrupt), (not_a_device), (too_new),
// (wrong_key).
sqlite::Connection open_device_file(const DeviceFile& file, std::chrono::milliseconds busy_timeout);
// The same for reading; works on files that cannot be written.
sqlite::Connection open_device_file_read_only(const DeviceFile& file);

// Tombolo's bookkeeping in a file that is new or the application's own; true: this call made it.
bool make_device_file(const DeviceFile& file, std::chrono::milliseconds busy_timeout);
// Takes it out again, the application's tables untouched; removes a file that `make_device_file` created.
void unmake_device_file(const DeviceFile& file, bool remove_file);

// True once every transaction up to `number` has its verdict applied in the file; rejections are verdicts.
bool all_decided(sqlite::Connection& db, uint64_t number);

// Which of a file's connections copies the write-ahead log back: SQLite before 3.51.3 may corrupt a file when one connection
// resets the log while another one writes, so the session does it while there is one, and the writer alone otherwise.
void set_checkpoints(sqlite::Connection& db, bool checkpoints);

// How things are with a device file, from the file and from the process that holds its session. Never connects.
Status read_status(const DeviceFile& file);

}  // namespace tombolo::client
