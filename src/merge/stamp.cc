#include <algorithm>
#include <limits>

#include "merge/merge.h"

namespace tombolo::merge {

namespace {
HubTime tick_after(HubTime time) { return time == std::numeric_limits<HubTime>::max() ? time : time + 1; }
}  // namespace

HubTime effective_stamp(HubTime written_at, HubTime seen_time, HubTime hub_now, HubTime last_own) {
    HubTime stamp = std::max(written_at, tick_after(seen_time));  // it was written after the checkpoint its author had seen
    stamp = std::min(stamp, hub_now);                             // a clock ahead of the hub wins nothing
    return std::max(stamp, tick_after(last_own));                 // a site's stamps grow with its numbers
}

}  // namespace tombolo::merge
