#include "device/captured_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "device/sqlite_value.h"
#include "model/conflict_table.h"
#include "sqlite/affinity.h"

namespace tombolo::device {

namespace {

// FNV-1a. Not for strangers: both sides of the comparison are made by us from one file.
uint64_t mix(uint64_t hash, std::string_view bytes) {
    for (const char c : bytes)
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3;
    return (hash ^ 0xFF) * 0x100000001B3;
}

// INTEGER PRIMARY KEY is the rowid itself, except in the form that got an index of its own (… DESC, by an old mistake of SQLite's).
bool is_rowid_alias(sqlite3* db, const std::string& schema_name, const Table& table) {
    if (table.without_rowid || table.key.size() != 1 || !equal_names(table.columns[table.key[0]].type, "INTEGER")) return false;
    sqlite::Statement indexes(
        db, fmt::format("PRAGMA {}.index_list({})", sqlite::quote_identifier(schema_name), sqlite::quote_identifier(table.name)), false);
    while (indexes.step()) {
        if (indexes.text(3) == "pk") return false;
    }
    return true;
}

// A trigger of the application may run between the hook and ours, and change the row once more; so may an action of a foreign key.
// And all of ours must be there: somebody may have dropped one.
bool may_be_interrupted(sqlite3* db, const std::string& schema_name, uint64_t id, const Table& table) {
    sqlite::Statement triggers(db,
                               fmt::format("SELECT count(*), count(CASE WHEN {} THEN 1 END) FROM {}.sqlite_schema "
                                           "WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE",
                                           is_own_trigger(id), sqlite::quote_identifier(schema_name)),
                               false);
    triggers.with(table.name);
    const auto ours = static_cast<int64_t>(3 + table.columns.size() - table.key.size());
    if (!triggers.step() || triggers.integer(0) != ours || triggers.integer(1) != ours) return true;
    sqlite::Statement temporary(db, "SELECT 1 FROM temp.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE", false);
    if (temporary.with(table.name).step()) return true;
    sqlite::Statement actions(db,
                              fmt::format("SELECT 1 FROM {}.sqlite_schema AS child, pragma_foreign_key_list(child.name, ?1) AS reference "
                                          "WHERE child.type = 'table' AND reference.\"table\" = ?2 COLLATE NOCASE "
                                          "AND reference.on_update NOT IN ('NO ACTION', 'RESTRICT')",
                                          sqlite::quote_identifier(schema_name)),
                              false);
    return actions.with(schema_name, table.name).step();
}

struct Declared {
    bool is_virtual = false;  // not stored
    bool is_generated = false;
    bool is_real = false;
};

// SQLite 3.40 asks for the affinity of the column whose declared place is a value's place in the record. In a WITHOUT ROWID table the
// record begins with the key, so it may turn an INTEGER into a REAL that cannot hold it.
bool turns_into_real(const Table& table, const std::vector<Declared>& declared, const std::vector<int>& declared_place) {
    std::vector<int> record;
    for (const uint32_t column : table.key) {
        if (std::find(record.begin(), record.end(), declared_place[column]) == record.end()) record.push_back(declared_place[column]);
    }
    for (int i = 0; i < static_cast<int>(declared.size()); ++i) {
        if (!declared[static_cast<size_t>(i)].is_virtual && std::find(record.begin(), record.end(), i) == record.end()) record.push_back(i);
    }
    for (size_t place = 0; place < record.size(); ++place) {
        if (declared[place].is_real && !declared[static_cast<size_t>(record[place])].is_real) return true;
    }
    return false;
}

}  // namespace

std::string rowid_name(const Table& table) {
    for (const char* name : {"rowid", "_rowid_", "oid"}) {
        if (!table.find_column(name)) return name;
    }
    throw Error(ErrorCode::schema, fmt::format("table {} hides its rowid behind columns of that name", table.name),
                "rename one of its columns rowid, _rowid_, oid");
}

std::string is_own_trigger(uint64_t table_id) {
    return fmt::format(
        "(type = 'trigger' AND (name GLOB 'tombolo_update_{0}_*' OR name IN ('tombolo_insert_{0}', 'tombolo_update_{0}', 'tombolo_delete_{0}')))",
        table_id);
}

bool has_telling_triggers(const Table& table) {
    constexpr size_t columns_max = 60;  // SQLite takes 127 arguments
    if (table.without_rowid || table.name == conflict_table_name || table.columns.size() > columns_max) return false;
    const auto hidden = [&](const char* name) { return table.find_column(name).has_value(); };
    return !(hidden("rowid") && hidden("_rowid_") && hidden("oid"));
}

int64_t stamp_of(int64_t capture_tag, uint64_t table_id, const Table& table) {
    uint64_t hash = mix(mix(0xCBF29CE484222325, std::to_string(capture_tag)), std::to_string(table_id));
    for (const Column& column : table.columns)
        hash = mix(mix(hash, column.name), column.type);
    for (const uint32_t column : table.key)
        hash = mix(hash, std::to_string(column));
    hash = mix(hash, table.without_rowid ? "without rowid" : "rowid");
    return static_cast<int64_t>(hash >> 33);  // short, since every trigger passes it
}

CapturedTable::CapturedTable(sqlite3* db, const std::string& schema_name, uint64_t id, Table table, int64_t stamp)
    : db_(db), id_(id), table_(std::move(table)), stamp_(stamp) {
    std::vector<Declared> declared;
    std::vector<int> declared_place;
    int stored = 0;
    bool virtual_columns = false;
    sqlite::Statement info(db, fmt::format("PRAGMA {}.table_xinfo({})", sqlite::quote_identifier(schema_name), sqlite::quote_identifier(table_.name)),
                           false);
    while (info.step()) {
        const Declared column{info.integer(6) == 2, info.integer(6) != 0, sqlite::affinity_of(info.text(2)) == sqlite::Affinity::real};
        if (!column.is_generated) {
            places_.push_back({columns_in_all_, stored, column.is_real});
            declared_place.push_back(columns_in_all_);
        }
        virtual_columns = virtual_columns || column.is_virtual;
        if (!column.is_virtual) ++stored;
        ++columns_in_all_;
        declared.push_back(column);
    }
    if (places_.size() != table_.columns.size()) throw Error(ErrorCode::busy, "a synced table has just been changed", "run the statement again");
    if (is_rowid_alias(db, schema_name, table_)) {
        rowid_column_ = static_cast<int>(table_.key[0]);
        const Place& rowid = places_[table_.key[0]];
        knows_new_values_ = std::none_of(places_.begin(), places_.end(),
                                         [&](const Place& place) { return place.declared != rowid.declared && place.stored == rowid.declared; });
    }
    triggers_tell_ = has_telling_triggers(table_) && !may_be_interrupted(db, schema_name, id_, table_);
    keys_may_round_ = table_.without_rowid && turns_into_real(table_, declared, declared_place);
    old_is_exact_ = !virtual_columns && !keys_may_round_;
    std::string columns;
    for (const Column& column : table_.columns)
        columns += (columns.empty() ? "" : ", ") + sqlite::quote_identifier(column.name);
    std::string where;
    if (table_.without_rowid) {
        for (const uint32_t column : table_.key)
            where += fmt::format("{}{} IS ?{}", where.empty() ? "" : " AND ", sqlite::quote_identifier(table_.columns[column].name), column + 1);
    } else {
        where =
            (rowid_column_ >= 0 ? sqlite::quote_identifier(table_.columns[static_cast<size_t>(rowid_column_)].name) : rowid_name(table_)) + " = ?1";
    }
    select_ = sqlite::Statement(db, fmt::format("SELECT {} FROM {}.{} WHERE {}", columns, sqlite::quote_identifier(schema_name),
                                                sqlite::quote_identifier(table_.name), where));
    // What sqlite3_preupdate_old gives for a column that the stored record does not reach (added by ALTER TABLE later): in some
    // versions of SQLite this constant, instead of the column's default. A NULL that was stored is another object.
    missing_ = sqlite3_column_value(select_.handle(), 1 << 20);
}

bool CapturedTable::fits() const { return sqlite3_preupdate_count(db_) == columns_in_all_; }

const std::vector<ValueView>& CapturedTable::old_values(int64_t rowid) {
    old_.clear();
    if (!old_is_exact_ || !read_old(rowid)) {
        old_.clear();
        select_old(rowid);
    }
    return old_;
}

bool CapturedTable::read_old(int64_t rowid) {
    for (size_t i = 0; i < places_.size(); ++i) {
        if (static_cast<int>(i) == rowid_column_) {
            old_.push_back(ValueView::integer(rowid));
            continue;
        }
        sqlite3_value* value = nullptr;
        if (sqlite3_preupdate_old(db_, places_[i].declared, &value) != SQLITE_OK || value == missing_) return false;
        old_.push_back(view_of(value, places_[i].is_real));
    }
    return true;
}

// A query inside the hook is allowed: SQLite's own session extension does so. The row is still in its table's tree, though its
// index entries may be gone: the query must go by the tree's own key.
void CapturedTable::select_old(int64_t rowid) {
    select_.reset();
    bool readable = true;
    if (!table_.without_rowid) {
        select_.bind(1, rowid);
    } else {
        for (const uint32_t column : table_.key) {
            sqlite3_value* value = nullptr;
            readable = readable && sqlite3_preupdate_old(db_, places_[column].declared, &value) == SQLITE_OK;
            if (!readable) break;
            const ValueView key = view_of(value, places_[column].is_real);
            // Another row may have the key that this one's was rounded to.
            if (keys_may_round_ && !places_[column].is_real && key.type() == ValueType::real) readable = std::abs(key.as_real()) < 0x1p53;
            select_.bind(static_cast<int>(column) + 1, key);
        }
    }
    selected_ = true;
    if (!readable || !select_.step())
        throw Error(ErrorCode::not_captured, fmt::format("a row of {} could not be read before it changed", table_.name),
                    "in a WITHOUT ROWID table, declare the columns of the key first, and in its order");
    take_selected();
}

void CapturedTable::take_selected() {
    for (size_t i = 0; i < places_.size(); ++i)
        old_.push_back(select_.value(static_cast<int>(i)));
}

const std::vector<ValueView>* CapturedTable::present_values(int64_t rowid) {
    select_.reset();
    selected_ = true;
    if (!select_.bind(1, rowid).step()) return nullptr;
    old_.clear();
    take_selected();
    return &old_;
}

// An INSERT's values come from the record, where a REAL may be stored as an INTEGER; an UPDATE's from where the statement computed
// them, which is in the order of the record, too. SQLite 3.40 takes the place for that of a declaration, and gives the INTEGER PRIMARY
// KEY in the place where that is declared: behind a virtual column, this hides the value of another one.
const std::vector<ValueView>& CapturedTable::new_values(int operation, int64_t rowid) {
    new_.clear();
    const bool by_declared = operation == SQLITE_INSERT && table_.without_rowid;
    for (size_t i = 0; i < places_.size(); ++i) {
        if (static_cast<int>(i) == rowid_column_) {
            new_.push_back(ValueView::integer(rowid));
            continue;
        }
        sqlite3_value* value = nullptr;
        if (sqlite3_preupdate_new(db_, by_declared ? places_[i].declared : places_[i].stored, &value) != SQLITE_OK)
            throw Error(ErrorCode::not_captured, fmt::format("a new row of {} could not be read", table_.name));
        new_.push_back(view_of(value, places_[i].is_real));
    }
    return new_;
}

void CapturedTable::done() {
    if (selected_) select_.reset();
    selected_ = false;
}

}  // namespace tombolo::device
