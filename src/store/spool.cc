#include "store/spool.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tombolo/error.h"

namespace tombolo::store {

namespace {

[[noreturn]] void fail(std::string_view doing, const std::string& directory) {
    const int reason = errno;
    throw Error(reason == ENOSPC || reason == EDQUOT ? ErrorCode::disk_full : ErrorCode::io,
                fmt::format("could not {} a spool file in {}: {}", doing, directory, std::strerror(reason)),
                "free some space and check the folder's permissions");
}

std::FILE* open_nameless(const std::string& directory) {
    std::string path = directory + "/spool-XXXXXX";
    const int descriptor = ::mkstemp(path.data());
    if (descriptor < 0) fail("make", directory);
    ::unlink(path.c_str());
    std::FILE* file = ::fdopen(descriptor, "w+b");
    if (file == nullptr) ::close(descriptor);
    return file;
}

}  // namespace

void Spool::append(std::string piece) {
    bytes_ += piece.size();
    if (!file_ && !directory_.empty() && memory_bytes_ + piece.size() > memory_bytes_max_) move_to_file();
    if (file_) {
        write_piece(piece);
    } else {
        memory_bytes_ += piece.size();
        sizes_.push_back(piece.size());
        pieces_.push_back(std::move(piece));
    }
}

void Spool::move_to_file() {
    file_.reset(open_nameless(directory_));
    if (!file_) fail("open", directory_);
    sizes_.clear();
    for (const std::string& piece : pieces_)
        write_piece(piece);
    pieces_.clear();
    pieces_.shrink_to_fit();
    memory_bytes_ = 0;
}

void Spool::write_piece(std::string_view piece) {
    if (std::fseek(file_.get(), 0, SEEK_END) != 0) fail("write", directory_);
    const long offset = std::ftell(file_.get());
    if (offset < 0 || std::fwrite(piece.data(), 1, piece.size(), file_.get()) != piece.size()) fail("write", directory_);
    offsets_.push_back(static_cast<size_t>(offset));
    sizes_.push_back(piece.size());
}

std::string_view Spool::piece(size_t index) {
    if (!file_) return pieces_[index];
    buffer_.resize(sizes_[index]);
    if (std::fseek(file_.get(), static_cast<long>(offsets_[index]), SEEK_SET) != 0) fail("read", directory_);
    if (std::fread(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size()) fail("read", directory_);
    return buffer_;
}

}  // namespace tombolo::store
