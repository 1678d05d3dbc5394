#include "sim/history.h"

#include "base/bytes.h"
#include "sim/failure.h"

namespace tombolo::sim {

void History::told(size_t device, const Verdict& verdict) {
    Written* written = find(device, verdict.number);
    if (written == nullptr) return;  // committed in the moment of a crash; looked up at restart
    if (written->id != verdict.id)
        throw Failure("exactly_once",
                      "device " + std::to_string(device) + " got a verdict for number " + std::to_string(verdict.number.value) + " with another id");
    if (!written->verdict) {
        written->verdict = verdict;
        return;
    }
    if (written->verdict->kind != verdict.kind || written->verdict->seq != verdict.seq) {
        throw Failure("exactly_once", "device " + std::to_string(device) + " number " + std::to_string(verdict.number.value) + " was " +
                                          std::string(to_string(written->verdict->kind)) + " at seq " + std::to_string(written->verdict->seq.value) +
                                          ", now " + std::string(to_string(verdict.kind)) + " at " + std::to_string(verdict.seq.value));
    }
}

}  // namespace tombolo::sim
