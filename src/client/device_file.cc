#include "client/device_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "base/bytes.h"
#include "client/session_lock.h"
#include "device/inbox.h"
#include "device/replica.h"
#include "network/system_clock.h"
#include "network/system_random.h"
#include "tombolo/error.h"

namespace tombolo::client {

namespace {

constexpr int auto_checkpoint_pages = 1000;  // SQLite's own default: about 4 MiB of log
// A page that has to be read again is decrypted again, so more of them are kept than the 2 MiB of SQLite's default.
constexpr int encrypted_cache_kib = 16 << 10;

void require_device(sqlite::Connection& db, const std::string& path) {
    if (device::Replica::is_device(db)) return;
    throw Error(ErrorCode::not_a_device, fmt::format("{} was never initialised by Tombolo", path),
                fmt::format("run 'tombolo init {} --hub ws://HOST:PORT' first, or check the path", path));
}

sqlite::Connection open_existing(const DeviceFile& file, std::chrono::milliseconds busy_timeout, bool read_only) {
    const std::string& path = file.path;
    require_file(path);
    sqlite::OpenOptions options;
    options.key = file.key;
    options.create = false;
    options.read_only = read_only;
    options.busy_timeout_ms = busy_timeout.count();
    sqlite::Connection db = sqlite::Connection::open(path, options);
    require_database(db, path);
    require_device(db, path);
    if (!file.key.empty()) db.execute(fmt::format("PRAGMA cache_size = -{}", encrypted_cache_kib));
    return db;
}

std::vector<std::string> own_objects(sqlite::Connection& db, const char* type) {
    std::vector<std::string> names;
    sqlite::Statement list = db.prepare("SELECT name FROM sqlite_schema WHERE type = ?1 AND name LIKE 'tombolo\\_%' ESCAPE '\\'");
    list.with(type);
    while (list.step())
        names.emplace_back(list.text(0));
    return names;
}

Status status_in_file(sqlite::Connection db) {
    device::Replica replica(std::move(db), system_capture_world());
    const device::DeviceRecord record = replica.record();
    const device::Outbox::Counts counts = replica.outbox().counts();
    Status status;
    status.site = to_hex(record.site.view());
    status.space = record.space.value_or("");
    status.hub = record.hub.value_or("");
    status.pending_transactions = counts.transactions;
    status.pending_rows = counts.rows;
    status.rejected = counts.rejected;
    status.conflicts = device::count_conflicts(replica.db());
    status.cursor = record.cursor.seq.value;
    if (record.space_id) status.hub_seq = std::max(record.hub_head, record.cursor.seq.value);
    if (record.cursor.epoch.value != 0) status.epoch = record.cursor.epoch.value;
    status.last_sync_at = record.last_sync_at;
    return status;
}

}  // namespace

std::string hub_address(const network::HubUrl& url) { return fmt::format("{}://{}", url.tls ? "wss" : "ws", network::to_string(url.address)); }

world::Clock& system_clock() {
    static network::SystemClock clock;
    return clock;
}

world::Random& system_random() {
    static network::SystemRandom random;
    return random;
}

const device::CaptureWorld& system_capture_world() {
    static const device::CaptureWorld world{&system_clock(), &system_random(), {}};
    return world;
}

void require_file(const std::string& path) {
    std::error_code ignored;
    const auto status = std::filesystem::status(path, ignored);
    if (!std::filesystem::exists(status)) {
        throw Error(ErrorCode::not_found, fmt::format("there is no file {}", path),
                    fmt::format("check the path, or make it with 'tombolo init {} --hub ws://HOST:PORT'", path));
    }
    if (std::filesystem::is_directory(status))
        throw Error(ErrorCode::not_found, fmt::format("{} is a folder, not a device file", path), "check the path");
}

void require_database(sqlite::Connection& db, const std::string& path) {
    try {
        db.query_integer("SELECT count(*) FROM sqlite_schema");
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt) throw;
        throw Error(ErrorCode::corrupt, fmt::format("{} is not an SQLite database, or is damaged", path),
                    "check the path; restore the file from a backup if it is right");
    }
}

sqlite::Connection open_device_file(const DeviceFile& file, std::chrono::milliseconds busy_timeout) {
    sqlite::Connection db = open_existing(file, busy_timeout, false);
    // In WAL mode NORMAL loses nothing when the application crashes, and never damages the file.
    db.execute("PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 0");
    device::register_capture(db.handle(), system_capture_world());
    return db;
}

sqlite::Connection open_device_file_read_only(const DeviceFile& file) { return open_existing(file, std::chrono::seconds(10), true); }

bool make_device_file(const DeviceFile& file, std::chrono::milliseconds busy_timeout) {
    sqlite::OpenOptions options;
    options.busy_timeout_ms = busy_timeout.count();
    options.key = file.key;
    sqlite::Connection db = sqlite::Connection::open(file.path, options);
    require_database(db, file.path);
    if (device::Replica::is_device(db)) return false;
    db.execute("PRAGMA journal_mode = WAL");  // readers beside the writer, and one fsync less per commit
    device::Replica::create(db);
    return true;
}

void unmake_device_file(const DeviceFile& file, bool remove_file) {
    const std::string& path = file.path;
    if (remove_file) {
        std::error_code ignored;
        for (const char* suffix : {"", "-wal", "-shm", "-journal"})
            std::filesystem::remove(path + suffix, ignored);
        std::filesystem::remove(session_path(path), ignored);
        return;
    }
    sqlite::OpenOptions options;
    options.key = file.key;
    sqlite::Connection db = sqlite::Connection::open(path, options);
    sqlite::WriteTransaction transaction(db);
    for (const std::string& name : own_objects(db, "trigger"))
        db.execute("DROP TRIGGER " + sqlite::quote_identifier(name));
    for (const std::string& name : own_objects(db, "table"))
        db.execute("DROP TABLE " + sqlite::quote_identifier(name));
    transaction.commit();
}

bool all_decided(sqlite::Connection& db, uint64_t number) {
    sqlite::Statement& ask = db.cached(
        "SELECT EXISTS (SELECT 1 FROM tombolo_log WHERE position < (?1 + 1) << 32)"
        " OR EXISTS (SELECT 1 FROM tombolo_outbox WHERE number <= ?1 AND state <> ?2)");
    const sqlite::ResetGuard guard(ask);
    return ask.with(number, static_cast<int>(device::EntryState::rejected)).step() && ask.integer(0) == 0;
}

void set_checkpoints(sqlite::Connection& db, bool checkpoints) {
    db.execute(fmt::format("PRAGMA wal_autocheckpoint = {}", checkpoints ? auto_checkpoint_pages : 0));
}

Status read_status(const DeviceFile& file) {
    const std::string& path = file.path;
    Status in_file = status_in_file(open_device_file_read_only(file));
    if (std::optional<Told> held = told_by_holder(path)) return std::move(held->status);
    Status status = std::move(in_file);
    status.state = SessionState::offline;
    status.network = NetworkState::unknown;
    status.cause = "no process is syncing this device";
    const std::optional<Told> told = told_last(path);
    if (const Status* last = told ? &told->status : nullptr; last != nullptr && last->site == status.site) {
        if (last->state == SessionState::offline) status.state_since = last->state_since;
        status.last_error = last->last_error;
        if (status.hub_seq && last->hub_seq) status.hub_seq = std::max(*status.hub_seq, *last->hub_seq);
    }
    return status;
}

}  // namespace tombolo::client
