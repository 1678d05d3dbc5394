// What `tombolo doctor` looks at, one check after the other, from this machine to the hub.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tombolo::cli {

enum class CheckResult { ok, warn, fail };

struct Check {
    std::string name;
    CheckResult result = CheckResult::ok;
    std::string detail;
    std::string advice;  // empty where nothing is to be done
};

// `hub`: a URL; empty: only this machine is looked at. Throws Error(usage) for an address that is none.
std::vector<Check> examine(const std::string& hub, const std::string& ca_file);

}  // namespace tombolo::cli
