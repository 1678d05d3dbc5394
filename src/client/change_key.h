// Another key for a device file, a first one, or none any more.
#pragma once

#include "client/device_file.h"

namespace tombolo::client {

// Writes the database anew beside the file, under `key` (empty: plain), and puts it in the file's place with one rename: whatever ends the
// process meanwhile, the file is whole, and opens with the old key or with the new one. Works on any SQLite database. Throws Error(busy) if another
// process has the file open, Error(wrong_key), Error(disk_full) … and then the file is as it was.
void change_key(const DeviceFile& file, const Key& key);

// Where the new file is written; left behind when the process is killed, and removed by the next call.
std::string rewritten_path(const std::string& path);

}  // namespace tombolo::client
