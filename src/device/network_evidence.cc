#include "device/network_evidence.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"

namespace tombolo::device {

namespace {

using world::CloseCause;

bool became_true(std::optional<bool> before, std::optional<bool> after) { return after == true && before != true; }
bool ended(std::optional<bool> before, std::optional<bool> after) { return before == true && after == false; }

}  // namespace

Prompt NetworkEvidence::heard(world::SignalSource source, const world::NetworkSignal& signal, BootTime now) {
    NetworkHint& known = hints_.at(static_cast<size_t>(source));
    const NetworkHint before = std::exchange(known, signal.says);
    if (before == known && !signal.moved) return Prompt::nothing;
    heard_at_ = now;
    const bool opened = became_true(before.online, known.online) || ended(before.portal, known.portal);
    const bool closed = ended(before.online, known.online) || became_true(before.portal, known.portal);
    if (!opened && !closed && !signal.moved) return Prompt::nothing;
    doubted_ = true;
    return opened || (signal.moved && known.online != false) ? Prompt::retry : Prompt::doubt;
}

void NetworkEvidence::hub_answered(BootTime at) {
    if (at <= answered_at_) return;
    answered_at_ = at;
    reach_ = HubReach::answering;
    doubted_ = false;
    if (at > failed_at_) failure_.reset();
}

void NetworkEvidence::attempt_failed(CloseCause cause, const Error& why, BootTime at) {
    const bool somebody_said_no = cause == CloseCause::refused || cause == CloseCause::closed;
    reach_ = somebody_said_no ? HubReach::failing : HubReach::unreachable;
    if (cause == CloseCause::foreign) doubted_ = true;
    if (cause == CloseCause::closed && answered_at_ >= 0 && answered_at_ >= failed_at_) return;  // somebody answered; who, its messages said
    failure_ = Failure{cause, why.what()};
    failed_at_ = at;
}

bool NetworkEvidence::answered_lately(BootTime now) const { return answered_at_ >= 0 && now - answered_at_ < limits::proof_age_max; }

NetworkEvidence::Summary NetworkEvidence::summary(BootTime now, bool connected, bool hub_is_here) const {
    const bool no_link = first_known(&NetworkHint::online) == false && !hub_is_here;
    const bool newest_is_no_link = no_link && !connected && heard_at_ > std::max(answered_at_, failed_at_);
    if (answered_lately(now) && answered_at_ >= failed_at_ && !newest_is_no_link) return {NetworkState::available, "the hub answers"};
    if (!failure_) {
        if (no_link && !connected) return {NetworkState::none, "there is no link with an address"};
        return {NetworkState::unknown, "nothing was tried lately"};
    }
    if (failure_->cause == CloseCause::foreign) return {NetworkState::portal, failure_->why};
    if (no_link) return {NetworkState::none, "there is no link with an address"};
    if (failure_->cause == CloseCause::unroutable) return {NetworkState::none, failure_->why};
    if (failure_->cause == CloseCause::silent && first_known(&NetworkHint::portal) == true)
        return {NetworkState::portal, "the hub does not answer, and this network wants a login first"};
    return {NetworkState::limited, failure_->why};
}

BootTime NetworkEvidence::changes_by_itself_at(BootTime now) const {
    return answered_lately(now) && answered_at_ >= failed_at_ ? answered_at_ + limits::proof_age_max : INT64_MAX;
}

HubReach NetworkEvidence::reach(BootTime now) const { return reach_ == HubReach::answering && !answered_lately(now) ? HubReach::unknown : reach_; }

InterfaceKind NetworkEvidence::interface_kind() const {
    for (const NetworkHint& hint : hints_) {
        if (hint.interface_kind != InterfaceKind::unknown) return hint.interface_kind;
    }
    return InterfaceKind::unknown;
}

std::optional<bool> NetworkEvidence::first_known(std::optional<bool> NetworkHint::*field) const {
    for (const NetworkHint& hint : hints_) {
        if (hint.*field) return hint.*field;
    }
    return std::nullopt;
}

bool is_on_this_machine(std::string_view hub_address) {
    const size_t scheme = hub_address.find("://");
    if (scheme != std::string_view::npos) hub_address.remove_prefix(scheme + 3);
    for (const std::string_view local : {"127.", "localhost:", "localhost/", "[::1]"}) {
        if (hub_address.substr(0, local.size()) == local) return true;
    }
    return hub_address == "localhost";
}

}  // namespace tombolo::device
