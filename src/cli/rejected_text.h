// Rejected transactions as the program prints them.
#pragma once

#include <string>
#include <vector>

#include "device/outbox.h"
#include "device/replica.h"
#include "tombolo/value.h"

namespace tombolo::cli {

std::string rejection_id(const SiteId& site, TransactionNumber number);  // SITE/NUMBER
std::string_view kind_text(ChangeKind kind);                             // insert, update, delete

// An array of objects with the changes' new values.
std::string rejections_json(device::Replica& replica, const std::vector<device::Entry>& entries);
// One object; each change has base and theirs, too.
std::string rejection_json(device::Replica& replica, const device::Entry& entry);

std::string rejections_table(device::Replica& replica, const std::vector<device::Entry>& entries);
// One by one what was to be written, beside what its author saw and what the hub has.
std::string rejection_text(device::Replica& replica, const device::Entry& entry);

}  // namespace tombolo::cli
