#include "device/captured_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "device/sqlite_value.h"
#include "model/record.h"

namespace tombolo::device {

namespace {

// FNV-1a. Not for strangers: both sides of the comparison are made by us from one file.
uint64_t mix(uint64_t hash, std::string_view bytes) {
    for (const char c : bytes)
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3;
    return (hash ^ 0xFF) * 0x100000001B3;
}

bool may_be_real(std::string_view type) {
    std::string upper(type);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return upper.find("REAL") != std::string::npos || upper.find("FLOA") != std::string::npos || upper.find("DOUB") != std::string::npos;
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

std::string rowid_name(const Table& table) {
    for (const char* name : {"rowid", "_rowid_", "oid"}) {
        if (!table.find_column(name)) return name;
    }
    return {};
}

}  // namespace

int64_t shape_of(const Table& table) {
    uint64_t hash = 0xCBF29CE484222325;
    for (const Column& column : table.columns)
        hash = mix(mix(hash, column.name), column.type);
    for (const uint32_t column : table.key)
        hash = mix(hash, std::to_string(column));
    hash = mix(hash, table.without_rowid ? "without rowid" : "rowid");
    return static_cast<int64_t>(hash >> 32);  // short, since every trigger call passes it
}

OldImage::OldImage(sqlite3* db, const std::string& schema_name, const Table& table) : table_(table) {
    bool virtual_columns = false;
    const std::string qualified = sqlite::quote_identifier(schema_name) + "." + sqlite::quote_identifier(table.name);
    sqlite::Statement info(db, fmt::format("PRAGMA {}.table_xinfo({})", sqlite::quote_identifier(schema_name), sqlite::quote_identifier(table.name)),
                           false);
    while (info.step()) {
        ++columns_in_all_;
        virtual_columns = virtual_columns || info.integer(6) == 2;
    }
    if (is_rowid_alias(db, schema_name, table)) rowid_column_ = static_cast<int>(table.key[0]);
    const bool real_columns = std::any_of(table.columns.begin(), table.columns.end(), [](const Column& c) { return may_be_real(c.type); });
    // SQLite 3.40 looks a column's affinity up by its place in the stored record, and finds the place of a column behind a virtual
    // one wrongly: where the places differ from the declared order, the row is read by a query instead.
    direct_ = !virtual_columns && (!table.without_rowid || !real_columns);
    std::string columns;
    for (const Column& column : table.columns)
        columns += (columns.empty() ? "" : ", ") + sqlite::quote_identifier(column.name);
    std::string where;
    if (!table.without_rowid) {
        const std::string rowid =
            rowid_column_ >= 0 ? sqlite::quote_identifier(table.columns[static_cast<size_t>(rowid_column_)].name) : rowid_name(table);
        if (rowid.empty())
            throw Error(ErrorCode::schema, fmt::format("table {} hides its rowid behind columns of that name", table.name),
                        "rename one of its columns rowid, _rowid_, oid");
        where = rowid + " = ?1";
    } else {
        for (const uint32_t column : table.key)
            where += fmt::format("{}{} IS ?{}", where.empty() ? "" : " AND ", sqlite::quote_identifier(table.columns[column].name), column + 1);
    }
    select_ = sqlite::Statement(db, fmt::format("SELECT {} FROM {} WHERE {}", columns, qualified, where));
    // What sqlite3_preupdate_old gives for a column that the stored record does not reach (added by ALTER TABLE later): in some
    // versions of SQLite this constant, instead of the column's default. A NULL that was stored is another object.
    missing_ = sqlite3_column_value(select_.handle(), 1 << 20);
}

bool OldImage::fits(sqlite3* db) const { return sqlite3_preupdate_count(db) == columns_in_all_; }

bool OldImage::has_rowid(int64_t rowid) {
    const sqlite::ResetGuard guard(select_);
    select_.bind(1, rowid);
    return select_.step();
}

bool OldImage::read_directly(sqlite3* db, int64_t rowid) {
    for (size_t i = 0; i < table_.columns.size(); ++i) {
        if (static_cast<int>(i) == rowid_column_) {
            values_.push_back(ValueView::integer(rowid));
            continue;
        }
        sqlite3_value* value = nullptr;
        if (sqlite3_preupdate_old(db, static_cast<int>(i), &value) != SQLITE_OK || value == nullptr || value == missing_) return false;
        values_.push_back(view_of(value));
    }
    return true;
}

// A query inside the hook is allowed: SQLite's own session extension does so. The row is still in its table's tree, though its
// index entries may be gone: the query must go by the tree's own key.
bool OldImage::select(sqlite3* db, int64_t rowid) {
    select_.reset();
    if (!table_.without_rowid) {
        select_.bind(1, rowid);
    } else {
        for (const uint32_t column : table_.key) {
            sqlite3_value* value = nullptr;
            if (sqlite3_preupdate_old(db, static_cast<int>(column), &value) != SQLITE_OK || value == nullptr) return false;
            select_.bind(static_cast<int>(column) + 1, view_of(value));
        }
    }
    if (!select_.step()) return false;
    for (size_t i = 0; i < table_.columns.size(); ++i)
        values_.push_back(select_.value(static_cast<int>(i)));
    return true;
}

bool OldImage::read(sqlite3* db, int64_t rowid, std::string& record, std::string& key) {
    const sqlite::ResetGuard guard(select_);
    values_.clear();
    if (!direct_ || !read_directly(db, rowid)) {
        values_.clear();
        if (!select(db, rowid)) return false;
    }
    for (const ValueView& value : values_)
        put_value(record, value);
    for (const uint32_t column : table_.key)
        put_value(key, values_[column]);
    return true;
}

}  // namespace tombolo::device
