#include "cli/command.h"

#include <cstdlib>

#include "crypto/secret.h"

namespace tombolo::cli {

void DeviceArguments::add_to(CLI::App& command) {
    command.add_option("DEVICE", path, "the device file")->required();
    command.add_option("--key-file", key_file, "file with the key of an encrypted device file: 32 bytes, 64 hex digits, or a passphrase")
        ->envname("TOMBOLO_KEY_FILE");
}

void DeviceArguments::add_json_to(CLI::App& command) { command.add_flag("--json", json, "print one JSON document"); }

void DeviceArguments::check() const {
    if (!key_file.empty()) crypto::forbid_core_dumps();
}

Key DeviceArguments::key() const { return key_file.empty() ? Key() : Key::from_file(key_file); }

client::DeviceFile DeviceArguments::file() const { return {path, key()}; }

std::string check_seconds(const std::string& text) {
    char* end = nullptr;
    const double seconds = std::strtod(text.c_str(), &end);
    const bool good = end != text.c_str() && *end == '\0' && seconds > 0 && seconds <= 1e9;
    return good ? std::string() : text + " is not a number of seconds above 0";
}

}  // namespace tombolo::cli
