// What the commits of this process's own connections touched, by the file's commit number (sqlite/commit_counter.h). A number that nobody
// here claims is somebody else's commit: of another process, or of a connection of the application's own.
//
// A claim is made before its commit, under the write lock, when the number is certain; so whoever sees the number finds the claim. A
// commit that writes nothing takes no number: its claim is given up afterwards, and until that is known, whoever looks stops before it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_set>

namespace tombolo::watch {

// What some commits touched.
struct Touched {
    bool anything = false;  // there was one of which nothing is known
    std::unordered_set<std::string> tables;
};

// Any thread.
class CommitBoard {
public:
    // --- for those who write ---

    bool in_use() const { return in_use_; }
    uint64_t claim(uint32_t number, std::unordered_set<std::string> tables);  // names the claim
    void confirm(uint64_t claim);
    void give_up(uint64_t claim);

    // --- for the one who looks ---

    // `wake` is called when a commit of this process touched one of the tables of interest, on the thread that committed.
    void use(std::function<void()> wake);
    void stop_using();
    void set_interest(std::unordered_set<std::string> tables);
    void set_interest_in_everything();
    // What the commits after `seen`, up to `now`, touched. Moves `seen`: to `now`, or before a claim that is still open.
    Touched look(uint32_t& seen, uint32_t now);

private:
    struct Claim {
        uint32_t number = 0;
        bool confirmed = false;
        std::unordered_set<std::string> tables;
    };

    bool look_at(uint32_t number, Touched& touched);
    void forget_up_to(uint32_t number);
    bool is_of_interest(const Claim& claim) const;

    std::atomic<bool> in_use_ = false;
    std::mutex mutex_;  // guards what follows
    std::map<uint64_t, Claim> claims_;
    uint64_t newest_claim_ = 0;
    bool everything_ = false;
    std::unordered_set<std::string> interest_;
    std::function<void()> wake_;
};

}  // namespace tombolo::watch
