// Status as the JSON document that the command line prints and the session file holds.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tombolo/status.h"

namespace tombolo::client {

std::string to_json(const Status& status);                      // one line, without a newline
std::optional<Status> status_from_json(std::string_view text);  // nullopt: not such a document

}  // namespace tombolo::client
