#include "client/rejections.h"

#include "device/rejected.h"
#include "model/record.h"
#include "sqlite/connection.h"

namespace tombolo::client {

namespace {

enum class Side { base, value };
NamedRow cells_of(const ChangeView& change, Side side) {
    NamedRow cells;
    if (change.kind == (side == Side::base ? ChangeKind::insert : ChangeKind::erase)) return cells;
    for (const CellView& cell : change.cells)
        cells.push_back({change.table->columns[cell.column].name, Value(side == Side::base ? cell.base : cell.value)});
    return cells;
}

RowChange kind_of(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::insert: return RowChange::insert;
        case ChangeKind::update: return RowChange::update;
        case ChangeKind::erase: break;
    }
    return RowChange::erase;
}

RejectedChange read_change(device::Replica& replica, const ChangeView& change) {
    const Table& table = *change.table;
    RejectedChange out;
    out.table = table.name;
    out.kind = kind_of(change.kind);
    out.base = cells_of(change, Side::base);
    out.values = cells_of(change, Side::value);
    std::vector<ValueView> key;
    decode_record(change.key, key);
    for (size_t i = 0; i < key.size() && i < table.key.size(); ++i)
        out.key.push_back({table.columns[table.key[i]].name, Value(key[i])});
    std::vector<Value> theirs;
    if (!device::read_hub_row(replica.db(), replica.schema(), table, change.key, theirs)) return out;
    out.theirs.emplace();
    for (size_t i = 0; i < theirs.size(); ++i)
        out.theirs->push_back({table.columns[i].name, std::move(theirs[i])});
    return out;
}

}  // namespace

std::vector<Rejection> read_rejections(device::Replica& replica) {
    const sqlite::ReadTransaction reading(replica.db());
    std::vector<Rejection> rejections;
    replica.outbox().for_each([&](const device::Entry& entry) {
        if (entry.state == device::EntryState::pending) return;
        Rejection rejection;
        rejection.number = entry.header.number.value;
        rejection.expected = entry.state == device::EntryState::expected;
        rejection.reason = "a row that arrived from the hub stands in its way; the hub has not decided yet";
        if (entry.verdict) {
            rejection.code = entry.verdict->code;
            rejection.reason = entry.verdict->reason;
            if (entry.verdict->depends_on.value != 0) rejection.depends_on = entry.verdict->depends_on.value;
        }
        rejections.push_back(std::move(rejection));
    });
    for (Rejection& rejection : rejections) {
        const auto changes = replica.outbox().changes({rejection.number});
        while (const ChangeView* change = changes->next())
            rejection.changes.push_back(read_change(replica, *change));
    }
    return rejections;
}

}  // namespace tombolo::client
