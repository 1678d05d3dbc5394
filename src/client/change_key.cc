#include "client/change_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "crypto/encrypting_vfs.h"
#include "crypto/format.h"
#include "tombolo/error.h"

namespace tombolo::client {

namespace {

constexpr std::chrono::milliseconds busy_timeout{2000};  // who has the file open, usually has it open for long

[[noreturn]] void throw_system(const std::string& doing) {
    const int error = errno;
    throw Error(error == ENOSPC ? ErrorCode::disk_full : ErrorCode::io, fmt::format("could not {}: {}", doing, std::strerror(error)),
                "make sure that there is room beside the device file, and that its folder can be written");
}

// A descriptor that closes itself.
class Descriptor {
public:
    Descriptor(const std::string& path, int flags, mode_t mode = 0) : number_(open(path.c_str(), flags | O_CLOEXEC, mode)) {
        if (number_ < 0) throw_system("open " + path);
    }
    ~Descriptor() { close(number_); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int number() const { return number_; }
    struct stat status() const {
        struct stat status {};
        if (fstat(number_, &status) != 0) throw_system("look at a file");
        return status;
    }
    void sync(const std::string& path) const {
        if (fsync(number_) != 0) throw_system("write " + path + " to the disk");
    }

private:
    int number_;
};

std::string as_uri(const std::string& path, const char* parameter, std::string_view value) {
    std::string uri = "file:";
    for (const char c : path) {
        if (c == '?' || c == '#' || c == '%') {
            uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        } else {
            uri.push_back(c);
        }
    }
    return fmt::format("{}?{}={}", uri, parameter, value);
}

// The file as it is, on a connection that has it for itself: held until the connection closes. Its log is empty then.
class Source {
public:
    explicit Source(const DeviceFile& file) {
        sqlite::OpenOptions options;
        options.create = false;
        options.busy_timeout_ms = busy_timeout.count();
        options.key = file.key;
        if (!file.key.empty()) {
            db_ = sqlite::Connection::open(file.path, options);
        } else {
            sqlite::Connection::open(file.path, options);  // refuses an encrypted file
            // Any key: it gives a connection that can write encrypted files beside a plain one.
            options.key = Key::raw(std::string(crypto::key_size, '\0'));
            options.create = true;
            db_ = sqlite::Connection::open(":memory:", options);
            schema_ = "source";
            db_.execute(fmt::format("ATTACH {} AS source", sqlite::quote_text(as_uri(file.path, "encrypted", "0"))));
        }
        // Logs are deleted by name, and the name will be the new file's.
        sqlite3_db_config(db_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        hold(file.path);
    }

    // Without journal and log, not yet synced.
    void write_to(const std::string& path, const Key& key) {
        std::shared_ptr<crypto::EncryptingVfs> vfs;
        std::string target = as_uri(path, "encrypted", "0");
        if (!key.empty()) {
            vfs = crypto::EncryptingVfs::make(nullptr, key);
            target = as_uri(path, "vfs", vfs->name());
            vfs->serve(db_.handle());
            // For the copy: nothing changes here. In this order, for the pragma takes back what was reserved.
            db_.execute(fmt::format("PRAGMA {}.page_size = {}", schema_, crypto::page_size));
            int reserved = crypto::reserved_size;
            sqlite3_file_control(db_.handle(), schema_, SQLITE_FCNTL_RESERVE_BYTES, &reserved);
        }
        db_.execute(fmt::format("VACUUM {} INTO {}", schema_, sqlite::quote_text(target)));
    }

    bool has_log() { return db_.query_text(fmt::format("PRAGMA {}.journal_mode", schema_)) == "wal"; }
    int64_t objects() { return db_.query_integer(fmt::format("SELECT count(*) FROM {}.sqlite_schema", schema_)); }

private:
    void hold(const std::string& path) {
        try {
            db_.execute(
                fmt::format("PRAGMA {}.locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT count(*) FROM {}.sqlite_schema; COMMIT", schema_, schema_));
            if (has_log() && db_.query_integer(fmt::format("PRAGMA {}.wal_checkpoint(TRUNCATE)", schema_)) != 0)
                throw Error(ErrorCode::busy, "the log could not be emptied");
        } catch (const Error& error) {
            if (error.code() != ErrorCode::busy) throw;
            throw Error(ErrorCode::busy, fmt::format("another process has {} open", path),
                        "end it (a 'tombolo sync', or the application) and try again");
        }
    }

    sqlite::Connection db_;
    const char* schema_ = "main";
};

// Empty, with the access rights of the old file: a plain copy must not be readable by more people for a moment.
void make_target(const std::string& path, const struct stat& like) {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
        std::filesystem::remove(path + suffix, ignored);
    const Descriptor file(path, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
    if ((like.st_uid != geteuid() || like.st_gid != getegid()) && fchown(file.number(), like.st_uid, like.st_gid) != 0)
        throw_system("give the new file to the owner of the old one");
    if (fchmod(file.number(), like.st_mode & 07777) != 0) throw_system("set the access rights of the new file");
}

void finish_target(const std::string& path, const Key& key, Source& source) {
    sqlite::OpenOptions options;
    options.create = false;
    options.key = key;
    sqlite::Connection db = sqlite::Connection::open(path, options);
    if (source.has_log()) db.execute("PRAGMA journal_mode = WAL");
    if (db.query_integer("SELECT count(*) FROM sqlite_schema") != source.objects()) throw Error(ErrorCode::internal, "the new file lacks tables");
    db.close();
    Descriptor(path, O_RDONLY).sync(path);
}

void sync_folder_of(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    Descriptor(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY).sync(folder);
}

// The old file has no name any more, but a process that opened it before we held it may still wait for our lock. It must not take the old
// file for a database: logs and journals are found by name, and the name is the new file's. Of a plain file nothing is left, as far as
// the disk overwrites in place. Another hard link is somebody's copy, and stays.
void spoil(const Descriptor& old, bool all) {
    const struct stat status = old.status();
    if (status.st_nlink != 0) return;
    const std::array<char, crypto::page_size> zeros{};
    const off_t end = all ? status.st_size : static_cast<off_t>(zeros.size());
    for (off_t at = 0; at < end; at += static_cast<off_t>(zeros.size())) {
        if (pwrite(old.number(), zeros.data(), zeros.size(), at) < 0) return;  // the new file stands, whatever becomes of the old one
    }
    static_cast<void>(fsync(old.number()));
}

}  // namespace

std::string rewritten_path(const std::string& path) { return path + "-rewritten"; }

void change_key(const DeviceFile& given, const Key& key) {
    require_file(given.path);
    // A symbolic link stays one.
    const DeviceFile file(std::filesystem::canonical(given.path).string(), given.key);
    const std::string beside = rewritten_path(file.path);
    // Opened before and closed after the connection, whose locks a close would take away.
    const Descriptor old(file.path, O_WRONLY);
    std::optional<Source> source(file);
    try {
        make_target(beside, old.status());
        source->write_to(beside, key);
        finish_target(beside, key, *source);
        if (std::rename(beside.c_str(), file.path.c_str()) != 0) throw_system("put the new file in the place of " + file.path);
    } catch (const Error&) {
        std::error_code ignored;
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            std::filesystem::remove(beside + suffix, ignored);
        throw;
    }
    sync_folder_of(file.path);
    spoil(old, file.key.empty());
    source.reset();
}

}  // namespace tombolo::client
