// What the thread of the live queries sleeps on: somebody wakes it, or somebody writes to the file's write-ahead log. Nobody's write, no
// work.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace tombolo::watch {

class FileSignal {
public:
    // The log of the database at `path` exists: a connection has it open.
    explicit FileSignal(const std::string& path);
    ~FileSignal();
    FileSignal(const FileSignal&) = delete;
    FileSignal& operator=(const FileSignal&) = delete;

    // False: this system, or its limits, let us see no writes; then one has to look now and then.
    bool sees_writes() const { return writes_ >= 0; }

    enum class Cause { woken, written, timed_out };
    // Written, where both are true: that one has to be looked after. A write is seen before its commit is: SQLite writes the log first and its index
    // afterwards. Not `listening`: writes are left for the next wait.
    Cause wait(bool listening, std::optional<std::chrono::milliseconds> timeout);
    void wake();  // any thread; once for all wakes before the next wait

private:
    int woken_ = -1;
    int writes_ = -1;
};

}  // namespace tombolo::watch
