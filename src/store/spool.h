// A spool: pieces of bytes that wait, in order, to be read again. Small ones stay in memory, a large sum goes to disk.
//
// Takes: the parts of a pushed transaction from a peer.   Gives: the same parts to the commit, as often as asked.
// Durable: nothing. What is spooled was not promised to anybody yet; a crash forgets it and the device sends it again.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tombolo::store {

class Spool {
public:
    // Goes to a file in `directory` when it grows over `memory_bytes_max`; an empty directory keeps all in memory (tests).
    Spool(std::string directory, size_t memory_bytes_max) : directory_(std::move(directory)), memory_bytes_max_(memory_bytes_max) {}

    void append(std::string piece);  // throws Error(io) or Error(disk_full)
    size_t pieces() const { return sizes_.size(); }
    size_t bytes() const { return bytes_; }
    size_t memory_bytes() const { return memory_bytes_; }
    // Valid until the next call.
    std::string_view piece(size_t index);

private:
    struct CloseFile {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    void move_to_file();
    void write_piece(std::string_view piece);

    std::string directory_;
    size_t memory_bytes_max_;
    size_t bytes_ = 0;
    size_t memory_bytes_ = 0;
    std::vector<std::string> pieces_;  // empty once there is a file
    std::vector<size_t> sizes_;
    std::vector<size_t> offsets_;                 // in the file
    std::unique_ptr<std::FILE, CloseFile> file_;  // has no name any more: it vanishes when closed, or with the process
    std::string buffer_;
};

}  // namespace tombolo::store
