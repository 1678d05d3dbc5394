// `tombolo doctor`: examines the way from here to a hub, and says what to do about what is wrong.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/examination.h"
#include "cli/output.h"
#include "client/json.h"

namespace tombolo::cli {

namespace {

struct DoctorArguments {
    std::string hub;
    std::string ca_file;
    bool json = false;
};

const char* name_of(CheckResult result) {
    switch (result) {
        case CheckResult::ok: return "ok";
        case CheckResult::warn: return "warn";
        case CheckResult::fail: return "fail";
    }
    return "fail";
}

std::string json_of(const std::vector<Check>& checks) {
    client::JsonWriter json;
    json.begin_array();
    for (const Check& check : checks) {
        json.begin_object().key("check").string(check.name).key("result").string(name_of(check.result));
        json.key("detail").string(check.detail);
        json.key("advice");
        check.advice.empty() ? json.null() : json.string(check.advice);
        json.end_object();
    }
    return json.end_array().take();
}

int run(const DoctorArguments& arguments) {
    const std::vector<Check> checks = examine(arguments.hub, arguments.ca_file);
    if (arguments.json) {
        print_line(json_of(checks));
    } else {
        for (const Check& check : checks) {
            print_line(fmt::format("{:<5}{:<11} {}", name_of(check.result), check.name, check.detail));
            if (!check.advice.empty()) print_line(fmt::format("{:<16} -> {}", "", check.advice));
        }
    }
    const bool failed = std::any_of(checks.begin(), checks.end(), [](const Check& check) { return check.result == CheckResult::fail; });
    return failed ? exit_failed : exit_ok;
}

}  // namespace

void add_doctor(CLI::App& app, Action& chosen) {
    CLI::App* command = app.add_subcommand("doctor", "Examine the network, the hub and the clock");
    auto arguments = std::make_shared<DoctorArguments>();
    command->add_option("--hub", arguments->hub, "the hub to examine the way to: ws://HOST:PORT[/SPACE]");
    command->add_option("--ca-file", arguments->ca_file, "PEM file of authorities to trust for wss://, instead of the system's");
    command->add_flag("--json", arguments->json, "print one JSON document");
    command->callback([=, &chosen] { chosen = [=] { return run(*arguments); }; });
}

}  // namespace tombolo::cli
