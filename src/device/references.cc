#include "device/references.h"

#include <fmt/format.h>

#include <algorithm>

#include "device/pending_rows.h"
#include "model/record.h"

namespace tombolo::device {

using sqlite::quote_identifier;

References::References(sqlite::Connection& db, const Schema& schema) : db_(db), schema_(schema) {
    for (const Table& child : schema_.tables) {
        for (const sqlite::ForeignKey& key : sqlite::read_foreign_keys(db_, child.name)) {
            Link link;
            link.child = &child;
            link.parent = schema_.find(key.parent_table);
            if (link.parent == nullptr) continue;  // a local table: not ours to judge
            for (const std::string& name : key.child_columns) {
                if (const auto column = child.find_column(name)) link.child_columns.push_back(*column);
            }
            for (const std::string& name : key.parent_columns) {
                if (const auto column = link.parent->find_column(name)) link.parent_columns.push_back(*column);
            }
            if (link.child_columns.size() == link.parent_columns.size() && !link.child_columns.empty()) links_.push_back(std::move(link));
        }
    }
}

bool References::from(const Table& child) const {
    return std::any_of(links_.begin(), links_.end(), [&](const Link& link) { return link.child == &child; });
}

bool References::by_other_columns(const Table& child) const {
    return std::any_of(links_.begin(), links_.end(),
                       [&](const Link& link) { return link.child == &child && link.parent_columns != link.parent->key; });
}

std::optional<References::Missing> References::missing_parent(const Table& table, const std::vector<ValueView>& values) {
    for (const Link& link : links_) {
        if (link.child != &table) continue;
        std::string condition;
        bool names_one = true;
        for (size_t i = 0; i < link.child_columns.size(); ++i) {
            names_one = names_one && !values[link.child_columns[i]].is_null();
            condition += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", quote_identifier(link.parent->columns[link.parent_columns[i]].name), i + 1);
        }
        if (!names_one) continue;
        sqlite::Statement& find = db_.cached(fmt::format("SELECT 1 FROM main.{} WHERE {}", quote_identifier(link.parent->name), condition));
        const sqlite::ResetGuard guard(find);
        for (size_t i = 0; i < link.child_columns.size(); ++i)
            find.bind(static_cast<int>(i) + 1, values[link.child_columns[i]]);
        if (find.step()) continue;
        Missing missing;
        missing.parent = link.parent;
        for (size_t i = 0; i < link.child_columns.size(); ++i)
            missing.columns.emplace_back(link.parent_columns[i], Value(values[link.child_columns[i]]));
        return missing;
    }
    return std::nullopt;
}

std::vector<std::pair<const Table*, std::string>> References::named_parents(const ChangeView& change) const {
    std::vector<std::pair<const Table*, std::string>> parents;
    for (const Link& link : links_) {
        if (link.child != change.table || link.parent_columns.size() != link.parent->key.size()) continue;
        std::string key;
        size_t found = 0;
        for (const uint32_t key_column : link.parent->key) {
            const auto place = std::find(link.parent_columns.begin(), link.parent_columns.end(), key_column);
            if (place == link.parent_columns.end()) break;
            const uint32_t child_column = link.child_columns[static_cast<size_t>(place - link.parent_columns.begin())];
            const auto cell = std::find_if(change.cells.begin(), change.cells.end(), [&](const CellView& c) { return c.column == child_column; });
            if (cell == change.cells.end() || cell->value.is_null()) break;
            put_value(key, cell->value);
            ++found;
        }
        if (found == link.parent->key.size()) parents.emplace_back(link.parent, std::move(key));
    }
    return parents;
}

// Only links to the parent's primary key can be asked by key alone; of the others the pending children are asked (missing_parent).
std::vector<std::string> References::children_of(const Table& parent, std::string_view key) {
    std::vector<std::string> children;
    std::vector<ValueView> key_values;
    decode_record(key, key_values);
    for (const Link& link : links_) {
        if (link.parent != &parent || link.parent_columns != parent.key) continue;
        std::string condition;
        std::string columns;
        for (size_t i = 0; i < link.child_columns.size(); ++i) {
            condition += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", quote_identifier(link.child->columns[link.child_columns[i]].name), i + 1);
        }
        for (const uint32_t column : link.child->key)
            columns += (columns.empty() ? "" : ", ") + quote_identifier(link.child->columns[column].name);
        sqlite::Statement& find = db_.cached(fmt::format("SELECT {} FROM main.{} WHERE {}", columns, quote_identifier(link.child->name), condition));
        const sqlite::ResetGuard guard(find);
        for (size_t i = 0; i < key_values.size(); ++i)
            find.bind(static_cast<int>(i) + 1, key_values[i]);
        while (find.step()) {
            std::string child_key;
            for (int i = 0; i < find.column_count(); ++i)
                put_value(child_key, find.value(i));
            children.push_back(row_name(schema_, *link.child, child_key));
        }
    }
    return children;
}

}  // namespace tombolo::device
