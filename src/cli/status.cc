// `tombolo status`: how things are, without connecting.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/output.h"
#include "client/device_file.h"
#include "client/status_json.h"

namespace tombolo::cli {

namespace {

int run(const DeviceArguments& device) {
    device.check();
    const Status status = client::read_status(device.file());
    if (device.json) {
        print_line(client::to_json(status));
    } else {
        fmt::print("{}", status_table(status));
    }
    return exit_ok;
}

}  // namespace

void add_status(CLI::App& app, Action& chosen) {
    CLI::App* command = app.add_subcommand("status", "Tell how a device and its sync are; never connects");
    auto device = std::make_shared<DeviceArguments>();
    device->add_to(*command);
    device->add_json_to(*command);
    command->callback([=, &chosen] { chosen = [=] { return run(*device); }; });
}

}  // namespace tombolo::cli
