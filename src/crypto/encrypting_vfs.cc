#include "crypto/encrypting_vfs.h"

#include <fmt/format.h>

#include <new>
#include <string_view>

#include "crypto/journal_file.h"
#include "crypto/key_check.h"
#include "crypto/main_file.h"
#include "crypto/memory_file.h"
#include "crypto/wal_file.h"
#include "tombolo/error.h"

namespace tombolo::crypto {

namespace {

// What SQLite allocates: ours, and behind it the file of the VFS below.
struct Shell {
    sqlite3_file base;  // must be first
    std::shared_ptr<File>* file;
    std::shared_ptr<EncryptingVfs>* vfs;  // keeps it while the file is open
};
static_assert(sizeof(Shell) % alignof(std::max_align_t) == 0 || sizeof(Shell) % 8 == 0);

Shell* shell(sqlite3_file* raw) { return reinterpret_cast<Shell*>(raw); }
File& file_of(sqlite3_file* raw) { return **shell(raw)->file; }
sqlite3_file* below(sqlite3_file* raw) { return reinterpret_cast<sqlite3_file*>(shell(raw) + 1); }

// Nothing may be thrown through SQLite.
template <typename Work>
int guarded(const Work& work) {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return SQLITE_NOMEM;
    } catch (const std::exception&) {
        return SQLITE_IOERR;
    }
}

struct FileCallbacks {
    static int close(sqlite3_file* raw) {
        const int rc = file_of(raw).close();
        raw->pMethods = nullptr;
        delete shell(raw)->file;
        delete shell(raw)->vfs;
        return rc;
    }
    static int read(sqlite3_file* raw, void* out, int amount, sqlite3_int64 offset) {
        return guarded([&] { return file_of(raw).read(out, amount, offset); });
    }
    static int write(sqlite3_file* raw, const void* in, int amount, sqlite3_int64 offset) {
        return guarded([&] { return file_of(raw).write(in, amount, offset); });
    }
    static int truncate(sqlite3_file* raw, sqlite3_int64 size) {
        return guarded([&] { return file_of(raw).truncate(size); });
    }
    static int sync(sqlite3_file* raw, int flags) { return file_of(raw).sync(flags); }
    static int size(sqlite3_file* raw, sqlite3_int64* size) { return file_of(raw).size(size); }
    static int lock(sqlite3_file* raw, int level) { return file_of(raw).lock(level); }
    static int unlock(sqlite3_file* raw, int level) { return file_of(raw).unlock(level); }
    static int check_reserved(sqlite3_file* raw, int* result) { return file_of(raw).check_reserved(result); }
    static int control(sqlite3_file* raw, int operation, void* argument) { return file_of(raw).control(operation, argument); }
    static int sector_size(sqlite3_file* raw) { return file_of(raw).sector_size(); }
    static int characteristics(sqlite3_file* raw) { return file_of(raw).characteristics(); }
    static int map(sqlite3_file* raw, int index, int size, int extend, void volatile** region) {
        return below(raw)->pMethods->xShmMap(below(raw), index, size, extend, region);
    }
    static int shared_lock(sqlite3_file* raw, int offset, int count, int flags) { return file_of(raw).shared_lock(offset, count, flags); }
    static void barrier(sqlite3_file* raw) { below(raw)->pMethods->xShmBarrier(below(raw)); }
    static int unmap(sqlite3_file* raw, int remove) { return below(raw)->pMethods->xShmUnmap(below(raw), remove); }
};

using Callbacks = FileCallbacks;
constexpr sqlite3_io_methods methods_with(int version) {
    return {version,
            &Callbacks::close,
            &Callbacks::read,
            &Callbacks::write,
            &Callbacks::truncate,
            &Callbacks::sync,
            &Callbacks::size,
            &Callbacks::lock,
            &Callbacks::unlock,
            &Callbacks::check_reserved,
            &Callbacks::control,
            &Callbacks::sector_size,
            &Callbacks::characteristics,
            &Callbacks::map,
            &Callbacks::shared_lock,
            &Callbacks::barrier,
            &Callbacks::unmap,
            nullptr,  // no mapped pages
            nullptr};
}
const sqlite3_io_methods without_log = methods_with(1);
const sqlite3_io_methods with_log = methods_with(2);

void fill(sqlite3_file* raw, std::shared_ptr<File> file, std::shared_ptr<EncryptingVfs> vfs) {
    const bool log = file->real() == nullptr || file->real()->pMethods->iVersion >= 2;
    shell(raw)->file = new std::shared_ptr<File>(std::move(file));
    shell(raw)->vfs = new std::shared_ptr<EncryptingVfs>(std::move(vfs));
    raw->pMethods = log ? &with_log : &without_log;
}

std::string unique_name() {
    sqlite3_uint64 random = 0;
    sqlite3_randomness(sizeof(random), &random);
    return fmt::format("tombolo-encrypting-{:016x}", random);
}

bool ends_with(std::string_view text, std::string_view end) { return text.size() >= end.size() && text.substr(text.size() - end.size()) == end; }

}  // namespace

struct EncryptingVfs::Callbacks {
    static EncryptingVfs* self(sqlite3_vfs* vfs) { return static_cast<EncryptingVfs*>(vfs->pAppData); }
    static sqlite3_vfs* base(sqlite3_vfs* vfs) { return self(vfs)->base_; }

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* raw, int flags, int* out_flags) {
        raw->pMethods = nullptr;
        return guarded([&] {
            constexpr int temporary =
                SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_SUBJOURNAL | SQLITE_OPEN_DELETEONCLOSE;
            if (path == nullptr || (flags & temporary) != 0) {
                fill(raw, std::make_shared<MemoryFile>(), self(vfs)->shared_from_this());
                if (out_flags != nullptr) *out_flags = flags;
                return SQLITE_OK;
            }
            if ((flags & SQLITE_OPEN_MAIN_DB) != 0) return self(vfs)->open_database(path, raw, flags, out_flags);
            return self(vfs)->open_beside(path, raw, flags, out_flags);
        });
    }
    static int remove(sqlite3_vfs* vfs, const char* path, int sync) { return base(vfs)->xDelete(base(vfs), path, sync); }
    static int access(sqlite3_vfs* vfs, const char* path, int flags, int* result) { return base(vfs)->xAccess(base(vfs), path, flags, result); }
    static int full_path(sqlite3_vfs* vfs, const char* path, int size, char* out) { return base(vfs)->xFullPathname(base(vfs), path, size, out); }
    static void* library_open(sqlite3_vfs* vfs, const char* path) { return base(vfs)->xDlOpen(base(vfs), path); }
    static void library_error(sqlite3_vfs* vfs, int size, char* out) { base(vfs)->xDlError(base(vfs), size, out); }
    static void (*library_symbol(sqlite3_vfs* vfs, void* library, const char* name))(void) { return base(vfs)->xDlSym(base(vfs), library, name); }
    static void library_close(sqlite3_vfs* vfs, void* library) { base(vfs)->xDlClose(base(vfs), library); }
    static int randomness(sqlite3_vfs* vfs, int size, char* out) { return base(vfs)->xRandomness(base(vfs), size, out); }
    static int sleep(sqlite3_vfs* vfs, int microseconds) { return base(vfs)->xSleep(base(vfs), microseconds); }
    static int time(sqlite3_vfs* vfs, double* julian_day) { return base(vfs)->xCurrentTime(base(vfs), julian_day); }
    static int last_error(sqlite3_vfs* vfs, int size, char* out) { return base(vfs)->xGetLastError(base(vfs), size, out); }
    static int time64(sqlite3_vfs* vfs, sqlite3_int64* julian_ms) { return base(vfs)->xCurrentTimeInt64(base(vfs), julian_ms); }
};

std::shared_ptr<EncryptingVfs> EncryptingVfs::make(const char* base, const Key& key) {
    sqlite3_initialize();
    sqlite3_vfs* found = sqlite3_vfs_find(base);
    if (found == nullptr) throw Error(ErrorCode::internal, fmt::format("SQLite has no VFS named {}", base != nullptr ? base : "(default)"));
    std::shared_ptr<EncryptingVfs> made(new EncryptingVfs(found, key));
    if (sqlite3_vfs_register(&made->vfs_, 0) != SQLITE_OK) throw std::bad_alloc();
    return made;
}

EncryptingVfs::EncryptingVfs(sqlite3_vfs* base, const Key& key) : base_(base), key_(key), name_(unique_name()) {
    vfs_.iVersion = base->iVersion >= 2 ? 2 : 1;
    vfs_.szOsFile = static_cast<int>(sizeof(Shell)) + base->szOsFile;
    vfs_.mxPathname = base->mxPathname;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = &Callbacks::open;
    vfs_.xDelete = &Callbacks::remove;
    vfs_.xAccess = &Callbacks::access;
    vfs_.xFullPathname = &Callbacks::full_path;
    if (base->xDlOpen != nullptr) {
        vfs_.xDlOpen = &Callbacks::library_open;
        vfs_.xDlError = &Callbacks::library_error;
        vfs_.xDlSym = &Callbacks::library_symbol;
        vfs_.xDlClose = &Callbacks::library_close;
    }
    vfs_.xRandomness = &Callbacks::randomness;
    vfs_.xSleep = &Callbacks::sleep;
    vfs_.xCurrentTime = &Callbacks::time;
    vfs_.xGetLastError = &Callbacks::last_error;
    vfs_.xCurrentTimeInt64 = &Callbacks::time64;
}

EncryptingVfs::~EncryptingVfs() { sqlite3_vfs_unregister(&vfs_); }

void EncryptingVfs::serve(sqlite3* db) {
    db_ = db;
    int reserved = reserved_size;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
}

int EncryptingVfs::open_database(const char* path, sqlite3_file* raw, int flags, int* out_flags) {
    if (sqlite3_uri_boolean(path, "encrypted", 1) == 0) return base_->xOpen(base_, path, raw, flags, out_flags);
    sqlite3_file* real = below(raw);
    real->pMethods = nullptr;
    const int rc = base_->xOpen(base_, path, real, flags, out_flags);
    if (rc != SQLITE_OK) {
        if (real->pMethods != nullptr) real->pMethods->xClose(real);
        return rc;
    }
    refusal_ = {check_key(base_, real, path, *key_.material()), 0};
    if (refusal_.kind != Damage::Kind::none) {
        real->pMethods->xClose(real);
        return SQLITE_NOTADB;
    }
    auto file = std::make_shared<MainFile>(real, path, key_.material(), db_ != nullptr && !is_vacuum_target());
    open_[path] = file;
    fill(raw, std::move(file), shared_from_this());
    return SQLITE_OK;
}

// Logs and journals of an encrypted database that is open here; those of others, and super-journals, are none of ours.
int EncryptingVfs::open_beside(const char* path, sqlite3_file* raw, int flags, int* out_flags) {
    const std::string_view name(path);
    const bool log = (flags & SQLITE_OPEN_WAL) != 0;
    const std::string_view suffix = log ? "-wal" : "-journal";
    const auto found = ends_with(name, suffix) ? open_.find(std::string(name.substr(0, name.size() - suffix.size()))) : open_.end();
    std::shared_ptr<MainFile> main = found != open_.end() ? found->second.lock() : nullptr;
    if (main == nullptr || (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) == 0) return base_->xOpen(base_, path, raw, flags, out_flags);
    sqlite3_file* real = below(raw);
    real->pMethods = nullptr;
    const int rc = base_->xOpen(base_, path, real, flags, out_flags);
    if (rc != SQLITE_OK) {
        if (real->pMethods != nullptr) real->pMethods->xClose(real);
        return rc;
    }
    std::shared_ptr<File> file;
    if (log) {
        file = std::make_shared<WalFile>(real, std::move(main));
    } else {
        file = std::make_shared<JournalFile>(real, std::move(main));
    }
    fill(raw, std::move(file), shared_from_this());
    return SQLITE_OK;
}

// VACUUM INTO sets page size and reserved bytes of its target by itself, and fails where a header has fixed them already. It attaches
// the target as "vacuum_…", in a statement of its own.
bool EncryptingVfs::is_vacuum_target() const {
    for (sqlite3_stmt* statement = db_ != nullptr ? sqlite3_next_stmt(db_, nullptr) : nullptr; statement != nullptr;
         statement = sqlite3_next_stmt(db_, statement)) {
        const char* sql = sqlite3_sql(statement);
        if (sql == nullptr || sqlite3_stmt_busy(statement) == 0) continue;
        const std::string_view text(sql);
        const size_t as = text.rfind(" AS vacuum_");
        if (text.substr(0, 7) == "ATTACH " && as != std::string_view::npos && text.find(' ', as + 4) == std::string_view::npos) return true;
    }
    return false;
}

}  // namespace tombolo::crypto
