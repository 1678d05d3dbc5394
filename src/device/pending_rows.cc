#include "device/pending_rows.h"

#include <algorithm>

#include "base/assert.h"
#include "base/coding.h"
#include "device/net_changes.h"
#include "model/record.h"
#include "model/whole_change.h"

namespace tombolo::device {

std::string row_name(const Schema& schema, const Table& table, std::string_view key) { return name_row(table_id_of(schema, table), key); }

const Table& table_of(const Schema& schema, std::string_view row_name) {
    Reader in(row_name);
    const uint64_t id = in.varint();
    TOMBOLO_ASSERT(id >= 1 && id <= schema.tables.size());
    return schema.tables[id - 1];
}

std::string_view key_in(std::string_view row_name) {
    Reader in(row_name);
    in.varint();
    return in.rest();
}

void PendingIndex::follow(const std::vector<Entry>& entries, const Schema& schema, Outbox& outbox) {
    try {
        auto entry = entries.begin();
        for (auto known = known_.begin(); known != known_.end();) {
            while (entry != entries.end() && entry->header.number < known->first)
                ++entry;
            if (entry != entries.end() && entry->header.number == known->first && entry->header.id == known->second.id) {
                ++known;
                continue;
            }
            forget(known->first, known->second);
            known = known_.erase(known);
        }
        for (const Entry& one : entries) {
            if (known_.count(one.header.number) == 0) read(one, schema, outbox);
        }
    } catch (...) {
        clear();  // an entry half read
        throw;
    }
}

void PendingIndex::clear() {
    writers_.clear();
    edited_.clear();
    known_.clear();
}

void PendingIndex::forget(TransactionNumber number, const Known& known) {
    for (const std::string& row : known.rows) {
        const auto writers = writers_.find(row);
        auto& numbers = writers->second;
        numbers.erase(std::find(numbers.begin(), numbers.end(), number));
        if (numbers.empty()) writers_.erase(writers);
    }
    for (const std::string& row : known.edited) {
        const auto edited = edited_.find(row);
        if (--edited->second == 0) edited_.erase(edited);
    }
}

void PendingIndex::read(const Entry& entry, const Schema& schema, Outbox& outbox) {
    const TransactionNumber number = entry.header.number;
    Known& known = known_[number];
    known.id = entry.header.id;
    const auto changes = outbox.frozen_changes(number);
    while (const ChangeView* change = changes->next()) {
        std::string name = row_name(schema, *change->table, change->key);
        if (tombolo::has_edits(*change)) {
            known.edited.push_back(name);
            ++edited_[name];
        }
        std::vector<TransactionNumber>& writers = writers_[name];
        const auto place = std::lower_bound(writers.begin(), writers.end(), number);
        if (place != writers.end() && *place == number) continue;
        writers.insert(place, number);
        known.rows.push_back(std::move(name));
    }
}

const std::vector<TransactionNumber>& PendingIndex::writers(const std::string& row) const {
    static const std::vector<TransactionNumber> none;
    const auto found = writers_.find(row);
    return found == writers_.end() ? none : found->second;
}

const std::vector<std::string>& PendingIndex::rows_of(TransactionNumber number) const {
    static const std::vector<std::string> none;
    const auto found = known_.find(number);
    return found == known_.end() ? none : found->second.rows;
}

PendingRows::PendingRows(sqlite::Connection& db, const Schema& schema, Outbox& outbox, TableRows& rows, PendingIndex& index)
    : db_(db), schema_(schema), outbox_(outbox), rows_(rows), index_(index) {}

// --- under ---

bool PendingRows::read_stored(const std::string& row, RowState& state) {
    sqlite::Statement& find = db_.cached("SELECT existence, image, meta FROM tombolo_under WHERE table_id = ?1 AND key = ?2");
    const sqlite::ResetGuard guard(find);
    const Table& table = table_of(schema_, row);
    find.bind(1, table_id_of(schema_, table)).bind_blob(2, key_in(row));
    if (!find.step()) return false;
    state = {};
    state.existence = static_cast<Existence>(find.integer(0));
    std::vector<ValueView> values;
    if (!decode_record(find.blob(1), values)) throw Error(ErrorCode::corrupt, "tombolo_under holds an image that is not a record");
    for (const ValueView& value : values)
        state.values.emplace_back(value);
    if (!values.empty()) add_defaults(table, state.values);  // a death without an image stays one
    Reader meta(find.blob(2));
    if (!find.is_null(2) && !read_meta(meta, state.meta)) throw Error(ErrorCode::corrupt, "tombolo_under holds malformed meta");
    return true;
}

std::vector<std::string> PendingRows::stored_rows() {
    std::vector<std::string> rows;
    sqlite::Statement& list = db_.cached("SELECT table_id, key FROM tombolo_under");
    const sqlite::ResetGuard guard(list);
    while (list.step()) {
        std::string name;
        put_varint(name, list.number(0));
        name.append(list.blob(1));
        rows.push_back(std::move(name));
    }
    return rows;
}

void PendingRows::store(const std::string& row, const RowState& state) {
    std::string meta;
    put_meta(meta, state.meta);
    const Table& table = table_of(schema_, row);
    db_.cached("INSERT OR REPLACE INTO tombolo_under(table_id, key, existence, image, meta) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(1, table_id_of(schema_, table))
        .bind_blob(2, key_in(row))
        .bind(3, static_cast<int>(state.existence))
        .bind_blob(4, encode_record(state.values))
        .bind_blob(5, meta)
        .run();
}

void PendingRows::drop(const std::string& row) {
    const Table& table = table_of(schema_, row);
    db_.cached("DELETE FROM tombolo_under WHERE table_id = ?1 AND key = ?2").bind(1, table_id_of(schema_, table)).bind_blob(2, key_in(row)).run();
    outbox_.texts().drop(table, key_in(row));
}

void PendingRows::keep_bases(const std::string& row, const std::function<TextBases::Stay(TransactionNumber)>& stay) {
    if (index_.has_edits(row)) outbox_.texts().keep(table_of(schema_, row), key_in(row), stay);
}

namespace {

// What a row was before the first of a chain of changes, found by walking the chain forwards: the first insert says it was not
// there, the first erase brings its whole image, and until then the first base of each updated cell counts.
struct Undone {
    bool settled = false;
    RowState state;
    std::map<uint32_t, Value> cells;

    // `base_of(cell)` finds what an edit of a text was made of.
    template <typename BaseOf>
    void walk(const ChangeView& change, BaseOf base_of) {
        if (settled) return;
        switch (change.kind) {
            case ChangeKind::insert: settled = true; break;  // state stays unknown
            case ChangeKind::erase:
                settled = true;
                state.existence = Existence::alive;
                for (const CellView& cell : change.cells)
                    state.values.emplace_back(cell.base);
                overlay_cells();
                break;
            case ChangeKind::update:
                for (const CellView& cell : change.cells) {
                    if (cells.count(cell.column) != 0) continue;
                    cells.emplace(cell.column, cell.edit.empty() ? Value(cell.base) : Value(base_of(cell)));
                }
                break;
        }
    }
    void overlay_cells() {
        for (const auto& [column, value] : cells)
            state.values[column] = value;
    }
};

}  // namespace

std::unordered_map<std::string, RowState> PendingRows::derive(const std::set<std::string>& wanted, const std::vector<TransactionNumber>& shown) {
    std::unordered_map<std::string, Undone> undone;
    for (const std::string& row : wanted)
        undone.try_emplace(row);
    for (const TransactionNumber number : shown) {
        const auto changes = outbox_.frozen_changes(number);
        while (const ChangeView* change = changes->next()) {
            const auto found = undone.find(row_name(schema_, *change->table, change->key));
            if (found != undone.end()) found->second.walk(*change, [&](const CellView& cell) { return outbox_.texts().find(number, *change, cell); });
        }
    }
    std::unordered_map<std::string, RowState> result;
    for (auto& [row, chain] : undone) {
        if (!chain.settled && rows_.read(table_of(schema_, row), key_in(row), chain.state.values)) {
            chain.state.existence = Existence::alive;
            chain.overlay_cells();
        }
        result.emplace(row, std::move(chain.state));
    }
    return result;
}

}  // namespace tombolo::device
