// Every bound and delay of the program, with its unit and its reason. Sizes in bytes, durations in microseconds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo::limits {

inline constexpr int64_t microsecond = 1;
inline constexpr int64_t millisecond = 1000;
inline constexpr int64_t second = 1000 * millisecond;
inline constexpr int64_t day = 86400 * second;

// --- values and transactions (promise 10) ---
inline constexpr size_t value_bytes_max = size_t{64} << 20;                   // one value; a larger one fails at commit with too-large
inline constexpr size_t row_bytes_max = value_bytes_max + (size_t{1} << 20);  // all values of a row together; larger ones likewise
inline constexpr size_t transaction_bytes_max = size_t{1} << 30;              // encoded changes of one transaction
inline constexpr int nesting_max = 64;                                        // of any recursive structure from outside
inline constexpr size_t columns_max = 2000;                                   // SQLite's own default bound
inline constexpr size_t json_merge_bytes_max = size_t{1} << 20;  // larger documents and sets are single values: taken apart they are 50 times as big
inline constexpr size_t text_merge_bytes_max = size_t{4} << 20;  // changed lines of a larger text are a single value, likewise
inline constexpr size_t expression_bytes_max = 10'000;           // of an `sql` policy, as SQL
inline constexpr int expression_steps_max = 1'000'000;           // of SQLite's machine; it has no loops, so only a mistake gets there
inline constexpr size_t text_cache_bytes = size_t{8} << 20;      // texts kept because the next edit may be of them; a space, a device
inline constexpr size_t base_request_max = 1024;                 // texts asked for at once

inline constexpr size_t verdict_cells_max = 16;         // cells that a verdict names; the rest is a count
inline constexpr size_t verdict_cell_bytes_max = 1024;  // a cell whose table, key and column have more is not named

// --- messages ---
inline constexpr size_t message_bytes_max = 2 * row_bytes_max + (size_t{1} << 20);  // one change with a largest row before and after
inline constexpr size_t fragment_bytes_max = size_t{512} << 10;                     // a longer message travels in pieces of this size
inline constexpr size_t transport_bytes_max = fragment_bytes_max + 16;              // of one message of the transport
inline constexpr size_t message_bytes_max_before_welcome = size_t{64} << 10;        // Hello is small; strangers get no more
inline constexpr size_t part_bytes_target = size_t{448} << 10;  // parts of pushes and checkpoints are cut near this; each fits a fragment
inline constexpr size_t compress_bytes_min = 256;               // below, zstd's header outweighs its gain
inline constexpr int zstd_level = 1;                            // level 3 was twice as slow and not smaller on rows

// --- flow control ---
inline constexpr size_t send_window_bytes = size_t{1} << 20;      // unsent bytes per connection before a producer pauses
inline constexpr size_t push_window_transactions = 4096;          // sent, verdict not yet covered by a checkpoint
inline constexpr size_t group_commit_transactions = 1024;         // more wait for the next group, so nobody's answer is held up by a flood
inline constexpr size_t group_commit_bytes = size_t{64} << 20;    // of encoded changes in one group
inline constexpr size_t spool_bytes_min = size_t{1} << 20;        // checkpoints and transactions over this go to disk while they arrive
inline constexpr size_t shared_feed_bytes_max = size_t{4} << 20;  // encoded live rows kept for all readers of one step

// --- time ---
inline constexpr int64_t heartbeat_idle = 14 * second;        // a quiet connection proves itself this often (half-open found within 20 s)
inline constexpr int64_t heartbeat_sending = 4 * second;      // the same while something of ours is under way (found within 10 s)
inline constexpr int64_t heartbeat_answer = 5 * second;       // and must be answered within this, or bytes must move
inline constexpr int64_t heartbeat_look = second / 2;         // how often it is looked whether they do
inline constexpr int64_t handshake_timeout = 10 * second;     // connect, upgrade and Welcome together
inline constexpr int64_t connect_timeout = 4 * second;        // of these a TCP connection: with the longest pause, recovery within 10 s
inline constexpr int64_t restart_attempt_after = second / 2;  // an attempt this old is made anew when a way opens: its packets went nowhere
inline constexpr int64_t network_settle = second / 20;        // changes of links come in bursts
inline constexpr int64_t retry_after_max = 600 * second;      // a hub may ask for no more
inline constexpr int64_t proof_age_max = 30 * second;         // `live` needs proof from the hub younger than this
inline constexpr int64_t backoff_first = 250 * millisecond;   // doubled per failure, half fixed, half random
inline constexpr int64_t backoff_max_silent = 8 * second;     // while nothing answers; keeps recovery within 10 s
inline constexpr int64_t backoff_max_refused = 25 * second;   // while the hub's host answers but the hub does not
inline constexpr int64_t busy_timeout = 10 * second;          // a local write waits this long for an apply
inline constexpr int64_t commit_poll = 20 * millisecond;      // how soon the session sees another process's commit
inline constexpr int64_t retention_default = 90 * day;        // tombstones and overwritten values on the hub
inline constexpr int64_t keep_acknowledged_default = 7 * day;
inline constexpr uint64_t verdicts_kept = 4096;  // newest verdicts a device remembers for receipts; older ones count as accepted
inline constexpr size_t keep_acknowledged_bytes = size_t{16} << 20;

}  // namespace tombolo::limits
