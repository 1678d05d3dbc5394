#include "device/existence_index.h"

#include <algorithm>

#include "device/net_changes.h"

namespace tombolo::device {

namespace {
constexpr size_t run_rows_min = 1024;
}

void ExistenceIndex::clear() {
    rows_.clear();
    runs_.clear();
    covered_ = 0;
}

void ExistenceIndex::cover(Outbox& outbox, const Schema& schema, uint64_t last) {
    if (last < covered_) clear();
    while (const auto entry = outbox.next_after({covered_})) {
        if (entry->header.number.value > last) break;
        std::vector<uint64_t> rows;
        const auto changes = outbox.frozen_changes(entry->header.number);
        while (const ChangeView* change = changes->next()) {
            if (change->kind == ChangeKind::update) continue;
            rows.push_back(hash_row(table_id_of(schema, *change->table), change->key));
        }
        add(entry->header.number.value, std::move(rows));
    }
    covered_ = last;
}

void ExistenceIndex::add(uint64_t number, std::vector<uint64_t> rows) {
    covered_ = number;
    if (rows.size() >= run_rows_min) {
        runs_.push_back({number, false, std::move(rows)});
        return;
    }
    for (const uint64_t row : rows)
        rows_.emplace(row, number);
}

std::vector<uint64_t> ExistenceIndex::find(uint64_t row) {
    std::vector<uint64_t> numbers;
    const auto [first, last] = rows_.equal_range(row);
    for (auto at = first; at != last; ++at)
        numbers.push_back(at->second);
    for (Run& run : runs_) {
        if (!run.sorted) std::sort(run.rows.begin(), run.rows.end());
        run.sorted = true;
        if (std::binary_search(run.rows.begin(), run.rows.end(), row)) numbers.push_back(run.number);
    }
    std::sort(numbers.rbegin(), numbers.rend());
    return numbers;
}

}  // namespace tombolo::device
