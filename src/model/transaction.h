// A transaction as it travels from the device that made it to the hub.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "tombolo/verdict.h"

namespace tombolo {

using SiteNumber = Number<struct SiteNumberTag>;  // the hub's short name for a site in one space, given at first contact, never reused

// The order of last-write-wins: time first, then site. Total, because one site never uses a time twice.
struct Stamp {
    HubTime time = 0;
    SiteNumber site;
    constexpr auto operator<=>(const Stamp&) const = default;
};

// Everything of a transaction but its changes.
struct TransactionHeader {
    TransactionNumber number;
    TransactionId id;
    Cursor seen;                             // what its author could have known
    HubTime written_at = 0;                  // author's time, converted to hub time as well as the device can
    std::vector<TransactionNumber> depends;  // own transactions without which this one makes no sense
    bool retry = false;                      // a rejected transaction queued again; keeps `stamp`
    HubTime stamp = 0;                       // retry only: the effective stamp recorded with the rejection
    bool operator==(const TransactionHeader&) const = default;
};

// The one recorded end of a transaction at the hub.
struct Verdict {
    TransactionNumber number;
    TransactionId id;
    VerdictKind kind = VerdictKind::accepted;
    RejectCode code = RejectCode::none;
    std::string reason;            // a sentence for a person; empty unless rejected
    TransactionNumber depends_on;  // RejectCode::depends: the refused transaction it needed
    Seq seq;                       // every verdict takes a seq of its own, rejections too
    HubTime stamp = 0;             // the effective stamp
    bool operator==(const Verdict&) const = default;
};

}  // namespace tombolo
