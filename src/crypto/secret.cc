#include "crypto/secret.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <new>

namespace tombolo::crypto {

namespace {
size_t whole_pages(size_t size) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return (size / page + 1) * page;
}
}  // namespace

Secret::Secret(size_t size) : size_(size), mapped_(whole_pages(size)) {
    void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<unsigned char*>(memory);
    // Both may be refused (limits, old kernels); the secret is needed all the same.
    static_cast<void>(mlock(data_, mapped_));
#ifdef MADV_DONTDUMP
    static_cast<void>(madvise(data_, mapped_, MADV_DONTDUMP));
#endif
}

Secret::Secret(std::string_view bytes) : Secret(bytes.size()) { std::memcpy(data_, bytes.data(), bytes.size()); }

Secret::~Secret() {
    OPENSSL_cleanse(data_, mapped_);
    munmap(data_, mapped_);
}

void wipe(std::string& bytes) {
    OPENSSL_cleanse(bytes.data(), bytes.size());
    bytes.clear();
}

void forbid_core_dumps() {
    const rlimit none{0, 0};
    static_cast<void>(setrlimit(RLIMIT_CORE, &none));
    static_cast<void>(prctl(PR_SET_DUMPABLE, 0));  // a core pattern that is a pipe ignores the limit
}

}  // namespace tombolo::crypto
