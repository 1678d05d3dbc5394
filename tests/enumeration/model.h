// An abstract hub and its devices, small enough to walk every history: arrays for storage, no SQLite, no wire, plain data that is
// copied whole. What becomes of a write is not modelled: hub and devices run the product's merge and rebase.
//
// A history is a list of events. Every event checks what must hold then (truth.h) and throws Violation where it does not.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "merge/merge.h"

namespace tombolo::enumeration {

constexpr int devices_max = 3;
constexpr int rows_max = 2;
constexpr int columns = 2;      // beside the key
constexpr int writes_max = 8;   // of one device, retries included; numbers start at 1
constexpr int changes_max = 2;  // of one transaction
constexpr int candidates_max = 6;
constexpr int commits_max = 32;
constexpr HubTime ticks_per_event = 10;

struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Protocol rules outside merge that can be left out, to show that the checks notice (reference: docs/internals/merge.md).
struct Repairs {
    bool verdicts_in_checkpoint = true;   // 1: a checkpoint carries this site's verdicts; else answers bring them, and may be lost
    bool seen_is_frozen = true;           // 3: rebase never moves `seen`
    bool touched_rows_are_sent = true;    // 7: rows a losing write touched are in the feed
    bool effective_stamps = true;         // 8: not the raw time
    bool verdict_brings_stamp = true;     // 9: the device knows its own last effective stamp
    bool tombstones_keep_marks = true;    // 10
    bool dependence = true;               // 11: transactions carry the numbers they depend on
    bool dependence_on_parents = true;    // 11, of a row that refers to another
    bool dependence_by_existence = true;  // 12, 13: not every pending write of a row, only what changed its existence and is shown
    bool retired_numbers_stay = true;     // 14: a retried number stays refused
    bool over_own_delete = true;          // 15: an insert over an own pending delete says so
    bool companions_are_kept = true;      // 19: the device keeps death seqs that a row with pending writes shares
    bool retry_keeps_stamp = true;        // 20, 21: a retry is judged by the stamp recorded with its rejection
};

struct Settings {
    int devices = 2;
    int rows = 1;
    ColumnPolicy policy = ColumnPolicy::lww;
    DeleteMode delete_mode = DeleteMode::update_wins;
    InsertMode insert_mode = InsertMode::reject;
    bool whole_rows = false;
    bool references = false;                        // the second row refers to the first: it cannot be without it
    std::array<bool, rows_max> filled{true, true};  // rows that everybody has at the start
    std::array<int, devices_max> clock_error{};     // ticks
    Repairs repairs;
};

// What never changes during a history. States point into nothing, so one World serves them all.
class World {
public:
    explicit World(const Settings& settings);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    const Settings settings;
    Table table;  // t(k PRIMARY KEY, a, b)
    // Answers for `sql`: the greater of the two for a, nothing for b.
    Expressions& expressions() const;
    std::array<std::string, rows_max> keys;
    int row_of(std::string_view key) const;
};

struct Open {  // an open conflict at the hub
    uint32_t column = 0;
    int64_t value = 0;
    SiteNumber site;
    uint64_t seq = 0;
    uint64_t number = 0;
    HubTime stamp = 0;
};

struct Row {  // RowState as plain data; values are integers
    Existence existence = Existence::unknown;
    bool moved = false;
    bool reborn = false;
    bool split = false;
    std::array<int64_t, columns> values{};
    LifeMark birth, death;
    HubTime birth_stamp = 0;
    WriteMark touch;
    std::array<WriteMark, columns> cells{};
    uint8_t open_count = 0;
    std::array<Open, candidates_max> open{};
};

struct Change {
    ChangeKind kind = ChangeKind::update;
    uint8_t row = 0;
    uint8_t column = 0;  // update only
    bool over_own_delete = false;
    std::array<int64_t, columns> base{}, values{};  // update: those of `column`; with whole_rows all, as they were shown
};

struct Entry {           // one transaction
    uint8_t number = 0;  // 0: none
    uint8_t change_count = 0;
    bool retry = false;
    bool forbidden = false;  // the hub refuses it until it is allowed
    bool expected = false;   // hidden: would be refused
    uint16_t depends = 0;    // bit n: number n
    uint8_t parent_by = 0;   // number of the own pending transaction that made the parent of the row inserted here; 0: none
    std::array<Change, changes_max> changes{};
    uint64_t seen = 0;
    HubTime seen_time = 0;
    HubTime written_at = 0;
    HubTime stamp = 0;  // retry only
};

struct Shown {  // a row as the application sees it
    bool exists = false;
    std::array<int64_t, columns> values{};
    bool operator==(const Shown&) const = default;
};

struct Answer {        // a verdict at the hub
    uint64_t seq = 0;  // 0: none yet
    HubTime stamp = 0;
    bool refused = false;
    RejectCode code = RejectCode::none;
};

// Who wrote, told apart by site and place in the total order.
struct Author {
    uint8_t site = 0;
    uint64_t seq = 0;
};

// A write that no accepted write had seen: policy `manual` has to keep it, stored or as a candidate.
struct Unseen {
    Author author;
    HubTime stamp = 0;
    int64_t value = 0;
};

// A row's past in full, against which the hub's compact marks are checked after every commit.
struct Past {
    Author birth, death;
    bool alive = false;
    bool earlier_life = false;
    bool moved = false;  // it died in a transaction that inserted
    uint8_t touch_count = 0;
    std::array<Author, commits_max> touches{};  // accepted inserts and updates of this life
    std::array<Author, columns> writer{};       // whose value is stored
    std::array<Stamp, columns> best{};          // the greatest stamp written in this life, and its value
    std::array<int64_t, columns> best_value{};
    std::array<int64_t, columns> sum{};                // counter: the inserted value and every accepted increment
    std::array<int64_t, columns> greatest{}, least{};  // max, sql of a; min
    std::array<int64_t, columns> added{}, removed{};   // set, json, text: elements, as bits
    std::array<std::array<Unseen, candidates_max + 1>, columns> unseen{};
    std::array<uint8_t, columns> unseen_count{};
    // Not carried out, and nobody who knew decided; under delete = "manual", and of a transaction that inserted too.
    std::array<Author, candidates_max> deletions{};
    uint8_t deletion_count = 0;
    bool retried = false;  // a retry wrote here: conflicts may be opened needlessly, but none may be missing
};

struct Hub {
    uint64_t head = 0;
    std::array<HubTime, commits_max> time_of{};  // commit times by seq
    std::array<Row, rows_max> rows;
    std::array<uint64_t, rows_max> changed{};  // newest seq that changed or touched the row
    std::array<std::array<Answer, writes_max + 1>, devices_max> answers{};
    std::array<HubTime, devices_max> last_stamp{};
    std::array<Past, rows_max> past;
    bool allowed = false;  // forbidden transactions are let in
};

struct Device {
    uint64_t cursor = 0;
    HubTime last_own = 0;
    uint8_t last_number = 0;
    uint8_t sent = 0;  // newest number sent over this connection
    uint8_t pending_count = 0;
    uint8_t rejected_count = 0;
    uint16_t retired = 0;
    std::array<Entry, writes_max> pending{};  // in order of number
    std::array<Entry, writes_max> rejected{};
    std::array<Row, rows_max> under;
    std::array<Shown, rows_max> shown;
    std::array<uint8_t, rows_max> existence_changed_by{};
};

struct State {
    HubTime now = 0;
    int writes = 0;  // local writes so far, so that each has values of its own
    Hub hub;
    std::array<Device, devices_max> devices;
};

// The rows that are filled, known to all.
State start(const World& world);

// --- events; each moves the time on ---

// The application's choices for one row, as far as they make sense there.
enum class Write : uint8_t { update_a, update_b, erase, insert, insert_common };
bool makes_sense(const World& world, const State& state, int device, int row, Write write);
// With these writes to the two rows, in one transaction, the device's own schema is content.
bool keeps_references(const World& world, const State& state, int device, std::optional<Write> of_first, std::optional<Write> of_second);
Change change_for(const World& world, const State& state, int device, int row, Write write);

// A local transaction.
void write(const World& world, State& state, int device, const std::vector<Change>& changes, bool forbidden = false);
inline void write(const World& world, State& state, int device, int row, Write kind) {
    write(world, state, device, {change_for(world, state, device, row, kind)});
}
bool can_push(const State& state, int device);
void push(const World& world, State& state, int device);  // the next transaction; the answer changes nothing on the device
void cut(State& state, int device);                       // the connection is lost: everything pending is sent again
void pull(const World& world, State& state, int device);  // one checkpoint, to the head
void retry(const World& world, State& state, int device, int number);

// Pushes and pulls until nothing moves, then checks that everybody agrees.
void drain(const World& world, State& state);

std::string show(const World& world, const State& state);

}  // namespace tombolo::enumeration
