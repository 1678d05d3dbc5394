#include "hub/conflict_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/limits.h"
#include "model/conflict_table.h"
#include "model/record.h"
#include "tombolo/error.h"

namespace tombolo::hub {

namespace column = conflict_column;

namespace {

// More settled conflicts than these, beyond what a transaction adds, wait for the next commit.
constexpr size_t expired_rows_max = 32;

// FNV-1a. With the seq before it, it tells the conflicts of one transaction apart.
uint64_t hash(std::string_view a, std::string_view b, std::string_view c) {
    uint64_t sum = 0xcbf29ce484222325;
    for (const std::string_view part : {a, b, c}) {
        for (const char byte : part)
            sum = (sum ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
        sum = (sum ^ 0x100) * 0x100000001b3;
    }
    return sum;
}

std::string_view column_name(const Table& table, uint32_t index) {
    return index == Candidate::row_itself ? std::string_view() : std::string_view(table.columns[index].name);
}

// Made of what the hub alone decides, so it is the same on every device, and for a transaction that is sent again.
std::string id_of(const Table& table, std::string_view key, uint32_t index, Seq seq) {
    return fmt::format("{}-{:016x}", seq.value, hash(table.name, key, column_name(table, index)));
}
std::string id_of(const Table& table, std::string_view key, const Candidate& candidate) { return id_of(table, key, candidate.column, candidate.seq); }

// A row goes out in one message. `mine` is nowhere else, and a person who decides can do without what its author had seen.
void fit(std::vector<Value>& values) {
    size_t bytes = 0;
    for (const Value& value : values)
        bytes += value.bytes().size();
    for (const uint32_t expendable : {column::base, column::theirs}) {
        if (bytes <= limits::row_bytes_max) return;
        bytes -= values[expendable].bytes().size();
        values[expendable] = {};
    }
}

// The deleted row of a deletion, a record in a blob, with its columns' names.
Value named(const Table& table, const Value& image) {
    std::vector<ValueView> values;
    if (image.is_null() || !decode_record(image.bytes(), values)) return {};
    return Value::blob(put_named_row(table, std::vector<Value>(values.begin(), values.end())));
}

Value stored_side(const Table& table, const RowState& row, uint32_t column) {
    if (row.existence != Existence::alive) return {};
    if (column == Candidate::row_itself) return Value::blob(put_named_row(table, row.values));
    return column < row.values.size() ? row.values[column] : table.columns[column].default_value;
}

SiteNumber stored_by(const RowState& row, uint32_t column) {
    if (row.existence != Existence::alive) return row.meta.death.site;
    return column == Candidate::row_itself ? row.meta.touch.site : row.meta.cell(column).site;
}

// `theirs`: what was stored before.
std::string_view resolution_of(const ConflictList::Closed& closed, const RowState& row, const Value& theirs) {
    const Candidate& candidate = closed.candidate;
    if (closed.why == merge::Closing::orphaned) return resolution::row_gone;
    if (candidate.column == Candidate::row_itself) return row.existence == Existence::alive ? resolution::theirs : resolution::mine;
    if (row.existence != Existence::alive) return resolution::row_gone;
    const Value now = stored_side(*closed.table, row, candidate.column);
    if (now == candidate.value) return resolution::mine;
    if (now == theirs) return resolution::theirs;
    return now == candidate.base ? resolution::base : resolution::other;
}

}  // namespace

std::vector<std::string> update_schema(store::Store& store, std::string_view sql) {
    return store.update_schema(fmt::format("{}\n;\n{}", sql, conflict_table_sql));
}

ConflictList::ConflictList(store::Store& store, const Commit& commit)
    : store_(store), table_(store.schema().find(conflict_table_name)), commit_(commit) {}

void ConflictList::opened(const Table&, std::string_view, const Candidate&) {}  // row_written lists it

void ConflictList::closed(const Table& table, std::string_view key, const Candidate& candidate, merge::Closing why) {
    closed_.push_back({&table, std::string(key), candidate, why});
}

// Under an id that no other row has: this commit's.
void ConflictList::put_aside(const Table& table, std::string_view key, const merge::PutAside& aside) {
    if (table_ == nullptr || &table == table_) return;
    std::vector<Value> values(column::count);
    values[column::id] = id_of(table, key, aside.column, commit_.seq);
    values[column::table_name] = table.name;
    values[column::row_key] = Value::blob(std::string(key));
    values[column::column_name] = table.columns[aside.column].name;
    values[column::base] = Value(aside.base);
    values[column::mine] = Value(aside.value);
    values[column::theirs] = Value(aside.stored);
    values[column::mine_site] = site_name(aside.site);
    values[column::mine_at] = aside.stamp;
    values[column::theirs_site] = values[column::resolved_by] = site_name(aside.stored_site);
    values[column::opened_at] = values[column::resolved_at] = commit_.now;
    values[column::resolution] = resolution::overwritten;
    fit(values);
    const std::string row_key = encode_record(Row{values[column::id]});
    store_.write(*table_, row_key, Existence::unknown, state_of(std::move(values)));
    ++settled_;
}

void ConflictList::met(const Table& table, std::string_view key, const merge::Meeting& meeting) {
    if (&table == table_) return;
    ++notes_in_all_;
    const std::string_view name = column_name(table, meeting.column);
    if (notes_.size() >= limits::verdict_cells_max || table.name.size() + key.size() + name.size() > limits::verdict_cell_bytes_max) return;
    CellNote note;
    note.table = table.name;
    note.key = put_named_key(table, key);
    note.column = name;
    note.other = store_.site_id(meeting.other).value_or(SiteId{});
    note.fate = meeting.fate;
    if (meeting.fate == CellFate::waits) note.conflict = id_of(table, key, meeting.column, meeting.candidate);
    notes_.push_back(std::move(note));
}

void ConflictList::give_notes(Verdict& verdict) {
    verdict.cells = std::move(notes_);
    verdict.cells_in_all = notes_in_all_;
}

void ConflictList::row_written(const Table& table, std::string_view key, const RowState& row) {
    if (table_ == nullptr) return;
    for (const Candidate& candidate : row.candidates)
        list(table, key, row, candidate);
    std::erase_if(closed_, [&](const Closed& closed) {
        const bool here = closed.table == &table && closed.key == key;
        if (here) settle(row, closed);
        return here;
    });
}

void ConflictList::list(const Table& table, std::string_view key, const RowState& row, const Candidate& candidate) {
    const std::string id = id_of(table, key, candidate);
    const bool about_row = candidate.column == Candidate::row_itself;
    RowState listed;
    std::vector<Value> values;
    if (find(id, listed)) {
        if (!listed.values[column::resolved_at].is_null()) return;  // dismissed
        values = listed.values;
    } else {
        values.resize(column::count);
        values[column::id] = id;
        values[column::table_name] = table.name;
        values[column::row_key] = Value::blob(std::string(key));
        if (!about_row) values[column::column_name] = table.columns[candidate.column].name;
        values[column::base] = about_row ? named(table, candidate.base) : candidate.base;
        values[column::mine] = candidate.value;
        values[column::mine_site] = site_name(candidate.site);
        values[column::mine_at] = candidate.stamp != 0 ? candidate.stamp : commit_.now;
        values[column::opened_at] = commit_.now;
    }
    values[column::theirs] = stored_side(table, row, candidate.column);
    values[column::theirs_site] = site_name(stored_by(row, candidate.column));
    write(id, std::move(values));
}

void ConflictList::settle(const RowState& row, const Closed& closed) {
    const std::string id = id_of(*closed.table, closed.key, closed.candidate);
    if (closed.why == merge::Closing::folded) return remove(id);
    RowState listed;
    if (!find(id, listed) || !listed.values[column::resolved_at].is_null()) return;
    std::vector<Value> values = listed.values;
    values[column::resolution] = resolution_of(closed, row, listed.values[column::theirs]);
    values[column::resolved_by] = to_hex(commit_.author.view());
    values[column::resolved_at] = commit_.now;
    write(id, std::move(values));
}

void ConflictList::expire(HubTime time) {
    if (table_ == nullptr) return;
    for (const std::string& key : store_.find_up_to(*table_, column::resolved_at, time, expired_rows_max + 2 * settled_)) {
        std::vector<ValueView> id;
        if (decode_record(key, id)) remove(std::string(id[0].bytes()));
    }
}

std::string ConflictList::site_name(SiteNumber site) {
    const auto id = store_.site_id(site);
    return id ? to_hex(id->view()) : std::string();
}

// --- rows of the list: the hub is their writer, site 0 ---

bool ConflictList::find(const std::string& id, RowState& row) { return store_.find(*table_, encode_record(Row{id}), row) == Existence::alive; }

void ConflictList::write(const std::string& id, std::vector<Value> values) {
    fit(values);
    const std::string key = encode_record(Row{id});
    RowState row;
    const Existence before = store_.find(*table_, key, row);
    if (before == Existence::alive && row.values == values) return;
    store_.write(*table_, key, before, state_of(std::move(values)));
}

RowState ConflictList::state_of(std::vector<Value> values) const {
    RowState state;
    state.existence = Existence::alive;
    state.values = std::move(values);
    state.meta.birth = {SiteNumber{}, commit_.seq};
    state.meta.birth_stamp = commit_.now;
    state.meta.touch = {SiteNumber{}, commit_.seq, Seq{}, commit_.now};
    return state;
}

void ConflictList::remove(const std::string& id) {
    RowState row;
    if (!find(id, row)) return;
    row.existence = Existence::dead;
    row.meta.death = {SiteNumber{}, commit_.seq};
    store_.write(*table_, encode_record(Row{id}), Existence::alive, row);
}

void require_dismissal(const ChangeView& change) {
    const auto allowed = [](const CellView& cell) { return may_dismiss(cell.column, cell.value); };
    if (change.kind == ChangeKind::update && std::all_of(change.cells.begin(), change.cells.end(), allowed)) return;
    throw Error(ErrorCode::usage, fmt::format("the table {} is written by the hub alone", conflict_table_name),
                "settle a conflict by writing the cell, or with resolve");
}

}  // namespace tombolo::hub
