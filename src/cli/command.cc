#include "cli/command.h"

#include <cstdlib>

namespace tombolo::cli {

void DeviceArguments::add_to(CLI::App& command) {
    command.add_option("DEVICE", path, "the device file")->required();
    command.add_option("--key-file", key_file, "key of an encrypted device file (not in this version yet)")->envname("TOMBOLO_KEY_FILE");
}

void DeviceArguments::add_json_to(CLI::App& command) { command.add_flag("--json", json, "print one JSON document"); }

void DeviceArguments::check() const {
    if (key_file.empty()) return;
    throw UsageError(ErrorCode::unsupported, "encryption is not in this version",
                     "leave out --key-file and TOMBOLO_KEY_FILE; the device file is plain SQLite");
}

std::string check_seconds(const std::string& text) {
    char* end = nullptr;
    const double seconds = std::strtod(text.c_str(), &end);
    const bool good = end != text.c_str() && *end == '\0' && seconds > 0 && seconds <= 1e9;
    return good ? std::string() : text + " is not a number of seconds above 0";
}

}  // namespace tombolo::cli
