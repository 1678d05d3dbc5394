// merge_transaction: the table of docs/internals/merge.md, section 3. This file branches; row.cc and policies.cc compute.
#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/assert.h"
#include "merge/candidates.h"
#include "merge/merge.h"
#include "merge/policies.h"
#include "merge/row.h"
#include "tombolo/error.h"

namespace tombolo::merge {

namespace {

bool holds(const RowState& row, const ChangeView& change) {
    return std::all_of(change.cells.begin(), change.cells.end(), [&](const CellView& cell) {
        return (cell.column < row.values.size() ? row.values[cell.column].view() : ValueView()) == cell.value;
    });
}

class Merge {
public:
    Merge(Rows& rows, ChangeSource& changes, const Writer& writer, History* history)
        : rows_(rows), changes_(changes), writer_(writer), history_(history) {}

    Outcome run() {
        changes_.rewind();
        while (!outcome_.rejected() && advance()) {
            if (rows_.is_hidden(table(), change_->key)) continue;
            const Existence before = rows_.find(table(), change_->key, row_);
            switch (change_->kind) {
                case ChangeKind::insert: insert(before); break;
                case ChangeKind::update: update(before); break;
                case ChangeKind::erase: erase(before); break;
            }
        }
        return std::move(outcome_);
    }

private:
    const Table& table() const { return *change_->table; }
    Arrival arrival() const { return {table(), change_->key, writer_, history_}; }

    void insert(Existence before) {
        if (before != Existence::alive) {
            begin_life(row_, *change_, arrival());
        } else if (change_->over_own_delete && knows_birth(row_.meta, writer_)) {  // the delete lost: an update of all cells
            lose();
            touch(row_, arrival());
            for (const CellView& cell : change_->cells) {
                if (!(cell.value == cell.base)) merge(cell);
            }
        } else if (holds(row_, *change_)) {
            touch(row_, arrival());
        } else if (table().insert_mode == InsertMode::merge) {
            lose();
            touch(row_, arrival());
            for (const CellView& cell : change_->cells) {
                if (!table().is_key(cell.column)) merge({cell.column, table().columns[cell.column].default_value, cell.value});
            }
        } else {
            return reject(RejectCode::primary_key, "table " + table().name + " has another row with this primary key");
        }
        store(before);
    }

    void update(Existence before) {
        const bool delete_wins = table().delete_mode == DeleteMode::delete_wins;
        if (before == Existence::unknown) return reject_missing();
        if (before == Existence::dead) {
            if (delete_wins) return lose();
            const LifeMark death = row_.meta.death;
            if (death.site == writer_.site || death.seq <= writer_.seen) return reject_missing();
            turn_back(row_, arrival());
            revive_companions(death.seq);
        } else if (delete_wins && row_.meta.reborn && !knows_birth(row_.meta, writer_)) {
            return lose();  // meant for an earlier life, which a delete ended
        }
        touch(row_, arrival());
        for (const CellView& cell : change_->cells)
            merge(cell);
        store(before);
    }

    void erase(Existence before) {
        if (before != Existence::alive) return;
        if (table().delete_mode == DeleteMode::delete_wins || !deletes_lost()) {
            end_life(row_, arrival());
            return store(before);
        }
        lose();
        if (table().delete_mode != DeleteMode::manual || is_later_own(row_.meta.touch, writer_)) return;
        close_seen(row_, Candidate::row_itself, arrival());
        open_deletion(row_, *change_, arrival());
        ask();
        store(before);
    }

    void merge(const CellView& cell) {
        if (outcome_.rejected()) return;
        const CellOutcome outcome = merge_cell(row_, cell, arrival());
        if (outcome.merged) lose();
        if (outcome.conflict) ask();
        if (outcome.code == RejectCode::none) return;
        reject(outcome.code, "column " + table().name + "." + table().columns[cell.column].name + " " + outcome.reason);
    }

    // The row lives again. Where a person is to decide about deletions, the one that is turned back stays open.
    void turn_back(RowState& row, const Arrival& arrival) {
        if (arrival.table.delete_mode == DeleteMode::manual) {
            open_turned_back(row, arrival);
            ask();
        }
        revive(row);
    }

    void store(Existence before) {
        if (!outcome_.rejected()) rows_.write(table(), change_->key, before, row_);
    }

    // All deletes of a transaction lose together, so the first one asks for all. The rows they name are still as they were before
    // the transaction: it changes a row once, and what it revives it does not delete.
    bool deletes_lost() {
        if (!deletes_lost_) {
            bool lost = false;
            RowState row;
            walk_deletes([&](const ChangeView& erased) {
                if (lost || erased.table->delete_mode == DeleteMode::delete_wins || rows_.is_hidden(*erased.table, erased.key)) return;
                lost = rows_.find(*erased.table, erased.key, row) == Existence::alive && is_unseen(row.meta.touch, writer_);
            });
            deletes_lost_ = lost;
        }
        return *deletes_lost_;
    }

    // A delete that an update turns back is turned back whole, but for the rows that this transaction deletes itself.
    void revive_companions(Seq death) {
        RowState row;
        for (const RowName& name : rows_.dead_by(death)) {
            if (name.table == change_->table && name.key == change_->key) continue;
            if (deletes(name) || rows_.find(*name.table, name.key, row) != Existence::dead) continue;
            turn_back(row, {*name.table, name.key, writer_, history_});
            rows_.write(*name.table, name.key, Existence::dead, row);
        }
    }

    bool deletes(const RowName& name) {
        if (!deleted_) {
            deleted_.emplace();
            walk_deletes([&](const ChangeView& erased) { deleted_->insert({erased.table, std::string(erased.key)}); });
        }
        return deleted_->count(name) != 0;
    }

    // Walks the changes from inside one of them, then returns to it.
    template <typename Visit>
    void walk_deletes(Visit visit) {
        changes_.rewind();
        while (const ChangeView* change = changes_.next()) {
            if (change->kind == ChangeKind::erase) visit(*change);
        }
        changes_.rewind();
        for (size_t i = 0; i < taken_; ++i)
            change_ = changes_.next();
        TOMBOLO_ASSERT(change_ != nullptr);
    }

    bool advance() {
        change_ = changes_.next();
        if (change_ == nullptr) return false;
        ++taken_;
        if (change_->table != supported_) require_supported(table());
        supported_ = change_->table;
        return true;
    }

    void lose() {
        if (outcome_.kind == VerdictKind::accepted) outcome_.kind = VerdictKind::merged;
    }
    void ask() { outcome_.kind = VerdictKind::in_conflict; }
    void reject(RejectCode code, std::string reason) { outcome_ = {VerdictKind::rejected, code, std::move(reason)}; }
    void reject_missing() { reject(RejectCode::primary_key, "the row of table " + table().name + " does not exist (any more)"); }

    Rows& rows_;
    ChangeSource& changes_;
    const Writer writer_;
    History* const history_;
    Outcome outcome_;
    const ChangeView* change_ = nullptr;  // the change at hand, and how many were taken
    size_t taken_ = 0;
    RowState row_;                      // of the change at hand; one for all, so its memory is used again
    const Table* supported_ = nullptr;  // the newest table that was asked
    std::optional<bool> deletes_lost_;
    std::optional<std::unordered_set<RowName, RowNameHash>> deleted_;
};

}  // namespace

void require_supported(const Table& table) {
    for (const Column& column : table.columns) {
        if (is_supported(column.policy)) continue;
        throw Error(ErrorCode::unsupported, "the policy of column " + table.name + "." + column.name + " comes in a later version",
                    "use lww, hub, device, manual, counter, max or min");
    }
}

Outcome merge_transaction(Rows& rows, ChangeSource& changes, const Writer& writer, History* history) {
    return Merge(rows, changes, writer, history).run();
}

}  // namespace tombolo::merge
