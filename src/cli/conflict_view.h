// A conflict as a person reads it: base, mine and theirs beside each other, and of texts what each side did to the base.
#pragma once

#include <string>

#include "tombolo/conflict.h"

namespace tombolo::cli {

struct ConflictViewOptions {
    size_t width = 80;     // of the terminal, in characters
    std::string own_site;  // 32 hex digits
};

std::string conflict_view(const Conflict& conflict, const ConflictViewOptions& options);
std::string conflict_title(const Conflict& conflict);                         // tasks, id 1, column title
std::string site_text(const std::string& site, const std::string& own_site);  // this device, device 0a1b2c3d, unknown
std::string side_text(const Conflict& conflict, const ConflictSide& side);    // on one line
size_t terminal_width();                                                      // of stdout; 80 where it is none

}  // namespace tombolo::cli
