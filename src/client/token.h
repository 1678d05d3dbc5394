// Where a token comes from: given as text, fetched by a function, read from a file, or stored in the device file.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "tombolo/options.h"

namespace tombolo::client {

// A stored or given token may be the name of a file to read at each connect: "@", then its absolute path. No token of ours
// begins with "@".
std::string token_file_reference(const std::string& path);
std::string resolve_token(std::string_view token);  // the text itself, or what its file holds, without a trailing newline; Error(not_found)

// What a driver asks at each connect. `stored` gives the device file's token. An empty answer makes a hub that wants a token say
// needs-auth; failures are logged.
std::function<std::string()> token_source(const TokenSource& given, std::function<std::string()> stored);

}  // namespace tombolo::client
