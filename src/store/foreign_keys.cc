#include "store/foreign_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/record.h"

namespace tombolo::store {

namespace {

using sqlite::quote_identifier;

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

// The parent's column stands left, as SQLite's own check has it: its affinity and collation decide.
std::string orphan_sql(const sqlite::ForeignKey& key) {
    std::string not_null, match;
    for (size_t i = 0; i < key.child_columns.size(); ++i) {
        const std::string child = "c." + quote_identifier(key.child_columns[i]);
        not_null += fmt::format(" AND {} IS NOT NULL", child);
        match += fmt::format("{}p.{} = {}", i == 0 ? "" : " AND ", quote_identifier(key.parent_columns[i]), child);
    }
    return fmt::format("SELECT 1 FROM {} c WHERE c.tombolo_seq = ?1{} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {}) LIMIT 1",
                       quote_identifier(key.child_table), not_null, quote_identifier(key.parent_table), match);
}

std::string left_child_sql(const sqlite::ForeignKey& key) {
    std::string child, parent;
    for (size_t i = 0; i < key.child_columns.size(); ++i) {
        child += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", quote_identifier(key.child_columns[i]), i + 1);
        parent += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", quote_identifier(key.parent_columns[i]), i + 1);
    }
    return fmt::format("SELECT 1 FROM {} WHERE {} AND NOT EXISTS (SELECT 1 FROM {} WHERE {}) LIMIT 1", quote_identifier(key.child_table), child,
                       quote_identifier(key.parent_table), parent);
}

}  // namespace

ForeignKeys::ForeignKeys(sqlite::Connection& db, std::vector<SqliteTable>& tables) : tables_(tables) {
    deleted_ = sqlite::Statement(db.handle(), "SELECT image FROM tombolo_tombstone WHERE seq = ?1 AND table_id = ?2");
    for (const SqliteTable& table : tables) {
        for (sqlite::ForeignKey& names : sqlite::read_foreign_keys(db, table.table().name))
            add(db, std::move(names), tables);
    }
}

void ForeignKeys::add(sqlite::Connection& db, sqlite::ForeignKey names, std::vector<SqliteTable>& tables) {
    const auto parent =
        std::find_if(tables.begin(), tables.end(), [&](const SqliteTable& table) { return equal_names(table.table().name, names.parent_table); });
    if (parent == tables.end())
        throw Error(ErrorCode::schema, fmt::format("table {} references {}, which is not there", names.child_table, names.parent_table));
    Key key;
    for (const std::string& column : names.parent_columns) {
        const auto index = parent->table().find_column(column);
        if (!index)
            throw Error(ErrorCode::schema,
                        fmt::format("table {} references {}.{}, which is not a stored column", names.child_table, names.parent_table, column));
        key.parent_columns.push_back(*index);
    }
    key.parent_id = parent->id();
    key.to_primary_key =
        std::all_of(key.parent_columns.begin(), key.parent_columns.end(), [&](uint32_t column) { return parent->table().is_key(column); });
    key.orphan = sqlite::Statement(db.handle(), orphan_sql(names));
    key.left_child = sqlite::Statement(db.handle(), left_child_sql(names));
    key.names = std::move(names);
    keys_.push_back(std::move(key));
}

bool ForeignKeys::watches_updates(int64_t table_id) const {
    return std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) { return key.parent_id == table_id && !key.to_primary_key; });
}

void ForeignKeys::parent_updated(SqliteTable& table, const RowState& before) {
    for (size_t i = 0; i < keys_.size(); ++i) {
        if (keys_[i].parent_id != table.id() || keys_[i].to_primary_key) continue;
        UpdatedParent updated{i, {}};
        for (const uint32_t column : keys_[i].parent_columns)
            updated.old_values.push_back(before.values[column]);
        updated_parents_.push_back(std::move(updated));
    }
}

std::optional<Violation> ForeignKeys::check(Seq seq) {
    if (auto violation = check_children(seq)) return violation;
    if (auto violation = check_deleted_parents(seq)) return violation;
    return check_updated_parents();
}

std::optional<Violation> ForeignKeys::check_children(Seq seq) {
    for (Key& key : keys_) {
        const sqlite::ResetGuard guard(key.orphan);
        if (!key.orphan.with(seq.value).step()) continue;
        return Violation{RejectCode::foreign_key, fmt::format("{}.{} names a row of {} that does not exist", key.names.child_table,
                                                              joined(key.names.child_columns), key.names.parent_table)};
    }
    return std::nullopt;
}

// False where a value is NULL, since = does not hold for it: as SQL has it, such a parent has no children.
bool ForeignKeys::has_left_child(Key& key, const std::vector<ValueView>& parent_values) {
    const sqlite::ResetGuard guard(key.left_child);
    for (size_t i = 0; i < parent_values.size(); ++i)
        key.left_child.bind_static(static_cast<int>(i) + 1, parent_values[i]);
    return key.left_child.step();
}

std::optional<Violation> ForeignKeys::check_deleted_parents(Seq seq) {
    std::vector<ValueView> image;
    std::vector<ValueView> parent_values;
    for (Key& key : keys_) {
        const SqliteTable& parent = tables_[static_cast<size_t>(key.parent_id) - 1];
        const sqlite::ResetGuard guard(deleted_);
        deleted_.with(seq.value, key.parent_id);
        while (deleted_.step()) {
            image.clear();
            decode_record(deleted_.blob(0), image);
            parent.widen(image);
            parent_values.clear();
            for (const uint32_t column : key.parent_columns)
                parent_values.push_back(image[column]);
            if (!has_left_child(key, parent_values)) continue;
            return Violation{RejectCode::parent_protected,
                             fmt::format("a row of {} still has rows of {} that the author of the deletion did not know or did not delete",
                                         key.names.parent_table, key.names.child_table)};
        }
    }
    return std::nullopt;
}

std::optional<Violation> ForeignKeys::check_updated_parents() {
    for (const UpdatedParent& updated : updated_parents_) {
        Key& key = keys_[updated.key];
        if (!has_left_child(key, std::vector<ValueView>(updated.old_values.begin(), updated.old_values.end()))) continue;
        return Violation{RejectCode::foreign_key, fmt::format("rows of {} still name a value of {}.{} that was changed", key.names.child_table,
                                                              key.names.parent_table, joined(key.names.parent_columns))};
    }
    return std::nullopt;
}

}  // namespace tombolo::store
