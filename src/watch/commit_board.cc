#include "watch/commit_board.h"

#include <algorithm>
#include <utility>

namespace tombolo::watch {

namespace {
constexpr uint32_t numbers_max = 1 << 16;  // more at once: the counter fell back
}

uint64_t CommitBoard::claim(uint32_t number, std::unordered_set<std::string> tables) {
    const std::lock_guard lock(mutex_);
    claims_[++newest_claim_] = {number, false, std::move(tables)};
    return newest_claim_;
}

void CommitBoard::confirm(uint64_t claim) {
    const std::lock_guard lock(mutex_);
    const auto found = claims_.find(claim);
    if (found == claims_.end()) return;
    found->second.confirmed = true;
    if (wake_ && is_of_interest(found->second)) wake_();
}

void CommitBoard::give_up(uint64_t claim) {
    const std::lock_guard lock(mutex_);
    if (claims_.erase(claim) != 0 && wake_) wake_();
}

bool CommitBoard::is_of_interest(const Claim& claim) const {
    return everything_ || std::any_of(claim.tables.begin(), claim.tables.end(), [&](const auto& table) { return interest_.count(table) != 0; });
}

void CommitBoard::use(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
    in_use_ = true;
}

void CommitBoard::stop_using() {
    const std::lock_guard lock(mutex_);
    in_use_ = false;
    wake_ = nullptr;
    claims_.clear();
}

void CommitBoard::set_interest(std::unordered_set<std::string> tables) {
    const std::lock_guard lock(mutex_);
    everything_ = false;
    interest_ = std::move(tables);
}

void CommitBoard::set_interest_in_everything() {
    const std::lock_guard lock(mutex_);
    everything_ = true;
}

Touched CommitBoard::look(uint32_t& seen, uint32_t now) {
    const std::lock_guard lock(mutex_);
    Touched touched;
    if (now - seen > numbers_max) {
        touched.anything = true;
        seen = now;
    }
    while (seen != now && look_at(seen + 1, touched))
        ++seen;
    forget_up_to(seen);
    return touched;
}

// False: it is not known yet whose that commit is.
bool CommitBoard::look_at(uint32_t number, Touched& touched) {
    const Claim* own = nullptr;
    for (const auto& [id, claim] : claims_) {
        if (claim.number != number) continue;
        if (!claim.confirmed) return false;
        own = &claim;
    }
    if (own != nullptr)
        touched.tables.insert(own->tables.begin(), own->tables.end());
    else
        touched.anything = true;
    return true;
}

void CommitBoard::forget_up_to(uint32_t number) {
    for (auto claim = claims_.begin(); claim != claims_.end();)
        claim = claim->second.confirmed && static_cast<int32_t>(claim->second.number - number) <= 0 ? claims_.erase(claim) : std::next(claim);
}

}  // namespace tombolo::watch
