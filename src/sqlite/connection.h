// A modern skin over SQLite's C library. Knows nothing of sync. Not thread-safe: one thread at a time per connection.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tombolo/error.h"
#include "tombolo/key.h"
#include "tombolo/value.h"

namespace tombolo::crypto {
class EncryptingVfs;
}

namespace tombolo::sqlite {

// Throws the Error for a failed SQLite call: disk_full, read_only, busy, corrupt, io, too_large, constraint or sql, with
// SQLite's own message. `doing` completes the sentence "could not …". A page of an encrypted file that is not authentic is
// Error(corrupt) with its number.
[[noreturn]] void throw_error(sqlite3* db, int result_code, std::string_view doing);

std::string quote_identifier(std::string_view name);  // "a""b"
std::string quote_text(std::string_view text);        // 'it''s'

// A prepared statement. Reset and reused; bound values are copied by SQLite unless said otherwise.
class Statement {
public:
    Statement() = default;
    Statement(sqlite3* db, std::string_view sql, bool persistent = true);
    explicit Statement(sqlite3_stmt* owned) : handle_(owned) {}

    explicit operator bool() const { return handle_ != nullptr; }
    sqlite3_stmt* handle() const { return handle_.get(); }

    Statement& bind(int index, const ValueView& value);         // text and blob are copied
    Statement& bind_static(int index, const ValueView& value);  // not copied: must live until reset
    Statement& bind(int index, int64_t value);
    Statement& bind(int index, uint64_t value) { return bind(index, static_cast<int64_t>(value)); }
    Statement& bind(int index, int value) { return bind(index, static_cast<int64_t>(value)); }
    Statement& bind_text(int index, std::string_view text);
    Statement& bind_blob(int index, std::string_view bytes);
    Statement& bind_null(int index);
    // Binds all arguments from index 1 on. Integers, std::string_view (text), ValueView.
    template <typename... Args>
    Statement& with(const Args&... args) {
        int index = 0;
        (bind_one(++index, args), ...);
        return *this;
    }

    bool step();     // true: a row is there. Throws on error (after resetting).
    int step_raw();  // SQLite's result code, extended; the caller resets
    void run();      // step to the end, reset
    void reset();    // also drops static bindings

    int column_count() const;
    std::string column_name(int index) const;
    bool is_null(int index) const;
    int64_t integer(int index) const;
    uint64_t number(int index) const { return static_cast<uint64_t>(integer(index)); }
    std::string_view text(int index) const;  // valid until step or reset
    std::string_view blob(int index) const;  // valid until step or reset
    ValueView value(int index) const;        // valid until step or reset

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    void bind_one(int index, const ValueView& value) { bind(index, value); }
    void bind_one(int index, const Value& value) { bind(index, value.view()); }
    void bind_one(int index, std::string_view text) { bind_text(index, text); }
    void bind_one(int index, const std::string& text) { bind_text(index, text); }
    void bind_one(int index, const char* text) { bind_text(index, text); }
    void bind_one(int index, int64_t value) { bind(index, value); }
    void bind_one(int index, uint64_t value) { bind(index, value); }
    void bind_one(int index, int value) { bind(index, value); }

    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// Resets a statement when the scope ends, so that no read transaction stays open by accident.
class ResetGuard {
public:
    explicit ResetGuard(Statement& statement) : statement_(statement) {}
    ~ResetGuard() { sqlite3_reset(statement_.handle()); }
    ResetGuard(const ResetGuard&) = delete;
    ResetGuard& operator=(const ResetGuard&) = delete;

private:
    Statement& statement_;
};

struct OpenOptions {
    bool create = true;
    bool read_only = false;
    int64_t busy_timeout_ms = 10000;
    const char* vfs = nullptr;  // nullptr: the default
    Key key;                    // empty: a plain file
};

class Connection {
public:
    Connection() = default;
    // Error(wrong_key) where key and file do not fit, before SQLite has touched the file. A connection with a key reads and writes
    // encrypted files only, attached ones included (crypto/encrypting_vfs.h), and keeps temporary tables in memory.
    static Connection open(const std::string& path, const OpenOptions& options = {});
    // Uses a handle that belongs to somebody else; never closes it.
    static Connection borrow(sqlite3* handle);

    explicit operator bool() const { return handle_ != nullptr; }
    sqlite3* handle() const { return handle_; }

    void execute(std::string_view sql);  // any number of statements, rows ignored
    Statement prepare(std::string_view sql) { return Statement(handle_, sql, false); }
    // A statement kept for the life of the connection, found by its text. Reset it after use (ResetGuard).
    Statement& cached(std::string_view sql);
    void forget_cached();  // needed before a schema change that drops tables in use

    int64_t query_integer(std::string_view sql);  // first column of the first row; 0 if none
    std::string query_text(std::string_view sql);
    bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
    int64_t changes() const { return sqlite3_changes64(handle_); }
    void close();        // finalises cached statements first
    sqlite3* release();  // the handle is the caller's from now on, to be closed with sqlite3_close

    Connection(Connection&& other) noexcept { swap(other); }
    Connection& operator=(Connection&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Connection();

private:
    void swap(Connection& other) noexcept {
        std::swap(handle_, other.handle_);
        std::swap(owned_, other.owned_);
        std::swap(cache_, other.cache_);
        std::swap(vfs_, other.vfs_);
    }
    int open_handle(const std::string& path, int flags, const char* vfs);

    std::shared_ptr<crypto::EncryptingVfs> vfs_;  // with a key
    sqlite3* handle_ = nullptr;
    bool owned_ = false;
    std::unordered_map<std::string, std::unique_ptr<Statement>> cache_;
};

// BEGIN IMMEDIATE … COMMIT; rolls back when it goes out of scope uncommitted.
class WriteTransaction {
public:
    explicit WriteTransaction(Connection& db);
    ~WriteTransaction();
    void commit();
    WriteTransaction(const WriteTransaction&) = delete;
    WriteTransaction& operator=(const WriteTransaction&) = delete;

private:
    Connection& db_;
    bool open_ = true;
};

// BEGIN … END around reads that must agree with each other.
class ReadTransaction {
public:
    explicit ReadTransaction(Connection& db);
    ~ReadTransaction();
    ReadTransaction(const ReadTransaction&) = delete;
    ReadTransaction& operator=(const ReadTransaction&) = delete;

private:
    Connection& db_;
};

}  // namespace tombolo::sqlite
