// What something was at each savepoint of the open transaction, so that it can go back there. SQLite numbers savepoints by depth;
// a statement that can be undone is one, too.
#pragma once

#include <vector>

namespace tombolo::device {

template <typename State>
class Savepoints {
public:
    void begin(int depth, const State& now) {
        release(depth);
        marks_.push_back({depth, now});
    }
    void release(int depth) {
        while (!marks_.empty() && marks_.back().depth >= depth)
            marks_.pop_back();
    }
    // A savepoint that nobody announced is older than our part in the transaction: the state is what it was before, then.
    State roll_back_to(int depth) {
        release(depth + 1);
        return !marks_.empty() && marks_.back().depth == depth ? marks_.back().state : State{};
    }
    void clear() { marks_.clear(); }

private:
    struct Mark {
        int depth = 0;
        State state;
    };
    std::vector<Mark> marks_;
};

}  // namespace tombolo::device
