// Error: the one failure type of Tombolo.
//
// Every failure has a stable code (below), one sentence for a person, and context: what was being done, to what, and where it
// helps, what to do next. Functions throw Error; a function that may fail in normal life has a `try_` twin returning Result.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tombolo {

// Stable: the text form (`to_string`) is printed by the command line and stored in device files. Append, never renumber.
enum class ErrorCode : int {
    ok = 0,
    internal = 1,        // a bug in Tombolo: an invariant did not hold
    usage = 2,           // the caller asked for something that makes no sense
    not_found = 3,       // a file, table, row or id that does not exist
    not_a_device = 4,    // the file exists but was never initialised by Tombolo
    wrong_hub = 5,       // the device belongs to another hub or space
    schema = 6,          // schemas differ, or a table cannot be synced
    busy = 7,            // a lock could not be had within the busy timeout
    io = 8,              // reading or writing a file failed
    disk_full = 9,       //
    read_only = 10,      // the file or its folder cannot be written
    corrupt = 11,        // a file or message does not hold what its format says
    too_new = 12,        // written by a newer version of Tombolo; nothing was touched
    too_large = 13,      // a value or transaction over its limit
    unreachable = 14,    // the hub did not answer
    timed_out = 15,      //
    needs_auth = 16,     // the hub wants a token, or a newer one
    protocol = 17,       // the peer said something the protocol does not allow
    sql = 18,            // SQLite refused the statement
    constraint = 19,     // a constraint of the application's schema
    diverged_copy = 20,  // this device file is a copy of another, or was restored from a backup
    port_in_use = 21,    //
    unsupported = 22,    // planned, or impossible with this SQLite
    closed = 23,         // the object was closed
    config = 24,         // mistakes in hub.toml
    null_key = 25,       // NULL in a primary key column of a synced table
    not_captured = 26,   // a synced table was written by a connection without capture
    cancelled = 27,      //
    wrong_key = 28,      // the file is encrypted with another key, or a key was given for a plain file, or none for an encrypted one
};

std::string_view to_string(ErrorCode code);

// Immutable; copying is cheap enough for an error path. Thread-compatible.
class Error : public std::runtime_error {
public:
    // `sentence` is complete, without a trailing newline; `advice` says what to do next and may be empty.
    Error(ErrorCode code, std::string sentence, std::string advice = {})
        : std::runtime_error(std::move(sentence)), code_(code), advice_(std::move(advice)) {}

    ErrorCode code() const noexcept { return code_; }
    const std::string& advice() const noexcept { return advice_; }

private:
    ErrorCode code_;
    std::string advice_;
};

// A value or the Error that prevented it. `value()` throws the error.
template <typename T>
class Result {
public:
    Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor): reads as a return
    Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

    bool ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }
    T& value() & {
        if (!ok()) throw std::get<1>(state_);
        return std::get<0>(state_);
    }
    T&& value() && {
        if (!ok()) throw std::get<1>(state_);
        return std::move(std::get<0>(state_));
    }
    const Error& error() const { return std::get<1>(state_); }

private:
    std::variant<T, Error> state_;
};

}  // namespace tombolo
