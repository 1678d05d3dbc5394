#include "device/inbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "device/capture.h"
#include "device/outbox.h"
#include "model/conflict_table.h"
#include "model/record.h"
#include "sqlite/inspect.h"

namespace tombolo::device {

namespace {

namespace column = conflict_column;

constexpr const char* columns =
    "c.id, c.table_name, c.row_key, c.column_name, c.base, c.mine, c.theirs, c.mine_site, c.mine_at, c.theirs_site, c.opened_at, c.resolution, "
    "c.resolved_by, c.resolved_at";

// A transaction that the hub has not decided yet: it is in the log, or frozen and not refused.
static_assert(static_cast<int>(EntryState::rejected) == 3);
constexpr const char* is_settling =
    "EXISTS (SELECT 1 FROM main.tombolo_settling AS s WHERE s.id = c.id AND (s.number > (SELECT last_number FROM main.tombolo_device)"
    " OR EXISTS (SELECT 1 FROM main.tombolo_outbox AS o WHERE o.number = s.number AND o.state <> 3)))";

bool has_list(sqlite::Connection& db) { return sqlite::table_exists(db, "main", conflict_table_name); }

std::string text_or_empty(const sqlite::Statement& row, uint32_t index) {
    const auto i = static_cast<int>(index);
    return row.is_null(i) ? std::string() : std::string(row.text(i));
}

ConflictSide side_of(const ValueView& value, bool of_row) {
    ConflictSide side;
    NamedRow row;
    if (!of_row) {
        side.value = Value(value);
    } else if (value.type() == ValueType::blob && read_named_row(value.bytes(), row)) {
        side.row = std::move(row);
    }
    return side;
}

// Reads rows of the list, and puts those of one cell together.
class Reading {
public:
    explicit Reading(sqlite::Connection& db) : db_(db) {}

    // `rest`: the statement behind FROM tombolo_conflict AS c, with its parameters.
    std::vector<Conflict> run(const std::string& rest, const std::vector<Value>& parameters = {}) {
        sqlite::Statement rows = db_.prepare(fmt::format("SELECT {}, {} FROM main.tombolo_conflict AS c {}", columns, is_settling, rest));
        for (size_t i = 0; i < parameters.size(); ++i)
            rows.bind(static_cast<int>(i) + 1, parameters[i].view());
        while (rows.step())
            add(rows);
        return std::move(conflicts_);
    }

private:
    void add(const sqlite::Statement& row) {
        const ValueView column_name = row.value(column::column_name);
        const bool of_row = column_name.is_null();
        Conflict& conflict = find_or_add(row);
        conflict.base = side_of(row.value(column::base), of_row);
        conflict.mine = side_of(row.value(column::mine), of_row);
        conflict.theirs = side_of(row.value(column::theirs), of_row);
        conflict.mine_site = text_or_empty(row, column::mine_site);
        conflict.theirs_site = text_or_empty(row, column::theirs_site);
        conflict.settling = row.integer(column::count) != 0;
        if (!row.is_null(column::resolved_at)) {
            conflict.resolution = text_or_empty(row, column::resolution);
            conflict.resolved_by = text_or_empty(row, column::resolved_by);
            conflict.resolved_at = row.integer(column::resolved_at);
        }
        conflict.candidates.push_back({conflict.mine, conflict.mine_site, row.integer(column::mine_at)});
    }

    // What one write settled is one conflict, too.
    Conflict& find_or_add(const sqlite::Statement& row) {
        std::string cell;
        for (const uint32_t part : {column::table_name, column::row_key, column::column_name, column::resolved_at})
            put_value(cell, row.value(static_cast<int>(part)));
        put_value(cell, ValueView::integer(row.integer(column::count)));
        const auto [known, is_new] = index_.try_emplace(std::move(cell), conflicts_.size());
        if (!is_new) return conflicts_[known->second];
        Conflict& conflict = conflicts_.emplace_back();
        conflict.id = row.text(column::id);
        conflict.table = row.text(column::table_name);
        conflict.key = key_of(conflict.table, row.blob(column::row_key));
        if (!row.is_null(column::column_name)) conflict.column = std::string(row.text(column::column_name));
        conflict.opened_at = row.integer(column::opened_at);
        return conflict;
    }

    NamedRow key_of(const std::string& table_name, std::string_view key) {
        auto known = tables_.find(table_name);
        if (known == tables_.end()) {
            std::vector<std::string> names;
            const Table table = sqlite::read_table(db_, "main", table_name, sqlite::Defaults::skip);
            for (const uint32_t index : table.key)
                names.push_back(table.columns[index].name);
            known = tables_.emplace(table_name, std::move(names)).first;
        }
        NamedRow row;
        std::vector<ValueView> values;
        if (!decode_record(key, values) || values.size() != known->second.size())
            throw Error(ErrorCode::corrupt, fmt::format("the list of conflicts names a row of {} by another key than the table has", table_name));
        for (size_t i = 0; i < values.size(); ++i)
            row.push_back({known->second[i], Value(values[i])});
        return row;
    }

    sqlite::Connection& db_;
    std::vector<Conflict> conflicts_;
    std::map<std::string, size_t> index_;                     // by cell
    std::map<std::string, std::vector<std::string>> tables_;  // names of the key's columns
};

// --- writing ---

std::vector<Value> values_of(const NamedRow& row) {
    std::vector<Value> values;
    for (const NamedValue& one : row)
        values.push_back(one.value);
    return values;
}

std::string list_of(const NamedRow& row, std::string_view comparison, std::string_view separator, size_t first) {
    std::string list;
    for (size_t i = 0; i < row.size(); ++i)
        list += fmt::format("{}{} {} ?{}", i == 0 ? "" : separator, sqlite::quote_identifier(row[i].name), comparison, first + i);
    return list;
}

// False: there is no such row.
bool update_row(sqlite::Connection& db, const Conflict& conflict, const NamedRow& values) {
    const std::string set = list_of(values, "=", ", ", 1);
    const std::string where = list_of(conflict.key, "IS", " AND ", values.size() + 1);
    sqlite::Statement update = db.prepare(fmt::format("UPDATE main.{} SET {} WHERE {}", sqlite::quote_identifier(conflict.table), set, where));
    int index = 0;
    for (const NamedRow* part : {&values, &conflict.key}) {
        for (const NamedValue& one : *part)
            update.bind(++index, one.value.view());
    }
    update.run();
    return db.changes() > 0;
}

bool erase_row(sqlite::Connection& db, const Conflict& conflict) {
    sqlite::Statement erase =
        db.prepare(fmt::format("DELETE FROM main.{} WHERE {}", sqlite::quote_identifier(conflict.table), list_of(conflict.key, "IS", " AND ", 1)));
    for (size_t i = 0; i < conflict.key.size(); ++i)
        erase.bind(static_cast<int>(i) + 1, conflict.key[i].value.view());
    erase.run();
    return db.changes() > 0;
}

bool row_exists(sqlite::Connection& db, const Conflict& conflict) {
    sqlite::Statement find =
        db.prepare(fmt::format("SELECT 1 FROM main.{} WHERE {}", sqlite::quote_identifier(conflict.table), list_of(conflict.key, "IS", " AND ", 1)));
    for (size_t i = 0; i < conflict.key.size(); ++i)
        find.bind(static_cast<int>(i) + 1, conflict.key[i].value.view());
    return find.step();
}

[[noreturn]] void fail_gone(const Conflict& conflict) {
    throw Error(
        ErrorCode::not_found, fmt::format("the row of {} that the conflict is about is gone", conflict.table),
        conflict.resolution ? "insert it again if it is wanted" : "take theirs, or dismiss the conflict; insert the row again if it is wanted");
}

// Rows of the list with this conflict's candidates, as they are now: those that this device has not settled.
constexpr const char* open_candidates =
    "table_name = ?1 AND row_key = (SELECT row_key FROM main.tombolo_conflict WHERE id = ?3) AND column_name IS ?2 AND resolved_at IS NULL";

ValueView name_of(const Conflict& conflict) { return conflict.column ? ValueView::text(*conflict.column) : ValueView{}; }

// The open transaction's number, as capture will give it at the commit.
void remember_settling(sqlite::Connection& db, const Conflict& conflict) {
    db.prepare(fmt::format("INSERT OR REPLACE INTO main.tombolo_settling(id, number) SELECT id, 1 + coalesce((SELECT max(position) >> 32 FROM "
                           "main.tombolo_log), (SELECT last_number FROM main.tombolo_device)) FROM main.tombolo_conflict WHERE {}",
                           open_candidates))
        .with(conflict.table, name_of(conflict), conflict.id)
        .run();
}

void keep(sqlite::Connection& db, const Conflict& conflict) {
    std::vector<std::string> cells;
    if (conflict.column) cells.push_back(*conflict.column);
    if (!capture_kept(db, conflict.table, values_of(conflict.key), cells)) fail_gone(conflict);
    remember_settling(db, conflict);
}

// All of a row but its key.
NamedRow without_key(const NamedRow& row, const NamedRow& key) {
    NamedRow rest;
    for (const NamedValue& one : row) {
        if (std::none_of(key.begin(), key.end(), [&](const NamedValue& part) { return equal_names(part.name, one.name); })) rest.push_back(one);
    }
    return rest;
}

void resolve_row(sqlite::Connection& db, const Conflict& conflict, const ConflictSide& side) {
    if (side.row) {
        const NamedRow cells = without_key(*side.row, conflict.key);
        if (!cells.empty() && !update_row(db, conflict, cells)) fail_gone(conflict);
        if (!conflict.resolution) keep(db, conflict);
    } else if (erase_row(db, conflict) && !conflict.resolution) {
        remember_settling(db, conflict);
    }
}

}  // namespace

int64_t count_conflicts(sqlite::Connection& db) {
    if (!has_list(db)) return 0;
    sqlite::Statement& count =
        db.cached(fmt::format("SELECT count(*) FROM (SELECT DISTINCT table_name, row_key, column_name FROM main.tombolo_conflict AS c "
                              "WHERE resolved_at IS NULL AND NOT {})",
                              is_settling));
    const sqlite::ResetGuard guard(count);
    return count.step() ? count.integer(0) : 0;
}

std::vector<Conflict> list_conflicts(sqlite::Connection& db, bool resolved) {
    if (!has_list(db)) return {};
    if (resolved) return Reading(db).run("WHERE c.resolved_at IS NOT NULL ORDER BY c.opened_at, c.id");
    return Reading(db).run(fmt::format("WHERE c.resolved_at IS NULL AND NOT {} ORDER BY c.opened_at, c.id", is_settling));
}

std::optional<Conflict> find_conflict(sqlite::Connection& db, std::string_view id) {
    if (!has_list(db)) return std::nullopt;
    // All of the same cell that ended together, or not yet.
    std::vector<Conflict> found = Reading(db).run(
        fmt::format("JOIN main.tombolo_conflict AS w ON w.id = ?1 AND c.table_name = w.table_name AND c.row_key = w.row_key AND c.column_name IS "
                    "w.column_name AND c.resolved_at IS w.resolved_at ORDER BY c.opened_at, c.id"),
        {Value(id)});
    if (found.empty()) return std::nullopt;
    // New candidates may have joined one that this device has decided; they are open.
    const auto open = std::find_if(found.begin(), found.end(), [](const Conflict& conflict) { return conflict.open(); });
    return open != found.end() ? *open : found.front();
}

void resolve_conflict(sqlite::Connection& db, const Conflict& conflict, Take take, WallTime now) {
    const ConflictSide& side = take == Take::mine ? conflict.mine : take == Take::theirs ? conflict.theirs : conflict.base;
    if (take == Take::theirs && !conflict.resolution && !row_exists(db, conflict)) return dismiss_conflict(db, conflict, now);
    if (conflict.column) {
        if (!update_row(db, conflict, {{*conflict.column, side.value}})) fail_gone(conflict);
        if (!conflict.resolution) keep(db, conflict);
    } else if (take == Take::theirs) {
        keep(db, conflict);  // the row as it is, with what was written meanwhile
    } else {
        resolve_row(db, conflict, side);
    }
}

void resolve_conflict(sqlite::Connection& db, const Conflict& conflict, const NamedRow& values) {
    const auto decides = [&](const NamedValue& value) { return conflict.column && equal_names(value.name, *conflict.column); };
    if (conflict.column && std::none_of(values.begin(), values.end(), decides)) {
        throw Error(ErrorCode::usage, fmt::format("the conflict is about column {}.{}", conflict.table, *conflict.column),
                    fmt::format("give a value for {}", *conflict.column));
    }
    if (values.empty()) throw Error(ErrorCode::usage, "no value was given");
    if (!update_row(db, conflict, values)) fail_gone(conflict);
    if (!conflict.resolution) keep(db, conflict);
}

void dismiss_conflict(sqlite::Connection& db, const Conflict& conflict, WallTime now) {
    if (conflict.resolution) return;
    const std::string site = db.query_text("SELECT lower(hex(site)) FROM main.tombolo_device");
    const int64_t offset = db.query_integer("SELECT clock_offset FROM main.tombolo_device");
    db.prepare(fmt::format("UPDATE main.tombolo_conflict SET resolution = ?4, resolved_by = ?5, resolved_at = ?6 WHERE {}", open_candidates))
        .with(conflict.table, name_of(conflict), conflict.id, resolution::dismissed, site, now + offset)
        .run();
}

}  // namespace tombolo::device
