#include "tests/enumeration/adapter.h"

#include <algorithm>
#include <string>

namespace tombolo::enumeration {

namespace {
// How a policy writes its elements.
struct Form {
    const char* begin;
    const char* between;
    const char* after;  // each element
    const char* end;
};
constexpr Form set_form{"[", ",", "", "]"}, json_form{"{", ",", "\":1", "}"}, text_form{"", "", "\n", ""};
}  // namespace

bool is_taken_apart(const World& world) {
    const ColumnPolicy policy = world.settings.policy;
    return policy == ColumnPolicy::set || policy == ColumnPolicy::json || policy == ColumnPolicy::text;
}

Value to_value(const World& world, int64_t number) {
    if (!is_taken_apart(world)) return number;
    const bool json = world.settings.policy == ColumnPolicy::json;
    const Form& form = json ? json_form : world.settings.policy == ColumnPolicy::set ? set_form : text_form;
    std::string value;
    for (int element = 0; element < 63; ++element) {
        if ((number >> element & 1) != 0)
            value += (value.empty() ? "" : form.between) + std::string(json ? "\"" : "") + std::to_string(element) + form.after;
    }
    return form.begin + value + form.end;
}

int64_t to_number(const Value& value) {
    if (value.type() == ValueType::integer) return value.as_integer();
    int64_t number = 0;
    const std::string_view text = value.bytes();
    constexpr std::string_view digits = "0123456789";
    for (size_t at = text.find_first_of(digits); at < text.size(); at = text.find_first_of(digits, at)) {
        const size_t end = std::min(text.find_first_not_of(digits, at), text.size());
        number |= int64_t{1} << std::stoi(std::string(text.substr(at, end - at)));
        at = text.compare(end, 3, "\":1") == 0 ? end + 3 : end;
    }
    return number;
}

void to_row_state(const World& world, int key, const Row& row, RowState& state) {
    state.existence = row.existence;
    if (row.existence == Existence::unknown) {
        state.values.clear();
        state.meta = {};
        state.candidates.clear();
        return;
    }
    state.values.resize(columns + 1);
    state.values[0] = Value(int64_t{key});
    for (size_t c = 0; c < columns; ++c)
        state.values[c + 1] = to_value(world, row.values[c]);
    state.meta.birth = row.birth;
    state.meta.death = row.death;
    state.meta.birth_stamp = row.birth_stamp;
    state.meta.moved = row.moved;
    state.meta.reborn = row.reborn;
    state.meta.touch = row.touch;
    state.candidates.clear();
    for (size_t i = 0; i < row.open_count; ++i) {
        const Open& open = row.open[i];
        Candidate& candidate = state.candidates.emplace_back();
        candidate = {open.column, {}, {}, open.site, {open.number}, {open.seq}, open.stamp};
        if (open.column != Candidate::row_itself) candidate.value = Value(open.value);
    }
    state.meta.cells.clear();
    if (!row.split) return;
    state.meta.cells.push_back({row.birth.site, row.birth.seq, {}, row.birth_stamp});
    for (const WriteMark& cell : row.cells)
        state.meta.cells.push_back(cell);
}

Row to_row(const RowState& state) {
    Row row;
    row.existence = state.existence;
    if (state.existence == Existence::unknown) return row;
    for (size_t c = 0; c < columns; ++c)
        row.values[c] = to_number(state.values[c + 1]);
    row.birth = state.meta.birth;
    row.death = state.meta.death;
    row.birth_stamp = state.meta.birth_stamp;
    row.moved = state.meta.moved;
    row.reborn = state.meta.reborn;
    row.touch = state.meta.touch;
    for (const Candidate& candidate : state.candidates) {
        if (row.open_count == candidates_max) throw std::length_error("a scope with so many conflicts needs a greater candidates_max");
        const bool is_cell = candidate.column != Candidate::row_itself;
        row.open[row.open_count++] = {candidate.column,       is_cell ? candidate.value.as_integer() : 0,
                                      candidate.site,         candidate.seq.value,
                                      candidate.number.value, candidate.stamp};
    }
    row.split = !state.meta.cells.empty();
    for (size_t c = 0; row.split && c < columns; ++c)
        row.cells[c] = state.meta.cells[c + 1];
    return row;
}

void EntryChanges::reset(const World& world, const Entry& entry) {
    world_ = &world;
    entry_ = &entry;
    at_ = 0;
}

const ChangeView* EntryChanges::next() {
    if (at_ == entry_->change_count) return nullptr;
    const Change& change = entry_->changes[static_cast<size_t>(at_++)];
    view_.table = &world_->table;
    view_.kind = change.kind;
    view_.over_own_delete = change.over_own_delete;
    view_.key = world_->keys[change.row];
    view_.cells.clear();
    for (size_t c = 0; c < columns; ++c) {
        base_[c] = to_value(*world_, change.base[c]);
        values_[c] = to_value(*world_, change.values[c]);
    }
    if (change.kind == ChangeKind::update) {
        for (uint32_t c = 0; c < columns; ++c) {
            if (c == change.column || world_->settings.whole_rows) view_.cells.push_back({c + 1, base_[c], values_[c]});
        }
        return &view_;
    }
    const bool insert = change.kind == ChangeKind::insert;
    const ValueView key = ValueView::integer(change.row);
    const bool has_base = !insert || change.over_own_delete;
    view_.cells.push_back({0, has_base ? key : ValueView(), insert ? key : ValueView()});
    for (uint32_t c = 0; c < columns; ++c) {
        view_.cells.push_back({c + 1, has_base ? base_[c].view() : ValueView(), insert ? values_[c].view() : ValueView()});
    }
    return &view_;
}

Existence HubRows::find(const Table&, std::string_view key, RowState& state) {
    const int row = world_.row_of(key);
    to_row_state(world_, row, rows_[static_cast<size_t>(row)], state);
    return state.existence;
}

void HubRows::write(const Table&, std::string_view key, Existence, const RowState& after) {
    const auto row = static_cast<size_t>(world_.row_of(key));
    rows_[row] = to_row(after);
    written |= 1U << row;
    if (after.existence != Existence::dead || world_.settings.repairs.tombstones_keep_marks) return;
    Row bare;
    bare.existence = Existence::dead;
    bare.values = rows_[row].values;
    bare.death = rows_[row].death;
    rows_[row] = bare;
}

std::vector<merge::RowName> HubRows::dead_by(Seq death) {
    std::vector<merge::RowName> names;
    for (size_t r = 0; r < static_cast<size_t>(world_.settings.rows); ++r) {
        if (rows_[r].existence == Existence::dead && rows_[r].death.seq == death) names.push_back({&world_.table, world_.keys[r]});
    }
    return names;
}

}  // namespace tombolo::enumeration
