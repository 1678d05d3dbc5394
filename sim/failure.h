#pragma once

#include <stdexcept>
#include <string>

namespace tombolo::sim {

// A promise was broken in this run. `promise` is the checker's name.
struct Failure : std::runtime_error {
    Failure(std::string promise_name, const std::string& what) : std::runtime_error(promise_name + ": " + what), promise(std::move(promise_name)) {}
    std::string promise;
};

}  // namespace tombolo::sim
