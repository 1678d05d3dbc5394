#include "device/dependence.h"

#include <algorithm>

#include "base/assert.h"
#include "device/net_changes.h"
#include "device/references.h"
#include "model/record.h"

namespace tombolo::device {

HubTime hub_time_of(sqlite::Connection& db, const LogContext& context) {
    sqlite::Statement& device = db.cached("SELECT boot_id, boot_offset, clock_offset FROM main.tombolo_device");
    const sqlite::ResetGuard guard(device);
    TOMBOLO_ASSERT(device.step());
    if (!device.is_null(0) && device.blob(0) == context.boot_id.view()) return context.boot + device.integer(1);
    return std::max(context.wall + device.integer(2), context.seen_time);
}

void Dependence::begin(uint64_t number) {
    existence_.cover(outbox_, schema_, number - 1);
    rebase_changed_existence_ = db_.query_integer("SELECT EXISTS (SELECT 1 FROM main.tombolo_existence)") != 0;
}

void Dependence::add(uint64_t number, std::vector<uint64_t> rows) {
    existence_.add(number, std::move(rows));
    pending_[number] = true;
}

bool Dependence::is_pending(uint64_t number) {
    const auto known = pending_.find(number);
    if (known != pending_.end()) return known->second;
    sqlite::Statement& state = db_.cached("SELECT state FROM main.tombolo_outbox WHERE number = ?1");
    const sqlite::ResetGuard guard(state);
    const bool pending = state.with(number).step() && state.integer(0) == static_cast<int>(EntryState::pending);
    pending_[number] = pending;
    return pending;
}

uint64_t Dependence::maker_of(uint64_t table_id, std::string_view key) {
    uint64_t maker = 0;
    if (!existence_.empty()) {
        for (const uint64_t number : existence_.find(hash_row(table_id, key))) {
            if (!is_pending(number)) continue;
            maker = number;
            break;
        }
    }
    if (rebase_changed_existence_) {
        sqlite::Statement& find = db_.cached("SELECT number FROM main.tombolo_existence WHERE table_id = ?1 AND key = ?2");
        const sqlite::ResetGuard guard(find);
        if (find.bind(1, table_id).bind_blob(2, key).step() && find.number(0) > maker && is_pending(find.number(0))) maker = find.number(0);
    }
    return maker;
}

void Dependence::find_needs(uint64_t table_id, const ChangeView& change, std::vector<uint64_t>& needs) {
    if (existence_.empty() && !rebase_changed_existence_) return;
    if (const uint64_t maker = maker_of(table_id, change.key); maker != 0) needs.push_back(maker);
    if (change.kind == ChangeKind::erase) return;
    for (const auto& [parent, key] : outbox_.references().named_parents(change)) {
        const uint64_t parent_id = table_id_of(schema_, *parent);
        const uint64_t maker = maker_of(parent_id, key);
        // Whoever ended the parent left nothing to need.
        if (maker != 0 && image_erased_by(maker, name_row(parent_id, key)) == nullptr) needs.push_back(maker);
    }
}

void Dependence::complete_insert(uint64_t table_id, ChangeView& change) {
    const uint64_t maker = maker_of(table_id, change.key);
    if (maker == 0) return;
    const std::string* image = image_erased_by(maker, name_row(table_id, change.key));
    if (image == nullptr) return;
    change.over_own_delete = true;
    Reader in(*image);
    for (size_t i = 0; i < change.cells.size() && !in.at_end(); ++i)
        change.cells[i].base = read_value(in);
}

// nullptr: that transaction did not end the row.
const std::string* Dependence::image_erased_by(uint64_t number, const std::string& row) {
    auto erased = erased_.find(number);
    if (erased == erased_.end()) {
        erased = erased_.emplace(number, std::unordered_map<std::string, std::string>{}).first;
        const auto changes = outbox_.frozen_changes({number});
        while (const ChangeView* change = changes->next()) {
            if (change->kind != ChangeKind::erase) continue;
            std::string image;
            for (const CellView& cell : change->cells)
                put_value(image, cell.base);
            erased->second.emplace(name_row(table_id_of(schema_, *change->table), change->key), std::move(image));
        }
    }
    const auto found = erased->second.find(row);
    return found == erased->second.end() ? nullptr : &found->second;
}

std::vector<TransactionNumber> distinct_needs(std::vector<uint64_t> needs) {
    std::sort(needs.begin(), needs.end());
    needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
    std::vector<TransactionNumber> numbers;
    for (const uint64_t number : needs)
        numbers.push_back({number});
    return numbers;
}

}  // namespace tombolo::device
