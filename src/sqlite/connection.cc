#include "sqlite/connection.h"

#include <fmt/format.h>

#include <utility>

#include "crypto/encrypting_vfs.h"
#include "crypto/key_check.h"

namespace tombolo::sqlite {

namespace {

ErrorCode classify(int result_code) {
    switch (result_code & 0xFF) {
        case SQLITE_FULL: return ErrorCode::disk_full;
        case SQLITE_READONLY: return ErrorCode::read_only;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return ErrorCode::busy;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return ErrorCode::corrupt;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN: return ErrorCode::io;
        case SQLITE_TOOBIG: return ErrorCode::too_large;
        case SQLITE_CONSTRAINT: return ErrorCode::constraint;
        case SQLITE_PERM: return ErrorCode::read_only;
        default: return ErrorCode::sql;
    }
}

std::string_view advice_for(ErrorCode code) {
    switch (code) {
        case ErrorCode::disk_full: return "free some space and try again; nothing that was committed is lost";
        case ErrorCode::read_only: return "check the permissions of the file and of its folder";
        case ErrorCode::busy: return "another process is writing to the file; try again when it has finished";
        case ErrorCode::corrupt: return "check that the path is right; restore the file from a backup if it is";
        case ErrorCode::io: return "check that the path exists and can be read and written";
        default: return "";
    }
}

// What the encrypting VFS knows of the newest error, if it is one of its own.
void throw_damage(sqlite3* db, int result_code, std::string_view doing) {
    if (db == nullptr || classify(result_code) == ErrorCode::busy) return;
    for (int i = 0; const char* schema = sqlite3_db_name(db, i); ++i) {
        crypto::Damage damage;
        if (sqlite3_file_control(db, schema, crypto::damage_control, &damage) != SQLITE_OK) continue;
        const int primary = result_code & 0xFF;
        if (damage.kind == crypto::Damage::Kind::page && primary == SQLITE_CORRUPT) {
            throw Error(ErrorCode::corrupt,
                        fmt::format("could not {}: page {} of the encrypted file is damaged or was tampered with", doing, damage.page),
                        "restore the file from a backup, or make the device anew from its hub");
        }
        if (damage.kind == crypto::Damage::Kind::plain_file && primary == SQLITE_NOTADB)
            throw Error(ErrorCode::wrong_key, fmt::format("could not {}: the file is not encrypted, and a key was given", doing),
                        "leave out the key");
        if (damage.kind == crypto::Damage::Kind::replaced && primary == SQLITE_READONLY)
            throw Error(ErrorCode::io, fmt::format("could not {}: the file was replaced while it was open", doing), "open it again");
        if (damage.kind == crypto::Damage::Kind::layout && primary == SQLITE_IOERR)
            throw Error(ErrorCode::unsupported, fmt::format("could not {}: the pages do not have the layout of an encrypted file", doing),
                        "copy between plain and encrypted files with 'tombolo encrypt' and 'tombolo decrypt', or row by row");
    }
}

}  // namespace

void throw_error(sqlite3* db, int result_code, std::string_view doing) {
    throw_damage(db, result_code, doing);
    const ErrorCode code = classify(result_code);
    const char* message = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(result_code);
    throw Error(code, fmt::format("could not {}: {}", doing, message), std::string(advice_for(code)));
}

std::string quote_identifier(std::string_view name) {
    std::string quoted = "\"";
    for (const char c : name) {
        if (c == '"') quoted.push_back('"');
        quoted.push_back(c);
    }
    quoted.push_back('"');
    return quoted;
}

std::string quote_text(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'') quoted.push_back('\'');
        quoted.push_back(c);
    }
    quoted.push_back('\'');
    return quoted;
}

// --- Statement ---

Statement::Statement(sqlite3* db, std::string_view sql, bool persistent) {
    sqlite3_stmt* raw = nullptr;
    const int rc = sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), persistent ? SQLITE_PREPARE_PERSISTENT : 0, &raw, nullptr);
    handle_.reset(raw);
    if (rc != SQLITE_OK) throw_error(db, rc, fmt::format("prepare \"{}\"", sql.substr(0, 200)));
}

namespace {
int bind_value(sqlite3_stmt* statement, int index, const ValueView& value, sqlite3_destructor_type lifetime) {
    switch (value.type()) {
        case ValueType::null: return sqlite3_bind_null(statement, index);
        case ValueType::integer: return sqlite3_bind_int64(statement, index, value.as_integer());
        case ValueType::real: return sqlite3_bind_double(statement, index, value.as_real());
        // A null pointer would bind NULL, so empty values point at something.
        case ValueType::text: {
            const std::string_view bytes = value.bytes();
            return sqlite3_bind_text64(statement, index, bytes.empty() ? "" : bytes.data(), bytes.size(), lifetime, SQLITE_UTF8);
        }
        case ValueType::blob: {
            const std::string_view bytes = value.bytes();
            return sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : bytes.data(), bytes.size(), lifetime);
        }
    }
    return SQLITE_MISUSE;
}
}  // namespace

Statement& Statement::bind(int index, const ValueView& value) {
    const int rc = bind_value(handle(), index, value, SQLITE_TRANSIENT);  // NOLINT: SQLite's own cast
    if (rc != SQLITE_OK) throw_error(sqlite3_db_handle(handle()), rc, "bind a value");
    return *this;
}
Statement& Statement::bind_static(int index, const ValueView& value) {
    const int rc = bind_value(handle(), index, value, SQLITE_STATIC);
    if (rc != SQLITE_OK) throw_error(sqlite3_db_handle(handle()), rc, "bind a value");
    return *this;
}
Statement& Statement::bind(int index, int64_t value) { return bind(index, ValueView::integer(value)); }
Statement& Statement::bind_text(int index, std::string_view text) { return bind(index, ValueView::text(text)); }
Statement& Statement::bind_blob(int index, std::string_view bytes) { return bind(index, ValueView::blob(bytes)); }
Statement& Statement::bind_null(int index) { return bind(index, ValueView{}); }

int Statement::step_raw() { return sqlite3_step(handle()); }

bool Statement::step() {
    const int rc = sqlite3_step(handle());
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) return false;
    sqlite3* db = sqlite3_db_handle(handle());
    const char* sql = sqlite3_sql(handle());
    try {
        throw_error(db, sqlite3_extended_errcode(db), fmt::format("run \"{}\"", std::string_view(sql != nullptr ? sql : "").substr(0, 200)));
    } catch (...) {
        sqlite3_reset(handle());
        throw;
    }
}

void Statement::run() {
    while (step()) {
    }
    reset();
}

void Statement::reset() {
    sqlite3_reset(handle());
    sqlite3_clear_bindings(handle());
}

int Statement::column_count() const { return sqlite3_column_count(handle()); }
std::string Statement::column_name(int index) const {
    const char* name = sqlite3_column_name(handle(), index);
    return name != nullptr ? name : "";
}
bool Statement::is_null(int index) const { return sqlite3_column_type(handle(), index) == SQLITE_NULL; }
int64_t Statement::integer(int index) const { return sqlite3_column_int64(handle(), index); }
std::string_view Statement::text(int index) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle(), index));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<size_t>(sqlite3_column_bytes(handle(), index))};
}
std::string_view Statement::blob(int index) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle(), index));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<size_t>(sqlite3_column_bytes(handle(), index))};
}
ValueView Statement::value(int index) const {
    switch (sqlite3_column_type(handle(), index)) {
        case SQLITE_INTEGER: return ValueView::integer(sqlite3_column_int64(handle(), index));
        case SQLITE_FLOAT: return ValueView::real(sqlite3_column_double(handle(), index));
        case SQLITE_TEXT: return ValueView::text(text(index));
        case SQLITE_BLOB: return ValueView::blob(blob(index));
        default: return {};
    }
}

// --- Connection ---

namespace {

// A plain connection would find an encrypted file's log and journal empty, and delete them.
void refuse_encrypted(const std::string& path, const char* vfs) {
    sqlite3_initialize();
    sqlite3_vfs* found = sqlite3_vfs_find(vfs);
    if (found == nullptr || path.empty() || path == ":memory:" || !crypto::looks_encrypted(found, path)) return;
    throw Error(ErrorCode::wrong_key, fmt::format("{} is encrypted, or no SQLite database", path),
                "give its key: --key-file, or DatabaseOptions::key");
}

void throw_refusal(const crypto::Damage& refusal, const std::string& path) {
    if (refusal.kind == crypto::Damage::Kind::plain_file)
        throw Error(ErrorCode::wrong_key, fmt::format("{} is not encrypted, and a key was given", path),
                    "leave out the key, or encrypt the file with 'tombolo encrypt'");
    if (refusal.kind == crypto::Damage::Kind::wrong_key)
        throw Error(ErrorCode::wrong_key, fmt::format("the key does not open {}", path), "take the key it was encrypted with; nothing was touched");
}

}  // namespace

Connection Connection::open(const std::string& path, const OpenOptions& options) {
    Connection connection;
    int flags = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (options.create && !options.read_only) flags |= SQLITE_OPEN_CREATE;
    if (options.key.empty()) {
        refuse_encrypted(path, options.vfs);
        const int rc = connection.open_handle(path, flags, options.vfs);
        if (rc != SQLITE_OK) throw_error(connection.handle_, rc, "open " + path);
    } else {
        connection.vfs_ = crypto::EncryptingVfs::make(options.vfs, options.key);
        // URIs are for ATTACH; the path is a path, whatever it begins with.
        const std::string name = path.rfind("file:", 0) == 0 ? "./" + path : path;
        const int rc = connection.open_handle(name, flags | SQLITE_OPEN_URI, connection.vfs_->name());
        if (rc != SQLITE_OK) {
            throw_refusal(connection.vfs_->refusal(), path);
            throw_error(connection.handle_, rc, "open " + path);
        }
        connection.vfs_->serve(connection.handle_);
        connection.execute("PRAGMA temp_store = MEMORY");
    }
    sqlite3_busy_timeout(connection.handle_, static_cast<int>(options.busy_timeout_ms));
    return connection;
}

int Connection::open_handle(const std::string& path, int flags, const char* vfs) {
    owned_ = true;
    return sqlite3_open_v2(path.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
}

Connection Connection::borrow(sqlite3* handle) {
    Connection connection;
    connection.handle_ = handle;
    return connection;
}

Connection::~Connection() {
    cache_.clear();
    if (owned_) sqlite3_close_v2(handle_);
}

void Connection::close() {
    cache_.clear();
    if (owned_) sqlite3_close_v2(handle_);
    handle_ = nullptr;
    owned_ = false;
    vfs_.reset();
}

// An encrypting VFS lives on with the files that are open through it.
sqlite3* Connection::release() {
    cache_.clear();
    owned_ = false;
    vfs_.reset();
    return std::exchange(handle_, nullptr);
}

void Connection::execute(std::string_view sql) {
    const char* at = sql.data();
    const char* end = sql.data() + sql.size();
    while (at < end) {
        sqlite3_stmt* raw = nullptr;
        const char* tail = nullptr;
        const int rc = sqlite3_prepare_v2(handle_, at, static_cast<int>(end - at), &raw, &tail);
        const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> guard(raw, &sqlite3_finalize);
        if (rc != SQLITE_OK) throw_error(handle_, rc, fmt::format("run \"{}\"", std::string_view(at, static_cast<size_t>(end - at)).substr(0, 200)));
        at = tail;
        if (raw == nullptr) continue;  // only white space or a comment
        int step = SQLITE_ROW;
        while (step == SQLITE_ROW)
            step = sqlite3_step(raw);
        if (step != SQLITE_DONE)
            throw_error(handle_, sqlite3_extended_errcode(handle_), fmt::format("run \"{}\"", std::string_view(sqlite3_sql(raw)).substr(0, 200)));
    }
}

Statement& Connection::cached(std::string_view sql) {
    auto& slot = cache_[std::string(sql)];
    if (slot == nullptr) slot = std::make_unique<Statement>(handle_, sql);
    return *slot;
}

void Connection::forget_cached() { cache_.clear(); }

int64_t Connection::query_integer(std::string_view sql) {
    Statement statement = prepare(sql);
    return statement.step() ? statement.integer(0) : 0;
}

std::string Connection::query_text(std::string_view sql) {
    Statement statement = prepare(sql);
    return statement.step() ? std::string(statement.text(0)) : std::string();
}

// --- transactions ---

WriteTransaction::WriteTransaction(Connection& db) : db_(db) {
    Statement& begin = db_.cached("BEGIN IMMEDIATE");
    begin.run();
}
WriteTransaction::~WriteTransaction() {
    // After some errors SQLite has rolled back by itself; ROLLBACK would then fail, harmlessly.
    if (open_ && db_.in_transaction()) sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}
void WriteTransaction::commit() {
    db_.cached("COMMIT").run();
    open_ = false;
}

ReadTransaction::ReadTransaction(Connection& db) : db_(db) { db_.cached("BEGIN").run(); }
ReadTransaction::~ReadTransaction() {
    if (db_.in_transaction()) sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace tombolo::sqlite
