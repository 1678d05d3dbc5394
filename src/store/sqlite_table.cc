#include "store/sqlite_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/coding.h"
#include "model/record.h"
#include "sqlite/inspect.h"
#include "tombolo/error.h"

namespace tombolo::store {

namespace {

using sqlite::quote_identifier;

std::string list(const std::vector<std::string>& items, std::string_view separator) {
    std::string joined;
    for (const std::string& item : items) {
        if (!joined.empty()) joined += separator;
        joined += item;
    }
    return joined;
}

// Any of rowid's three names that no column took.
std::string rowid_name(const Table& table) {
    for (const std::string_view name : {"rowid", "_rowid_", "oid"}) {
        if (!table.find_column(name)) return std::string(name);
    }
    throw Error(ErrorCode::schema,
                fmt::format("table {} has columns named rowid, _rowid_ and oid, which leaves no name for SQLite's own row number", table.name),
                "rename one of them");
}

// "UNIQUE constraint failed: people.email" -> "people.email"
std::string_view after_colon(std::string_view message) {
    const size_t colon = message.find(": ");
    return colon == std::string_view::npos ? message : message.substr(colon + 2);
}

std::optional<Violation> violation_of(int result_code, std::string_view message, const Table& table) {
    const std::string_view what = after_colon(message);
    switch (result_code) {
        case SQLITE_CONSTRAINT_UNIQUE: return Violation{RejectCode::unique, fmt::format("another row already has the same {}", what)};
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID: return Violation{RejectCode::primary_key, fmt::format("another row already has the same primary key {}", what)};
        case SQLITE_CONSTRAINT_NOTNULL: return Violation{RejectCode::not_null, fmt::format("{} may not be NULL", what)};
        case SQLITE_CONSTRAINT_CHECK:
            return Violation{RejectCode::check, fmt::format("table {} does not allow it: CHECK {} fails", table.name, what)};
        case SQLITE_CONSTRAINT_DATATYPE:
        case SQLITE_MISMATCH: return Violation{RejectCode::type, fmt::format("table {} does not take a value of this type: {}", table.name, message)};
        case SQLITE_TOOBIG:
            return Violation{RejectCode::too_large, fmt::format("a row of table {} is larger than the hub's storage takes", table.name)};
        default: return std::nullopt;
    }
}

constexpr std::string_view hidden_columns = "tombolo_seq, tombolo_meta";

}  // namespace

//   position := order(1 byte) seq(varint) [rowid(signed) schema version(varint) | key(bytes)]
//   order    := 1 physical | 2 by seq
struct SqliteTable::Position {
    enum Order : uint8_t { physical = 1, by_seq = 2 };
    bool started = false;  // false: from the first row
    uint8_t order = physical;
    Seq seq;
    int64_t rowid = 0;
    uint64_t schema_version = 0;  // of rowid: SQLite raises it with every VACUUM, which may renumber the rows
    std::string key;              // WITHOUT ROWID only

    std::string encode(bool by_rowid) const {
        std::string out(1, static_cast<char>(order));
        put_varint(out, seq.value);
        if (by_rowid) {
            put_signed(out, rowid);
            put_varint(out, schema_version);
        } else {
            put_bytes(out, key);
        }
        return out;
    }
    // Anything that is not a position of ours counts as the beginning: at worst rows are sent twice.
    static Position decode(std::string_view bytes, bool by_rowid, Order order) {
        Position position;
        position.order = order;
        Reader in(bytes);
        if (in.byte() != order) return position;
        position.seq.value = in.varint();
        if (by_rowid) {
            position.rowid = in.signed_varint();
            position.schema_version = in.varint();
        } else {
            position.key = std::string(in.bytes());
        }
        position.started = !in.failed() && in.at_end();
        return position;
    }
};

SqliteTable::SqliteTable(sqlite::Connection& db, const Table& table, int64_t id) : db_(db), table_(table), id_(id), by_rowid_(!table.without_rowid) {
    std::vector<std::string> columns, marks, assignments, keys, key_matches, key_marks;
    for (uint32_t i = 0; i < table.columns.size(); ++i) {
        columns.push_back(quote_identifier(table.columns[i].name));
        marks.push_back(fmt::format("?{}", i + 1));
        if (!table.is_key(i)) assignments.push_back(fmt::format("{} = ?{}", columns.back(), i + 1));
    }
    const size_t width = columns.size();
    for (uint32_t i = 0; i < table.key.size(); ++i) {
        keys.push_back(columns[table.key[i]]);
        key_matches.push_back(fmt::format("{} = ?{}", keys.back(), width + 3 + i));
        key_marks.push_back(fmt::format("?{}", 3 + i));
    }
    assignments.push_back(fmt::format("tombolo_seq = ?{}, tombolo_meta = ?{}", width + 1, width + 2));

    const std::string name = quote_identifier(table.name);
    const std::string all = list(columns, ", ");
    const std::string where_key = list(key_matches, " AND ");
    // OR ABORT overrides whatever the application declared (ON CONFLICT REPLACE would delete rows nobody spoke of).
    insert_ = sqlite::Statement(db.handle(), fmt::format("INSERT OR ABORT INTO {}({}, {}) VALUES ({}, ?{}, ?{})", name, all, hidden_columns,
                                                         list(marks, ", "), width + 1, width + 2));
    update_ = sqlite::Statement(db.handle(), fmt::format("UPDATE OR ABORT {} SET {} WHERE {}", name, list(assignments, ", "), where_key));
    erase_ = sqlite::Statement(db.handle(), fmt::format("DELETE FROM {} WHERE {}", name, where_key));
    find_ = sqlite::Statement(db.handle(), fmt::format("SELECT {}, {} FROM {} WHERE {}", all, hidden_columns, name, where_key));

    const std::string order = by_rowid_ ? rowid_name(table) : list(keys, ", ");
    const std::string behind = fmt::format("({}) > ({})", order, by_rowid_ ? "?3" : list(key_marks, ", "));
    const std::string select =
        fmt::format("SELECT {}, {} FROM {}", all, by_rowid_ ? std::string(hidden_columns) + ", " + order : std::string(hidden_columns), name);
    const std::string by_seq = fmt::format("{} INDEXED BY {}", select, quote_identifier(fmt::format("tombolo_seq_{}", id)));
    all_from_start_ = sqlite::Statement(db.handle(), fmt::format("{} NOT INDEXED WHERE tombolo_seq <= ?2 ORDER BY {}", select, order));
    all_behind_ = sqlite::Statement(db.handle(), fmt::format("{} NOT INDEXED WHERE {} AND tombolo_seq <= ?2 ORDER BY {}", select, behind, order));
    rest_of_seq_ = sqlite::Statement(db.handle(), fmt::format("{} WHERE tombolo_seq = ?1 AND {} ORDER BY {}", by_seq, behind, order));
    later_seqs_ =
        sqlite::Statement(db.handle(), fmt::format("{} WHERE tombolo_seq > ?1 AND tombolo_seq <= ?2 ORDER BY tombolo_seq, {}", by_seq, order));
    count_ = sqlite::Statement(db.handle(), fmt::format("SELECT count(*) FROM {} WHERE tombolo_seq > ?1 AND tombolo_seq <= ?2", name));
    schema_version_ = sqlite::Statement(db.handle(), "PRAGMA schema_version");
}

void SqliteTable::widen(std::vector<ValueView>& image) const {
    while (image.size() < table_.columns.size())
        image.push_back(table_.columns[image.size()].default_value);
}

void SqliteTable::widen(RowMeta& meta) const {
    while (!meta.cells.empty() && meta.cells.size() < table_.columns.size())
        meta.cells.push_back({meta.birth.site, meta.birth.seq, Seq{}, meta.birth_stamp});
}

void SqliteTable::bind_key(sqlite::Statement& statement, int first, std::string_view key) {
    key_values_.clear();
    if (!decode_record(key, key_values_) || key_values_.size() != table_.key.size()) {
        throw Error(ErrorCode::protocol, fmt::format("a key of table {} has the wrong number of columns", table_.name));
    }
    for (size_t i = 0; i < key_values_.size(); ++i)
        statement.bind_static(first + static_cast<int>(i), key_values_[i]);
}

int SqliteTable::key_parameter() const { return static_cast<int>(table_.columns.size()) + 3; }

// The columns in order, then tombolo_seq and tombolo_meta, as all our SELECTs have them.
Seq SqliteTable::read_row(sqlite::Statement& statement) {
    const int width = static_cast<int>(table_.columns.size());
    values_.clear();
    for (int i = 0; i < width; ++i)
        values_.push_back(statement.value(i));
    Reader in(statement.blob(width + 1));
    if (!read_meta(in, meta_) || !read_candidates(in, candidates_))
        throw Error(ErrorCode::corrupt, fmt::format("a row of table {} has no readable tombolo_meta", table_.name),
                    "was the hub's file written by another program? restore it from a backup");
    widen(meta_);
    return {statement.number(width)};
}

bool SqliteTable::find(std::string_view key, RowState& state) {
    const sqlite::ResetGuard guard(find_);
    bind_key(find_, key_parameter(), key);
    if (!find_.step()) return false;
    read_row(find_);
    state.existence = Existence::alive;
    state.values = std::vector<Value>(values_.begin(), values_.end());
    state.meta = meta_;
    state.candidates = candidates_;
    return true;
}

void SqliteTable::bind_row(sqlite::Statement& statement, const RowState& row, Seq seq) {
    TOMBOLO_ASSERT(row.values.size() == table_.columns.size());
    const int width = static_cast<int>(row.values.size());
    encoded_meta_.clear();
    put_meta(encoded_meta_, row.meta);
    put_candidates(encoded_meta_, row.candidates);
    for (int i = 0; i < width; ++i)
        statement.bind_static(i + 1, row.values[static_cast<size_t>(i)]);
    statement.bind(width + 1, seq.value);
    statement.bind_static(width + 2, ValueView::blob(encoded_meta_));
}

std::optional<Violation> SqliteTable::run_write(sqlite::Statement& statement) {
    const sqlite::ResetGuard guard(statement);
    const int result_code = statement.step_raw();
    if (result_code == SQLITE_DONE) return std::nullopt;
    if (auto violation = violation_of(result_code, sqlite3_errmsg(db_.handle()), table_)) return violation;
    sqlite::throw_error(db_.handle(), result_code, fmt::format("write a row of {}", table_.name));
}

std::optional<Violation> SqliteTable::insert(const RowState& row, Seq seq) {
    bind_row(insert_, row, seq);
    return run_write(insert_);
}

std::optional<Violation> SqliteTable::update(std::string_view key, const RowState& row, Seq seq) {
    bind_row(update_, row, seq);
    bind_key(update_, key_parameter(), key);
    return run_write(update_);
}

void SqliteTable::erase(std::string_view key) {
    const sqlite::ResetGuard guard(erase_);
    bind_key(erase_, key_parameter(), key);
    erase_.step();
}

std::string SqliteTable::key_of_row() const {
    std::string key;
    for (const uint32_t column : table_.key)
        put_value(key, values_[column]);
    return key;
}

uint64_t SqliteTable::schema_version() {
    const sqlite::ResetGuard guard(schema_version_);
    return schema_version_.step() ? schema_version_.number(0) : 0;
}

bool SqliteTable::visit(sqlite::Statement& statement, Position& position, RowVisitor& visitor) {
    const sqlite::ResetGuard guard(statement);
    while (statement.step()) {
        const Seq seq = read_row(statement);
        if (visitor.row(table_, seq, values_, meta_)) continue;
        position.seq = seq;
        if (by_rowid_) {
            position.rowid = statement.integer(static_cast<int>(table_.columns.size()) + 2);
        } else {
            position.key = key_of_row();
        }
        return false;
    }
    return true;
}

sqlite::Statement& SqliteTable::start(sqlite::Statement& statement, Seq after, Seq up_to) {
    statement.bind(1, after.value).bind(2, up_to.value);
    return statement;
}

sqlite::Statement& SqliteTable::start_behind(sqlite::Statement& statement, const Position& position, Seq up_to) {
    start(statement, position.seq, up_to);
    if (by_rowid_) {
        statement.bind(3, position.rowid);
    } else {
        bind_key(statement, 3, position.key);
    }
    return statement;
}

// Scans in two steps rather than one `(tombolo_seq, rowid) > (?, ?)`: SQLite uses an index for the first column of that only, and
// would read a large transaction from its beginning for every stretch.
bool SqliteTable::scan(Seq after, Seq up_to, std::string& position_bytes, RowVisitor& visitor) {
    // From nothing, the table's own order is the fastest: no index, no random access.
    const Position::Order order = after.value == 0 ? Position::physical : Position::by_seq;
    Position position = Position::decode(position_bytes, by_rowid_, order);
    const uint64_t version = schema_version();
    const bool known = position.started && position.seq > after && (!by_rowid_ || position.schema_version == version);
    bool finished = true;
    if (order == Position::physical) {
        finished = visit(known ? start_behind(all_behind_, position, up_to) : start(all_from_start_, after, up_to), position, visitor);
    } else {
        if (known && position.seq <= up_to) finished = visit(start_behind(rest_of_seq_, position, up_to), position, visitor);
        // Where the place is lost, the stretch begins again at its seq: all earlier ones were visited.
        Seq done = after;
        if (position.started && position.seq > after) done = known ? position.seq : Seq{position.seq.value - 1};
        if (finished) finished = visit(start(later_seqs_, done, up_to), position, visitor);
    }
    position.schema_version = version;
    if (!finished) position_bytes = position.encode(by_rowid_);
    return finished;
}

uint64_t SqliteTable::count(Seq after, Seq up_to) {
    const sqlite::ResetGuard guard(count_);
    return count_.with(after.value, up_to.value).step() ? count_.number(0) : 0;
}

}  // namespace tombolo::store
