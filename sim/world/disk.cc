#include "sim/world/disk.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace tombolo::sim {

namespace {
constexpr size_t sector = 512;
}

struct Disk::File {
    struct Write {  // since the last sync, in order; truncate: bytes empty and `truncate` set
        size_t offset = 0;
        std::string bytes;
        bool truncate = false;
    };
    std::string present;
    std::string durable;
    std::vector<Write> unsynced;
    std::set<Handle*> handles;

    void apply(std::string& image, const Write& write) const {
        if (write.truncate) {
            image.resize(write.offset);
            return;
        }
        if (image.size() < write.offset + write.bytes.size()) image.resize(write.offset + write.bytes.size());
        std::copy(write.bytes.begin(), write.bytes.end(), image.begin() + static_cast<std::ptrdiff_t>(write.offset));
    }
    void sync() {
        for (const Write& write : unsynced)
            apply(durable, write);
        unsynced.clear();
    }
    // What power loss leaves: of each unsynced write any set of its sectors, in any combination.
    void lose(world::Random& random) {
        for (const Write& write : unsynced) {
            if (write.truncate) {
                if (random.below(2) == 0) apply(durable, write);
                continue;
            }
            for (size_t at = 0; at < write.bytes.size(); at += sector) {
                if (random.below(2) == 0) continue;
                apply(durable, {write.offset + at, write.bytes.substr(at, sector), false});
            }
        }
        unsynced.clear();
        present = durable;
    }
};

struct Disk::SharedMemory {
    std::vector<std::unique_ptr<char[]>> regions;
    std::set<Handle*> users;
};

struct Disk::Handle {
    sqlite3_file base;  // must be first
    Disk* disk;
    std::shared_ptr<File>* file;  // pointers: SQLite hands us raw memory, and open/close manage these
    std::string* path;
    std::shared_ptr<SharedMemory>* shared;
    int level;              // SQLITE_LOCK_*
    uint32_t shared_locks;  // bits: WAL locks held
    uint32_t exclusive_locks;
    bool delete_on_close;
};

bool Disk::step() {
    if (dead_) return false;
    if (operations_left_ > 0 && --operations_left_ == 0) dead_ = true;
    return !dead_;
}

struct Disk::Callbacks {
    static Handle* handle(sqlite3_file* file) { return reinterpret_cast<Handle*>(file); }
    static Disk* disk(sqlite3_vfs* vfs) { return static_cast<Disk*>(vfs->pAppData); }

    // --- files ---
    static int close(sqlite3_file* raw) {
        Handle* h = handle(raw);
        unmap(raw, 0);
        (*h->file)->handles.erase(h);
        if (h->delete_on_close) h->disk->files_.erase(*h->path);
        delete h->file;
        delete h->path;
        delete h->shared;
        h->file = nullptr;
        return SQLITE_OK;
    }
    static int read(sqlite3_file* raw, void* buffer, int amount, sqlite3_int64 offset) {
        Handle* h = handle(raw);
        if (h->disk->dead_) return SQLITE_IOERR_READ;
        const std::string& bytes = (*h->file)->present;
        const auto at = static_cast<size_t>(offset);
        const auto wanted = static_cast<size_t>(amount);
        const size_t there = at < bytes.size() ? std::min(wanted, bytes.size() - at) : 0;
        std::memcpy(buffer, bytes.data() + (there > 0 ? at : 0), there);
        if (there == wanted) return SQLITE_OK;
        std::memset(static_cast<char*>(buffer) + there, 0, wanted - there);
        return SQLITE_IOERR_SHORT_READ;
    }
    static int write(sqlite3_file* raw, const void* buffer, int amount, sqlite3_int64 offset) {
        Handle* h = handle(raw);
        if (!h->disk->step()) return SQLITE_IOERR_WRITE;
        if (h->disk->full_) return SQLITE_FULL;
        File& file = **h->file;
        file.unsynced.push_back({static_cast<size_t>(offset), std::string(static_cast<const char*>(buffer), static_cast<size_t>(amount)), false});
        file.apply(file.present, file.unsynced.back());
        return SQLITE_OK;
    }
    static int truncate(sqlite3_file* raw, sqlite3_int64 size) {
        Handle* h = handle(raw);
        if (!h->disk->step()) return SQLITE_IOERR_TRUNCATE;
        File& file = **h->file;
        file.unsynced.push_back({static_cast<size_t>(size), {}, true});
        file.apply(file.present, file.unsynced.back());
        return SQLITE_OK;
    }
    static int sync(sqlite3_file* raw, int) {
        Handle* h = handle(raw);
        if (!h->disk->step()) return SQLITE_IOERR_FSYNC;
        (*h->file)->sync();
        return SQLITE_OK;
    }
    static int size(sqlite3_file* raw, sqlite3_int64* size) {
        *size = static_cast<sqlite3_int64>((*handle(raw)->file)->present.size());
        return SQLITE_OK;
    }

    // --- rollback-mode locks ---
    static bool others_hold(Handle* h, int level) {
        const auto& handles = (*h->file)->handles;
        return std::any_of(handles.begin(), handles.end(), [&](const Handle* other) { return other != h && other->level >= level; });
    }
    static int lock(sqlite3_file* raw, int level) {
        Handle* h = handle(raw);
        if (h->level >= level) return SQLITE_OK;
        if (level == SQLITE_LOCK_SHARED && others_hold(h, SQLITE_LOCK_PENDING)) return SQLITE_BUSY;
        if (level == SQLITE_LOCK_RESERVED && others_hold(h, SQLITE_LOCK_RESERVED)) return SQLITE_BUSY;
        if (level == SQLITE_LOCK_EXCLUSIVE) {
            if (others_hold(h, SQLITE_LOCK_RESERVED)) return SQLITE_BUSY;
            if (others_hold(h, SQLITE_LOCK_SHARED)) {
                h->level = SQLITE_LOCK_PENDING;
                return SQLITE_BUSY;
            }
        }
        h->level = level;
        return SQLITE_OK;
    }
    static int unlock(sqlite3_file* raw, int level) {
        handle(raw)->level = std::min(handle(raw)->level, level);
        return SQLITE_OK;
    }
    static int check_reserved(sqlite3_file* raw, int* result) {
        Handle* h = handle(raw);
        *result = h->level >= SQLITE_LOCK_RESERVED || others_hold(h, SQLITE_LOCK_RESERVED) ? 1 : 0;
        return SQLITE_OK;
    }
    static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
    static int sector_size(sqlite3_file*) { return static_cast<int>(sector); }
    static int characteristics(sqlite3_file*) { return 0; }

    // --- WAL's shared memory ---
    static int map(sqlite3_file* raw, int index, int size, int extend, void volatile** region) {
        Handle* h = handle(raw);
        if (h->disk->dead_) return SQLITE_IOERR_SHMMAP;
        if (*h->shared == nullptr) {
            auto& slot = h->disk->shared_[*h->path];
            if (slot == nullptr) slot = std::make_shared<SharedMemory>();
            *h->shared = slot;
            slot->users.insert(h);
        }
        auto& regions = (*h->shared)->regions;
        *region = nullptr;
        if (static_cast<size_t>(index) >= regions.size()) {
            if (extend == 0) return SQLITE_OK;
            while (regions.size() <= static_cast<size_t>(index)) {
                regions.push_back(std::make_unique<char[]>(static_cast<size_t>(size)));
                std::memset(regions.back().get(), 0, static_cast<size_t>(size));
            }
        }
        *region = regions[static_cast<size_t>(index)].get();
        return SQLITE_OK;
    }
    static int shared_lock(sqlite3_file* raw, int offset, int count, int flags) {
        Handle* h = handle(raw);
        const uint32_t mask = ((1U << count) - 1U) << offset;
        if ((flags & SQLITE_SHM_UNLOCK) != 0) {
            h->shared_locks &= ~mask;
            h->exclusive_locks &= ~mask;
            return SQLITE_OK;
        }
        if (h->disk->dead_) return SQLITE_IOERR_SHMLOCK;
        const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
        for (const Handle* other : (*h->shared)->users) {
            if (other == h) continue;
            if ((other->exclusive_locks & mask) != 0 || (exclusive && (other->shared_locks & mask) != 0)) return SQLITE_BUSY;
        }
        (exclusive ? h->exclusive_locks : h->shared_locks) |= mask;
        return SQLITE_OK;
    }
    static void barrier(sqlite3_file*) {}
    static int unmap(sqlite3_file* raw, int remove) {
        Handle* h = handle(raw);
        if (*h->shared == nullptr) return SQLITE_OK;
        (*h->shared)->users.erase(h);
        h->shared_locks = h->exclusive_locks = 0;
        if (remove != 0 && (*h->shared)->users.empty()) h->disk->shared_.erase(*h->path);
        h->shared->reset();
        return SQLITE_OK;
    }

    // --- the VFS ---
    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* raw, int flags, int* out_flags) {
        static const sqlite3_io_methods methods = {2,       &close,          &read,    &write,       &truncate,        &sync, &size,        &lock,
                                                   &unlock, &check_reserved, &control, &sector_size, &characteristics, &map,  &shared_lock, &barrier,
                                                   &unmap,  nullptr,         nullptr};
        Disk* self = disk(vfs);
        raw->pMethods = nullptr;
        const std::string name = path != nullptr ? path : "temporary " + std::to_string(reinterpret_cast<uintptr_t>(raw));
        auto found = self->files_.find(name);
        if (found == self->files_.end()) {
            if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
            if (!self->step()) return SQLITE_CANTOPEN;
            found = self->files_.emplace(name, std::make_shared<File>()).first;
        }
        Handle* h = new (raw) Handle{};
        h->disk = self;
        h->file = new std::shared_ptr<File>(found->second);
        h->path = new std::string(name);
        h->shared = new std::shared_ptr<SharedMemory>();
        h->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
        found->second->handles.insert(h);
        h->base.pMethods = &methods;
        if (out_flags != nullptr) *out_flags = flags;
        return SQLITE_OK;
    }
    static int remove(sqlite3_vfs* vfs, const char* path, int) {
        Disk* self = disk(vfs);
        if (!self->step()) return SQLITE_IOERR_DELETE;
        return self->files_.erase(path) != 0 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
    }
    static int access(sqlite3_vfs* vfs, const char* path, int, int* result) {
        *result = disk(vfs)->files_.count(path) != 0 ? 1 : 0;
        return SQLITE_OK;
    }
    static int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
        sqlite3_snprintf(size, out, "%s", path);
        return SQLITE_OK;
    }
    // SQLite seeds its own random numbers from here; a fixed sequence keeps a seed's run repeatable.
    static int randomness(sqlite3_vfs*, int size, char* out) {
        std::memset(out, 7, static_cast<size_t>(size));
        return size;
    }
    static int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
    static int time(sqlite3_vfs*, double* julian_day) {
        *julian_day = 2460000.5;
        return SQLITE_OK;
    }
    static int time64(sqlite3_vfs*, sqlite3_int64* julian_ms) {
        *julian_ms = 2460000LL * 86400000 + 43200000;
        return SQLITE_OK;
    }
    static int last_error(sqlite3_vfs*, int, char*) { return 0; }
};

Disk::Disk(std::string name) : name_(std::move(name)) {
    vfs_.iVersion = 2;
    vfs_.szOsFile = sizeof(Handle);
    vfs_.mxPathname = 512;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = &Callbacks::open;
    vfs_.xDelete = &Callbacks::remove;
    vfs_.xAccess = &Callbacks::access;
    vfs_.xFullPathname = &Callbacks::full_path;
    vfs_.xRandomness = &Callbacks::randomness;
    vfs_.xSleep = &Callbacks::sleep;
    vfs_.xCurrentTime = &Callbacks::time;
    vfs_.xGetLastError = &Callbacks::last_error;
    vfs_.xCurrentTimeInt64 = &Callbacks::time64;
    sqlite3_vfs_register(&vfs_, 0);
}

Disk::~Disk() { sqlite3_vfs_unregister(&vfs_); }

void Disk::restart(world::Random& random, bool power_loss) {
    shared_.clear();
    dead_ = false;
    operations_left_ = 0;
    for (auto& [path, file] : files_) {
        if (power_loss) {
            file->lose(random);
        }
    }
}

void Disk::copy_from(const Disk& other) {
    files_.clear();
    shared_.clear();
    for (const auto& [path, file] : other.files_) {
        auto copy = std::make_shared<File>();
        copy->present = copy->durable = file->present;
        files_.emplace(path, std::move(copy));
    }
}

}  // namespace tombolo::sim
