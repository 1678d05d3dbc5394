#include "device/correction.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "merge/policies.h"
#include "model/record.h"
#include "sqlite/affinity.h"
#include "tombolo/error.h"

namespace tombolo::device {

namespace {

// `N.C`, `TABLE.C` or `C`: does it name this change's column?
struct Name {
    std::optional<size_t> position;  // from 1
    std::string table;               // empty: any
    std::string column;
};

Name read_name(const std::string& text) {
    Name name;
    const size_t dot = text.find('.');
    if (dot == std::string::npos) return {std::nullopt, {}, text};
    name.table = text.substr(0, dot);
    name.column = text.substr(dot + 1);
    size_t position = 0;
    const auto [end, error] = std::from_chars(name.table.data(), name.table.data() + name.table.size(), position);
    if (error == std::errc() && end == name.table.data() + name.table.size()) {
        name.position = position;
        name.table.clear();
    }
    return name;
}

std::optional<uint32_t> column_named(const Name& name, const ChangeView& change, size_t index) {
    if (change.kind == ChangeKind::erase) return std::nullopt;
    if (name.position && *name.position != index + 1) return std::nullopt;
    if (!name.table.empty() && !equal_names(name.table, change.table->name)) return std::nullopt;
    const auto column = change.table->find_column(name.column);
    if (column && change.kind == ChangeKind::update && change.table->is_key(*column)) return std::nullopt;
    return column;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

// What an edit made long ago becomes on the row as it is now: increments and three-way merges go on top, other values stand as written.
Value renewed(ColumnPolicy policy, const ValueView& present, const CellView& cell) {
    if (policy == ColumnPolicy::sql) return Value(cell.value);
    merge::Decision decision = merge::decide(policy, {.stored = present, .base = cell.base, .arriving = cell.value, .unseen = true, .later = true});
    if (decision.code != RejectCode::none) throw Error(ErrorCode::constraint, fmt::format("a value {}", decision.reason));
    if (decision.take == merge::Take::combined) return std::move(decision.combined);
    return Value(decision.take == merge::Take::stored && decision.keeps_stamp ? present : cell.value);
}

}  // namespace

CorrectedChanges::CorrectedChanges(ChangeSource& changes, const std::vector<Correction>& corrections, TableRows& rows)
    : changes_(changes), rows_(rows) {
    resolve(corrections);
    require_free_keys();
    changes_.rewind();
}

void CorrectedChanges::resolve(const std::vector<Correction>& corrections) {
    for (const Correction& correction : corrections) {
        const Name name = read_name(correction.column);
        std::vector<std::string> choices;
        std::optional<std::pair<size_t, uint32_t>> target;
        const Column* column = nullptr;
        changes_.rewind();
        for (size_t index = 0; const ChangeView* change = changes_.next(); ++index) {
            const auto found = column_named(name, *change, index);
            if (!found) continue;
            target = {index, *found};
            column = &change->table->columns[*found];
            choices.push_back(fmt::format("{}.{} (of {})", index + 1, column->name, change->table->name));
        }
        if (choices.empty()) {
            throw Error(ErrorCode::usage, fmt::format("no change of this transaction has a column {} that can be set", correction.column),
                        "name it as C, TABLE.C or N.C, N being the change's place in the list; the key of a changed row stays as it is");
        }
        if (choices.size() > 1)
            throw Error(ErrorCode::usage, fmt::format("several changes of this transaction have a column {}", correction.column),
                        "say which: " + joined(choices));
        targets_[*target] = sqlite::as_stored(sqlite::affinity_of(column->type), correction.value);
    }
}

// A key may be corrected, where the row is new. No two changes of a transaction name one row.
void CorrectedChanges::require_free_keys() {
    changes_.rewind();
    std::vector<std::pair<const Table*, std::string>> names;
    for (size_t index = 0; const ChangeView* change = changes_.next(); ++index) {
        std::string key;
        for (const uint32_t column : change->table->key) {
            const Value* value = change->kind == ChangeKind::insert ? corrected(index, column) : nullptr;
            if (change->kind == ChangeKind::insert) put_value(key, value != nullptr ? value->view() : change->cells[column].value);
        }
        if (change->kind != ChangeKind::insert) key = std::string(change->key);
        if (key != change->key) new_keys_[index] = key;
        names.emplace_back(change->table, std::move(key));
    }
    if (new_keys_.empty()) return;
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end())
        throw Error(ErrorCode::usage, "with these values two changes of the transaction would name one row", "choose another key");
}

const Value* CorrectedChanges::corrected(size_t index, uint32_t column) const {
    const auto found = targets_.find({index, column});
    return found == targets_.end() ? nullptr : &found->second;
}

ChangeView* CorrectedChanges::next() {
    while (const ChangeView* change = changes_.next()) {
        if (rewrite(*change, next_++)) return &out_;
    }
    return nullptr;
}

bool CorrectedChanges::rewrite(const ChangeView& change, size_t index) {
    out_.table = change.table;
    out_.kind = change.kind;
    out_.over_own_delete = false;
    out_.key = change.key;
    out_.cells.clear();
    owned_.clear();
    switch (change.kind) {
        case ChangeKind::insert: return rewrite_insert(change, index);
        case ChangeKind::update: return rewrite_update(change, index);
        case ChangeKind::erase: break;
    }
    if (!rows_.read(*change.table, change.key, present_)) return false;
    for (uint32_t column = 0; column < present_.size(); ++column)
        out_.cells.push_back({column, present_[column], {}});
    return true;
}

bool CorrectedChanges::rewrite_insert(const ChangeView& change, size_t index) {
    if (const auto key = new_keys_.find(index); key != new_keys_.end()) out_.key = key->second;
    for (const CellView& cell : change.cells) {
        const Value* value = corrected(index, cell.column);
        out_.cells.push_back({cell.column, {}, value != nullptr ? value->view() : cell.value});
    }
    return true;
}

bool CorrectedChanges::rewrite_update(const ChangeView& change, size_t index) {
    if (!rows_.read(*change.table, change.key, present_)) {
        throw Error(ErrorCode::constraint, fmt::format("the row of {} that this transaction changes is not there any more", change.table->name),
                    "discard the transaction, or write what should stand as a new row");
    }
    owned_.reserve(change.table->columns.size());
    for (uint32_t column = 0; column < present_.size(); ++column) {
        const auto cell = std::find_if(change.cells.begin(), change.cells.end(), [&](const CellView& one) { return one.column == column; });
        const Value* value = corrected(index, column);
        if (value == nullptr && cell == change.cells.end()) continue;
        owned_.push_back(value != nullptr ? *value : renewed(change.table->columns[column].policy, present_[column], *cell));
        const bool decides = cell != change.cells.end() && cell->base == cell->value;  // a decision for what is stored is a write, too
        if (decides || !(owned_.back() == present_[column])) out_.cells.push_back({column, present_[column], owned_.back()});
    }
    return !out_.cells.empty() || change.cells.empty();
}

}  // namespace tombolo::device
