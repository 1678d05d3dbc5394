// The rejected transactions of a device file as values for the application.
#pragma once

#include <vector>

#include "device/replica.h"
#include "tombolo/rejection.h"

namespace tombolo::client {

std::vector<Rejection> read_rejections(device::Replica& replica);  // oldest first

}  // namespace tombolo::client
