// What the hub counts, by station, and its Prometheus text.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "model/transaction.h"

namespace tombolo::hub {

struct SpaceMetrics {
    uint64_t groups = 0;
    uint64_t failed_groups = 0;
    uint64_t accepted = 0;
    uint64_t merged = 0;
    uint64_t in_conflict = 0;
    uint64_t rejected = 0;
    uint64_t repeated = 0;          // sent again after their verdict was applied
    uint64_t bases_asked = 0;       // texts that edits were made of, asked of their devices
    uint64_t checkpoints = 0;       // sent, whole
    uint64_t live_checkpoints = 0;  // of these, encoded once for many
    uint64_t purged_tombstones = 0;
    // Taken when the text is made.
    uint64_t head = 0;
    uint64_t horizon = 0;
    uint64_t peers = 0;

    void count(const std::optional<Verdict>& verdict);
};

struct HubMetrics {
    uint64_t connections = 0;
    uint64_t refused = 0;
    uint64_t messages_in = 0;
    uint64_t bytes_in = 0;
    uint64_t messages_out = 0;
    uint64_t bytes_out = 0;
    std::map<std::string, SpaceMetrics> spaces;
};

std::string prometheus_text(const HubMetrics& metrics);

// The answer to GET /healthz?nonce=N. Anything in the nonce that is not a letter, digit, - or _ is dropped; at most 64 are echoed.
std::string health_json(std::string_view nonce);

}  // namespace tombolo::hub
