// Foreign keys of the synced tables, asked about single rows. The session's connection does not enforce them (it must not cascade
// what arrives as rows), so apply asks where arrived and pending rows meet.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/change.h"
#include "model/schema.h"
#include "sqlite/connection.h"
#include "sqlite/inspect.h"
#include "tombolo/value.h"

namespace tombolo::device {

class References {
public:
    References(sqlite::Connection& db, const Schema& schema);

    bool any() const { return !links_.empty(); }
    bool from(const Table& child) const;              // its rows name parents
    bool by_other_columns(const Table& child) const;  // and some of them not by the parent's primary key
    struct Missing {
        const Table* parent = nullptr;
        std::vector<std::pair<uint32_t, Value>> columns;  // what the parent would hold
    };
    // A parent that a row with these values names and that is not there. NULL in any of its columns names none.
    std::optional<Missing> missing_parent(const Table& table, const std::vector<ValueView>& values);
    // Parents that a change names by their primary key, all of it in its own cells: table and key.
    std::vector<std::pair<const Table*, std::string>> named_parents(const ChangeView& change) const;
    // Names (pending_rows.h, row_name) of rows that refer to the parent with this primary key, which is not in its table.
    std::vector<std::string> children_of(const Table& parent, std::string_view key);

private:
    struct Link {
        const Table* child = nullptr;
        const Table* parent = nullptr;
        std::vector<uint32_t> child_columns;
        std::vector<uint32_t> parent_columns;
    };

    sqlite::Connection& db_;
    const Schema& schema_;
    std::vector<Link> links_;
};

}  // namespace tombolo::device
