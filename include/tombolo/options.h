// Options: what can be said when a database is opened and when it is connected, and where log lines go.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "tombolo/key.h"
#include "tombolo/network.h"

namespace tombolo {

using KeySource = std::variant<Key, std::function<Key()>>;

struct DatabaseOptions {
    // Make the file, and Tombolo's bookkeeping tables in it, where they are missing. The application's own tables in an existing
    // SQLite file stay as they are. false: Error(not_found) or Error(not_a_device) instead.
    bool create = true;

    // How long a write or read waits for a lock that another connection holds, before Error(busy). A long checkpoint that is
    // being applied holds the write lock. Longer: fewer errors, later answers.
    std::chrono::milliseconds busy_timeout{10000};

    // Encryption at rest: everything a device writes is unreadable without the key. A Key, or a function that fetches one, from the desktop's keyring
    // for instance; it is called once, inside Database::open, which passes on what it throws. An empty key: the file is plain. A key that does not
    // fit, one for a plain file and none for an encrypted one are Error(wrong_key), and the file is not touched.
    KeySource key;
};

// The text of a token, or a function that fetches one. The function is called on the Tombolo thread before every connection
// attempt; it may block for as long as that attempt may wait, and an exception from it fails the attempt as `needs-auth`.
using TokenSource = std::variant<std::string, std::function<std::string()>>;

struct SessionOptions {
    // ws://HOST:PORT[/SPACE] or wss://…; no SPACE means `main`. Stored in the device file at the first connect. Empty: the
    // address stored there. Another hub or space than the stored one is Error(wrong_hub).
    std::string hub;

    // Empty text: the token stored in the file by `tombolo init`, if any.
    TokenSource token;

    // PEM file of certificate authorities to trust for wss:// instead of the system's. Empty: the system's.
    std::string ca_file;

    // When to sync without being asked. See Session::pause, sync_now and set_network_hint.
    SyncPolicy policy = SyncPolicy::always;

    // Listen to the system's news of links, addresses and routes, so that a network that comes back is used at once. false: only
    // hints and attempts tell; a healed network is then found within 10 s.
    bool watch_network = true;
};

enum class LogLevel { error = 0, warning = 1, info = 2, debug = 3 };

// One line, without a newline. Called on any thread of the library, one call at a time; must not call back into Tombolo.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;

// Sends lines of `level` and graver ones to `sink`, for the whole process. An empty sink (the default) prints nothing.
// Once it has returned, the sink that was there before is not called any more.
void set_log(LogSink sink, LogLevel level = LogLevel::info);

}  // namespace tombolo
