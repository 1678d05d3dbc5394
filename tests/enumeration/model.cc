#include "tests/enumeration/model.h"

#include <algorithm>
#include <optional>

#include "merge/overlay.h"
#include "merge/rebase.h"
#include "model/record.h"
#include "tests/enumeration/adapter.h"
#include "tests/enumeration/truth.h"

namespace tombolo::enumeration {

namespace {

constexpr int parent = 0, child = 1;  // rows, with Settings::references
constexpr uint64_t base_seq = 1;
constexpr uint64_t base_site = 9;

size_t at(int index) { return static_cast<size_t>(index); }
uint16_t bit(int number) { return static_cast<uint16_t>(1U << number); }
bool has(uint16_t set, int number) { return (set & bit(number)) != 0; }
SiteNumber site_of(int device) { return {static_cast<uint64_t>(device) + 1}; }
std::string name_of(int device) { return std::string(1, static_cast<char>('A' + device)); }

bool names(const Entry& entry, int row) {
    return std::any_of(entry.changes.begin(), entry.changes.begin() + entry.change_count, [row](const Change& c) { return c.row == row; });
}

bool is_named(const Device& d, int row) {
    const auto named = [row](const Entry& e) { return names(e, row); };
    return std::any_of(d.pending.begin(), d.pending.begin() + d.pending_count, named) ||
           std::any_of(d.rejected.begin(), d.rejected.begin() + d.rejected_count, named);
}

void remove(std::array<Entry, writes_max>& list, uint8_t& count, int number) {
    const auto end = std::remove_if(list.begin(), list.begin() + count, [number](const Entry& e) { return e.number == number; });
    count = static_cast<uint8_t>(end - list.begin());
}

const Entry* find(const std::array<Entry, writes_max>& list, int count, int number) {
    const auto end = list.begin() + count;
    const auto found = std::find_if(list.begin(), end, [number](const Entry& e) { return e.number == number; });
    return found == end ? nullptr : &*found;
}

// --- the hub ---

bool refused(const Answer& answer) { return answer.seq != 0 && answer.refused; }

HubTime stamp_at_hub(const World& world, const Hub& hub, int device, const Entry& entry, HubTime now) {
    if (entry.retry && world.settings.repairs.retry_keeps_stamp) return entry.stamp;
    if (!world.settings.repairs.effective_stamps) return entry.written_at;
    return merge::effective_stamp(entry.written_at, hub.time_of[entry.seen], now, hub.last_stamp[at(device)]);
}

// The schema's one constraint. `alive`: of a row, by index; `wrote_child`: the transaction did.
template <typename Alive>
merge::Outcome check_references(const World& world, bool wrote_child, Alive alive) {
    if (!world.settings.references || !alive(child) || alive(parent)) return {};
    return {VerdictKind::rejected, wrote_child ? RejectCode::foreign_key : RejectCode::parent_protected, "a row without its parent"};
}

merge::Outcome decide(const World& world, Hub& hub, int device, const Entry& entry, HubTime stamp) {
    for (int number = 1; number <= writes_max; ++number) {
        if (has(entry.depends, number) && refused(hub.answers[at(device)][at(number)])) {
            return {VerdictKind::rejected, RejectCode::depends, "needs a refused one"};
        }
    }
    if (entry.forbidden && !hub.allowed) return {VerdictKind::rejected, RejectCode::permission, "not allowed"};
    HubRows rows(world, hub.rows);
    EntryChanges changes(world, entry);
    const std::array<Row, rows_max> before = hub.rows;
    const merge::Writer writer{.site = site_of(device),
                               .seen = {entry.seen},
                               .seq = {hub.head},
                               .stamp = stamp,
                               .retry = entry.retry && world.settings.repairs.retry_keeps_stamp,
                               .number = {entry.number}};
    merge::Outcome outcome = merge::merge_transaction(rows, changes, writer, nullptr, &world.expressions());
    if (!outcome.rejected()) {
        outcome =
            check_references(world, (rows.written >> child & 1U) != 0, [&](int row) { return hub.rows[at(row)].existence == Existence::alive; });
    }
    if (outcome.rejected()) hub.rows = before;
    if (!outcome.rejected() && entry.parent_by != 0 && refused(hub.answers[at(device)][entry.parent_by]))
        throw Violation("a row was accepted that refers to one its author made and was refused");
    check_commit(world, hub, before, device, entry, stamp, outcome);
    for (int r = 0; r < world.settings.rows && !outcome.rejected(); ++r) {
        const bool moved = before[at(r)].values != hub.rows[at(r)].values || before[at(r)].existence != hub.rows[at(r)].existence;
        if (world.settings.repairs.touched_rows_are_sent ? (rows.written >> r & 1U) != 0 : moved) hub.changed[at(r)] = hub.head;
    }
    return outcome;
}

void commit(const World& world, Hub& hub, int device, const Entry& entry, HubTime now) {
    Answer& answer = hub.answers[at(device)][entry.number];
    if (answer.seq != 0) return;  // a retry of what was committed has no second effect
    now = std::max(now, hub.time_of[hub.head] + 1);
    ++hub.head;
    hub.time_of[hub.head] = now;
    const HubTime stamp = stamp_at_hub(world, hub, device, entry, now);
    hub.last_stamp[at(device)] = std::max(hub.last_stamp[at(device)], stamp);
    const merge::Outcome outcome = decide(world, hub, device, entry, stamp);
    answer = {hub.head, stamp, outcome.rejected(), outcome.code};
}

// --- a device ---

Shown shown(const RowState& row) {
    Shown out;
    out.exists = row.existence == Existence::alive;
    for (size_t c = 0; out.exists && c < columns; ++c)
        out.values[c] = to_number(row.values[c + 1]);
    return out;
}

merge::Ground ground_of(const World& world, const Device& d) {
    merge::Ground ground;
    ground.load = [&](const Table&, std::string_view key, RowState& state) {
        const int row = world.row_of(key);
        to_row_state(world, row, d.under[at(row)], state);
        return state.existence;
    };
    ground.dead_by = [&](Seq death) {
        std::vector<merge::RowName> names_of;
        for (int r = 0; r < world.settings.rows; ++r) {
            const Row& row = d.under[at(r)];
            if (row.existence == Existence::dead && row.death.seq == death) names_of.push_back({&world.table, world.keys[at(r)]});
        }
        return names_of;
    };
    return ground;
}

TransactionHeader header_of(const Entry& entry) {
    TransactionHeader header;
    header.number.value = entry.number;
    header.seen.seq.value = entry.seen;
    header.written_at = entry.written_at;
    header.retry = entry.retry;
    header.stamp = entry.stamp;
    for (int number = 1; number <= writes_max; ++number) {
        if (has(entry.depends, number)) header.depends.push_back({static_cast<uint64_t>(number)});
    }
    return header;
}

// What the device shows: `under` with its pending transactions on top.
void rebase(const World& world, State& state, int device) {
    Device& d = state.devices[at(device)];
    merge::Overlay overlay(ground_of(world, d));
    std::array<TransactionHeader, writes_max> headers;
    std::array<EntryChanges, writes_max> changes;
    std::vector<merge::Pending> pending;
    pending.reserve(d.pending_count);
    for (size_t i = 0; i < d.pending_count; ++i) {
        if (!world.settings.repairs.seen_is_frozen) d.pending[i].seen = d.cursor;
        headers[i] = header_of(d.pending[i]);
        changes[i].reset(world, d.pending[i]);
        pending.push_back({&headers[i], &changes[i], {d.pending[i].seen}, d.pending[i].seen_time});
    }
    const auto is_refused = [&d](TransactionNumber n) {
        const int number = static_cast<int>(n.value);
        return has(d.retired, number) || find(d.rejected, d.rejected_count, number) != nullptr;
    };
    const auto judge = [&](const merge::Pending&, const merge::Overlay& predicted) {
        const auto alive = [&](int row) {
            const merge::Overlay::Entry* known = predicted.find_entry(world.table, world.keys[at(row)]);
            return (known != nullptr ? known->state().existence : d.under[at(row)].existence) == Existence::alive;
        };
        return check_references(world, true, alive);
    };
    const auto predictions = merge::rebase(overlay, pending,
                                           {.site = site_of(device),
                                            .hub_now = state.now,
                                            .last_own = d.last_own,
                                            .is_refused = is_refused,
                                            .judge = judge,
                                            .expressions = &world.expressions()});
    for (size_t i = 0; i < predictions.size(); ++i)
        d.pending[i].expected = !predictions[i].shown();

    RowState row;
    d.existence_changed_by.fill(0);
    for (int r = 0; r < world.settings.rows; ++r) {
        overlay.find(world.table, world.keys[at(r)], row);
        d.shown[at(r)] = shown(row);
        d.existence_changed_by[at(r)] = static_cast<uint8_t>(overlay.find_entry(world.table, world.keys[at(r)])->existence_changed_by.value);
    }
}

// What a device knows of the hub's row: all but its open conflicts.
Row as_sent(const Row& row) {
    Row sent = row;
    sent.open_count = 0;
    return sent;
}

// At rest nothing is kept: marks that are absent count as seen, a row that is gone is not known at all.
void forget(const World& world, Device& d) {
    std::array<bool, rows_max> keep{};
    for (int r = 0; r < world.settings.rows; ++r)
        keep[at(r)] = is_named(d, r);
    const auto named = keep;
    for (int r = 0; r < world.settings.rows; ++r) {
        const Row& row = d.under[at(r)];
        for (int n = 0; n < world.settings.rows && world.settings.repairs.companions_are_kept; ++n) {
            const Row& other = d.under[at(n)];
            if (named[at(n)] && row.existence == Existence::dead && other.existence == Existence::dead && row.death == other.death)
                keep[at(r)] = true;
        }
    }
    for (int r = 0; r < world.settings.rows; ++r) {
        if (keep[at(r)]) continue;
        Row bare;
        bare.existence = d.under[at(r)].existence == Existence::alive ? Existence::alive : Existence::unknown;
        if (bare.existence == Existence::alive) bare.values = d.under[at(r)].values;
        d.under[at(r)] = bare;
    }
}

void leave_outbox(Device& d, const Entry& entry, const Answer& answer, bool brings_stamp) {
    if (brings_stamp) d.last_own = std::max(d.last_own, answer.stamp);
    if (answer.refused) d.rejected[d.rejected_count++] = entry;
    remove(d.pending, d.pending_count, Entry(entry).number);
}

// Whenever the cursor is at the head, what the device shows is what the hub would decide.
void check_prediction(const World& world, const State& state, int device) {
    const Device& d = state.devices[at(device)];
    if (world.settings.references && d.shown[child].exists && !d.shown[parent].exists)
        throw Violation(name_of(device) + " shows a row without its parent");
    if (d.cursor != state.hub.head) return;
    Hub hub = state.hub;
    hub.allowed = true;  // permission is nothing a device can predict
    for (size_t i = 0; i < d.pending_count; ++i)
        commit(world, hub, device, d.pending[i], state.now);
    for (int r = 0; r < world.settings.rows; ++r) {
        Shown right;
        right.exists = hub.rows[at(r)].existence == Existence::alive;
        if (right.exists) right.values = hub.rows[at(r)].values;
        if (right == d.shown[at(r)]) continue;
        throw Violation(name_of(device) + " does not show of row " + static_cast<char>('p' + r) + " what the hub would decide");
    }
}

void check_predictions(const World& world, const State& state) {
    for (int d = 0; d < world.settings.devices; ++d)
        check_prediction(world, state, d);
}

// --- capture ---

// The newest own pending transaction that is shown and names the row deletes it: the image it deleted.
const Change* own_delete(const Device& d, int row) {
    for (int i = d.pending_count - 1; i >= 0; --i) {
        const Entry& entry = d.pending[at(i)];
        if (entry.expected || !names(entry, row)) continue;
        for (int c = 0; c < entry.change_count; ++c) {
            const Change& change = entry.changes[at(c)];
            if (change.row == row) return change.kind == ChangeKind::erase ? &change : nullptr;
        }
    }
    return nullptr;
}

bool inserts(const Entry& entry, int row) {
    return std::any_of(entry.changes.begin(), entry.changes.begin() + entry.change_count,
                       [row](const Change& c) { return c.row == row && c.kind == ChangeKind::insert; });
}

uint16_t dependence(const World& world, const Device& d, const Entry& entry) {
    uint16_t needs = 0;
    if (!world.settings.repairs.dependence) return needs;
    for (int c = 0; c < entry.change_count; ++c) {
        const int row = entry.changes[at(c)].row;
        for (size_t i = 0; i < d.pending_count; ++i) {
            const Entry& other = d.pending[i];
            const bool made = d.existence_changed_by[at(row)] == other.number && !other.expected;
            const bool wrote = names(other, row);
            if (world.settings.repairs.dependence_by_existence ? made : wrote) needs |= bit(other.number);
        }
    }
    if (entry.parent_by != 0 && world.settings.repairs.dependence_on_parents) needs |= bit(entry.parent_by);
    return needs;
}

void show_change(Device& d, const Change& change) {
    Shown& row = d.shown[change.row];
    switch (change.kind) {
        case ChangeKind::insert: row = {true, change.values}; break;
        case ChangeKind::update: row.values[change.column] = change.values[change.column]; break;  // the others are as shown
        case ChangeKind::erase: row = {}; break;
    }
}

// A value that no other write of the history has: for counters an increment, for sets and the like a new element, for the rest ever
// greater, or smaller.
int64_t fresh(const World& world, const State& state, int64_t base, size_t column) {
    if (world.settings.policy == ColumnPolicy::counter) return base + (int64_t{1} << (2 * state.writes));
    const auto new_element = int64_t{1} << (2 + 2 * state.writes + static_cast<int>(column));
    // In b the least is removed, too; not of a text, where who replaces the same line twice means one line.
    if (is_taken_apart(world) && (column == 0 || world.settings.policy == ColumnPolicy::text)) return base | new_element;
    if (is_taken_apart(world)) return (base & (base - 1)) | new_element;
    const int64_t greater = 100 * (state.writes + 1) + static_cast<int64_t>(column);
    return world.settings.policy == ColumnPolicy::min ? -greater : greater;
}

class GreaterOfA final : public Expressions {
public:
    std::optional<Value> evaluate(const Clash& clash) override {
        if (clash.column != 1) return std::nullopt;
        return Value(std::max(clash.mine[1].as_integer(), clash.theirs[1].as_integer()));
    }
};

}  // namespace

World::World(const Settings& chosen) : settings(chosen) {
    table.name = "t";
    table.columns = {{"k", "", ColumnPolicy::lww}, {"a", "", chosen.policy}, {"b", "", chosen.policy}};
    table.key = {0};
    table.delete_mode = chosen.delete_mode;
    table.insert_mode = chosen.insert_mode;
    table.whole_rows = chosen.whole_rows;
    for (size_t r = 0; r < rows_max; ++r)
        keys[r] = encode_record(tombolo::Row{Value(static_cast<int64_t>(r))});
}

Expressions& World::expressions() const {
    static GreaterOfA answers;
    return answers;
}

int World::row_of(std::string_view key) const { return key == keys[0] ? 0 : 1; }

State start(const World& world) {
    State state;
    state.now = ticks_per_event;
    Hub& hub = state.hub;
    hub.head = base_seq;
    hub.time_of[base_seq] = 1;
    for (int r = 0; r < world.settings.rows; ++r) {
        if (!world.settings.filled[at(r)]) continue;
        Row& row = hub.rows[at(r)];
        row.existence = Existence::alive;
        row.values = {1, 2};
        row.birth = {{base_site}, {base_seq}};
        row.birth_stamp = 1;
        row.touch = {{base_site}, {base_seq}, {}, 1};
        hub.changed[at(r)] = base_seq;
        Past& past = hub.past[at(r)];
        past.birth = {base_site, base_seq};
        past.alive = true;
        past.touches[past.touch_count++] = past.birth;
        past.writer.fill(past.birth);
        past.best.fill({1, {base_site}});
        past.best_value = past.sum = past.greatest = past.least = past.added = row.values;
        for (size_t c = 0; c < columns; ++c)
            past.unseen[c][past.unseen_count[c]++] = {past.birth, 1, row.values[c]};
    }
    for (int i = 0; i < world.settings.devices; ++i) {
        Device& d = state.devices[at(i)];
        d.cursor = base_seq;
        d.under = hub.rows;
        forget(world, d);
        rebase(world, state, i);
    }
    return state;
}

bool makes_sense(const World& world, const State& state, int device, int row, Write write) {
    const bool exists = state.devices[at(device)].shown[at(row)].exists;
    switch (write) {
        case Write::update_a:
        case Write::update_b:
        case Write::erase: return exists;
        case Write::insert: return !exists;
        case Write::insert_common:
            // max is for rising values; of two equal values it cannot be told which is waiting (manual), or was removed (set)
            return !exists && (world.settings.policy <= ColumnPolicy::device || world.settings.policy == ColumnPolicy::counter);
    }
    return false;
}

bool keeps_references(const World& world, const State& state, int device, std::optional<Write> of_first, std::optional<Write> of_second) {
    if (!world.settings.references) return true;
    const Device& d = state.devices[at(device)];
    const auto alive = [&](int row, const std::optional<Write>& write) { return write ? *write != Write::erase : d.shown[at(row)].exists; };
    return alive(parent, of_first) || !alive(child, of_second);
}

Change change_for(const World& world, const State& state, int device, int row, Write write) {
    const Device& d = state.devices[at(device)];
    const std::array<int64_t, columns> values = d.shown[at(row)].values;
    Change change;
    change.row = static_cast<uint8_t>(row);
    if (write == Write::update_a || write == Write::update_b) {
        change.column = write == Write::update_a ? 0 : 1;
        if (world.settings.whole_rows) change.base = change.values = values;
        change.base[change.column] = values[change.column];
        change.values[change.column] = fresh(world, state, values[change.column], change.column);
    } else if (write == Write::erase) {
        change.kind = ChangeKind::erase;
        change.base = values;
    } else {
        change.kind = ChangeKind::insert;
        const Change* erased = own_delete(d, row);
        if (erased != nullptr && world.settings.repairs.over_own_delete) {
            change.over_own_delete = true;
            change.base = erased->base;
        }
        for (size_t c = 0; c < columns; ++c)
            change.values[c] = write == Write::insert ? fresh(world, state, 0, c) : 7;
    }
    return change;
}

void write(const World& world, State& state, int device, const std::vector<Change>& changes, bool forbidden) {
    state.now += ticks_per_event;
    ++state.writes;
    Device& d = state.devices[at(device)];
    Entry entry;
    entry.number = ++d.last_number;
    entry.change_count = static_cast<uint8_t>(changes.size());
    std::copy(changes.begin(), changes.end(), entry.changes.begin());
    entry.forbidden = forbidden;
    entry.seen = d.cursor;
    entry.seen_time = state.hub.time_of[d.cursor];
    entry.written_at = state.now + world.settings.clock_error[at(device)];
    if (world.settings.references && inserts(entry, child) && !names(entry, parent)) entry.parent_by = d.existence_changed_by[parent];
    entry.depends = dependence(world, d, entry);
    d.pending[d.pending_count++] = entry;
    for (const Change& change : changes)
        show_change(d, change);
    const std::array<Shown, rows_max> written = d.shown;
    rebase(world, state, device);
    if (d.shown != written) throw Violation("a local write of " + name_of(device) + " is not shown as it was written");
    check_prediction(world, state, device);
}

bool can_push(const State& state, int device) {
    const Device& d = state.devices[at(device)];
    return d.pending_count > 0 && d.pending[at(d.pending_count - 1)].number > d.sent;
}

void push(const World& world, State& state, int device) {
    state.now += ticks_per_event;
    Device& d = state.devices[at(device)];
    const auto end = d.pending.begin() + d.pending_count;
    const auto next = std::find_if(d.pending.begin(), end, [&](const Entry& e) { return e.number > d.sent; });
    if (next == end) return;
    commit(world, state.hub, device, *next, state.now);
    d.sent = next->number;
    check_predictions(world, state);
}

void cut(State& state, int device) {
    Device& d = state.devices[at(device)];
    if (d.pending_count > 0) d.sent = static_cast<uint8_t>(d.pending[0].number - 1);
}

void pull(const World& world, State& state, int device) {
    state.now += ticks_per_event;
    Device& d = state.devices[at(device)];
    const uint64_t from = d.cursor;
    const Hub& hub = state.hub;
    d.cursor = hub.head;
    const bool brings_stamp = world.settings.repairs.verdict_brings_stamp;
    for (int number = 1; number <= d.last_number; ++number) {
        const Answer& answer = hub.answers[at(device)][at(number)];
        const Entry* entry = find(d.pending, d.pending_count, number);
        const bool told = world.settings.repairs.verdicts_in_checkpoint || number <= d.sent;
        if (entry != nullptr && told && answer.seq != 0 && answer.seq <= d.cursor) leave_outbox(d, Entry(*entry), answer, brings_stamp);
    }
    for (int r = 0; r < world.settings.rows; ++r) {
        if (hub.changed[at(r)] > from) d.under[at(r)] = as_sent(hub.rows[at(r)]);
    }
    rebase(world, state, device);
    forget(world, d);
    check_prediction(world, state, device);
}

void retry(const World& world, State& state, int device, int number) {
    state.now += ticks_per_event;
    Device& d = state.devices[at(device)];
    const Entry* found = find(d.rejected, d.rejected_count, number);
    if (found == nullptr) throw std::logic_error("nothing to retry");
    Entry entry = *found;
    remove(d.rejected, d.rejected_count, number);
    if (world.settings.repairs.retired_numbers_stay) d.retired |= bit(number);
    entry.number = ++d.last_number;
    entry.retry = true;
    entry.stamp = state.hub.answers[at(device)][at(number)].stamp;
    for (size_t i = 0; i < d.rejected_count; ++i) {
        if (has(d.rejected[i].depends, number))
            d.rejected[i].depends = static_cast<uint16_t>((d.rejected[i].depends & ~bit(number)) | bit(entry.number));
    }
    d.pending[d.pending_count++] = entry;
    rebase(world, state, device);
    check_prediction(world, state, device);
}

void drain(const World& world, State& state) {
    for (int d = 0; d < world.settings.devices; ++d) {
        cut(state, d);
        while (can_push(state, d))
            push(world, state, d);
    }
    for (int i = 0; i < world.settings.devices; ++i) {
        pull(world, state, i);
        const Device& d = state.devices[at(i)];
        if (d.pending_count != 0) throw Violation(name_of(i) + "'s outbox does not empty");
        for (int number = 1; number <= d.last_number; ++number) {
            const Answer& answer = state.hub.answers[at(i)][at(number)];
            if (answer.seq == 0) throw Violation(name_of(i) + "/" + std::to_string(number) + " has no verdict");
            const bool listed = find(d.rejected, d.rejected_count, number) != nullptr || has(d.retired, number);
            if (answer.refused != listed)
                throw Violation(name_of(i) + "/" + std::to_string(number) + " was refused and is not listed, or the reverse");
        }
    }
    for (int d = 1; d < world.settings.devices; ++d) {
        if (state.devices[at(d)].shown != state.devices[0].shown) throw Violation("A and " + name_of(d) + " differ at rest");
    }
}

std::string show(const World& world, const State& state) {
    const auto text = [](const Shown& row) {
        return row.exists ? std::to_string(row.values[0]) + "," + std::to_string(row.values[1]) : std::string("-");
    };
    std::string out = "hub";
    for (int r = 0; r < world.settings.rows; ++r) {
        const Row& row = state.hub.rows[at(r)];
        out += " " + text({row.existence == Existence::alive, row.values});
    }
    for (int i = 0; i < world.settings.devices; ++i) {
        const Device& d = state.devices[at(i)];
        out += " | " + name_of(i);
        for (int r = 0; r < world.settings.rows; ++r)
            out += " " + text(d.shown[at(r)]);
        if (d.pending_count > 0) out += " pending " + std::to_string(d.pending_count);
        if (d.rejected_count > 0) out += " rejected " + std::to_string(d.rejected_count);
    }
    return out;
}

}  // namespace tombolo::enumeration
