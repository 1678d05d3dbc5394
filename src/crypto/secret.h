// Secret: bytes on memory pages of their own, out of core dumps and, where the system allows it, out of swap; wiped when they go.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tombolo::crypto {

class Secret {
public:
    explicit Secret(size_t size);  // zeros
    explicit Secret(std::string_view bytes);
    ~Secret();
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    unsigned char* data() { return data_; }
    const unsigned char* data() const { return data_; }
    size_t size() const { return size_; }

private:
    size_t size_;
    size_t mapped_;
    unsigned char* data_;
};

void wipe(std::string& bytes);  // for secrets that had to pass through a string

// No core dump of this process holds a secret from now on: there are none. For programs; a library leaves that to its application.
void forbid_core_dumps();

}  // namespace tombolo::crypto
