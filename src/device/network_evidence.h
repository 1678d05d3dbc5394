// NetworkEvidence: who said what about the network, and what it adds up to. Pure: times come with the calls.
//
//   newest evidence                                     network
//   --------------------------------------------------  ---------
//   the hub answered, within 30 s                       available
//   somebody else answered in its place                 portal      also: no answer, and a source says that a login is wanted
//   no way to the hub from this machine                 none        an attempt said so, or a source while there is no connection
//   an attempt failed                                   limited
//   nothing was tried lately                            unknown
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "tombolo/error.h"
#include "tombolo/network.h"
#include "world/network_state.h"
#include "world/transport.h"

namespace tombolo::device {

// What a session makes of a signal.
enum class Prompt {
    nothing,
    doubt,  // the open connection may be dead: ask the hub for a sign of life
    retry,  // a way may have opened: an attempt is worth its while now
};

class NetworkEvidence {
public:
    // --- what is heard ---
    Prompt heard(world::SignalSource source, const world::NetworkSignal& signal, BootTime now);
    void hub_answered(BootTime at);                                               // any message of the hub
    void attempt_failed(world::CloseCause cause, const Error& why, BootTime at);  // or a connection ended

    // --- what it adds up to ---
    struct Summary {
        NetworkState state = NetworkState::unknown;
        std::string cause;  // a sentence
    };
    // `connected`: a connection to the hub is open. `hub_is_here`: the hub runs on this machine, no link is needed.
    Summary summary(BootTime now, bool connected, bool hub_is_here) const;
    BootTime changes_by_itself_at(BootTime now) const;  // INT64_MAX: never
    HubReach reach(BootTime now) const;
    InterfaceKind interface_kind() const;
    std::optional<bool> metered() const { return first_known(&NetworkHint::metered); }
    // Somebody else may answer at the hub's address: ask who is there before anything is said.
    bool must_ask_who_is_there() const { return doubted_; }

private:
    struct Failure {
        world::CloseCause cause = world::CloseCause::silent;
        std::string why;
    };

    std::optional<bool> first_known(std::optional<bool> NetworkHint::*field) const;
    bool answered_lately(BootTime now) const;

    std::array<NetworkHint, 3> hints_;  // by source
    BootTime heard_at_ = -1;            // newest signal that changed something
    BootTime answered_at_ = -1;
    std::optional<Failure> failure_;  // of the newest attempt that the hub did not answer
    BootTime failed_at_ = -1;
    HubReach reach_ = HubReach::unknown;
    bool doubted_ = true;
};

// "ws://127.0.0.1:7171", "wss://localhost:443" …
bool is_on_this_machine(std::string_view hub_address);

}  // namespace tombolo::device
