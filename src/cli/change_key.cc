// `tombolo rekey`, `encrypt`, `decrypt`: another key for a device file, a first one, none any more.
#include "client/change_key.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/output.h"
#include "crypto/secret.h"

namespace tombolo::cli {

namespace {

struct KeyArguments {
    DeviceArguments device;
    std::string new_key_file;
};

void require(const std::string& file, const char* option, const char* what) {
    if (file.empty()) throw UsageError(ErrorCode::usage, fmt::format("{} is missing", option), fmt::format("it names {}", what));
}

void change(const KeyArguments& arguments, const Key& from, const Key& to, const char* result) {
    client::change_key({arguments.device.path, from}, to);
    print_line(fmt::format("{} {}", arguments.device.path, result));
}

int rekey(const KeyArguments& arguments) {
    require(arguments.device.key_file, "--key-file", "the file with the present key");
    require(arguments.new_key_file, "--new-key-file", "the file with the new key");
    change(arguments, arguments.device.key(), Key::from_file(arguments.new_key_file), "has its new key");
    return exit_ok;
}

// There is one key only, so either option may name it.
int encrypt(const KeyArguments& arguments) {
    const std::string& file = arguments.new_key_file.empty() ? arguments.device.key_file : arguments.new_key_file;
    require(file, "--new-key-file", "the file with the key to encrypt with");
    change(arguments, Key(), Key::from_file(file), "is encrypted");
    return exit_ok;
}

int decrypt(const KeyArguments& arguments) {
    require(arguments.device.key_file, "--key-file", "the file with the key");
    if (!arguments.new_key_file.empty()) throw UsageError(ErrorCode::usage, "a decrypted file has no new key", "leave out --new-key-file");
    change(arguments, arguments.device.key(), Key(), "is not encrypted any more");
    return exit_ok;
}

void add(CLI::App& app, Action& chosen, const char* name, const char* purpose, int (*run)(const KeyArguments&)) {
    CLI::App* command = app.add_subcommand(name, purpose);
    auto arguments = std::make_shared<KeyArguments>();
    arguments->device.add_to(*command);
    command->add_option("--new-key-file", arguments->new_key_file, "file with the new key, in the forms of --key-file");
    command->callback([=, &chosen] {
        chosen = [=] {
            crypto::forbid_core_dumps();
            return run(*arguments);
        };
    });
}

}  // namespace

void add_change_key(CLI::App& app, Action& chosen) {
    add(app, chosen, "rekey", "Change the key of an encrypted device file", &rekey);
    add(app, chosen, "encrypt", "Encrypt a device file", &encrypt);
    add(app, chosen, "decrypt", "Decrypt a device file", &decrypt);
}

}  // namespace tombolo::cli
