// For tests: a session or driver with a scripted hub: what it says is written by hand, what it hears is decoded.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "device/driver.h"
#include "device/replica_scene_test.h"
#include "device/session.h"
#include "wire/codec.h"
#include "wire/version.h"

namespace tombolo::device::testing {

inline wire::Welcome welcome_for(ReplicaScene& scene, uint64_t head) {
    wire::Welcome welcome;
    welcome.protocol = wire::protocol_version;
    welcome.space_id = std::string(32, 'a');
    welcome.epoch = scene_epoch;
    welcome.head.value = head;
    welcome.hub_time = scene.world.clock.wall();
    welcome.site_number = own_site;
    welcome.retry_spread = 4 * limits::second;
    return welcome;
}

// The names of messages, and of pushes their numbers: "Hello", "PushPart 1", …
inline std::string describe(const std::vector<std::string>& messages) {
    std::string text;
    for (const std::string& bytes : messages) {
        const wire::Message message = wire::decode(bytes, limits::message_bytes_max);
        text += (text.empty() ? "" : ", ") + std::string(wire::name(message));
        if (const auto* part = std::get_if<wire::PushPart>(&message)) text += " " + std::to_string(part->number.value) + (part->last ? "" : "…");
    }
    return text;
}

}  // namespace tombolo::device::testing
