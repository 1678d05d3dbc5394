// merge_transaction: the table of docs/internals/merge.md, section 3. This file branches; row.cc and policies.cc compute.
#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/assert.h"
#include "merge/candidates.h"
#include "merge/merge.h"
#include "merge/row.h"
#include "merge/telling.h"

namespace tombolo::merge {

namespace {

bool holds(const RowState& row, const ChangeView& change) {
    return std::all_of(change.cells.begin(), change.cells.end(), [&](const CellView& cell) {
        return (cell.column < row.values.size() ? row.values[cell.column].view() : ValueView()) == cell.value;
    });
}

struct Survey {
    bool deletes_lost = false;
    std::vector<const Table*> inserted;  // tables with inserts
    bool inserted_into(const Table& table) const { return std::find(inserted.begin(), inserted.end(), &table) != inserted.end(); }
};

class Merge {
public:
    Merge(Rows& rows, ChangeSource& changes, const Writer& writer, History* history, Expressions* expressions)
        : rows_(rows), changes_(changes), writer_(writer), history_(history), expressions_(expressions) {}

    Outcome run() {
        changes_.rewind();
        while (!outcome_.rejected() && advance()) {
            if (rows_.is_hidden(table(), change_->key)) continue;
            const Existence before = rows_.find(table(), change_->key, row_);
            if (change_->kind == ChangeKind::insert) {
                insert(before);
            } else if (change_->kind == ChangeKind::update) {
                update(before);
            } else {
                erase(before);
            }
        }
        return std::move(outcome_);
    }

private:
    const Table& table() const { return *change_->table; }
    Arrival arrival() const { return {table(), change_->key, writer_, history_, expressions_, change_, &before_}; }

    void insert(Existence before) {
        if (before != Existence::alive) {
            begin_life(row_, *change_, arrival());
        } else if (change_->over_own_delete && knows_birth(row_.meta, writer_)) {  // the delete lost: an update of all cells
            lose();
            touch(row_, arrival());
            const bool whole = std::any_of(change_->cells.begin(), change_->cells.end(),
                                           [&](const CellView& cell) { return table().is_of_whole(cell.column) && !(cell.value == cell.base); });
            merge_cells([&](const CellView& cell) {
                const bool written = !(cell.value == cell.base) || (whole && table().is_of_whole(cell.column));
                return written ? std::optional(cell) : std::nullopt;
            });
        } else if (holds(row_, *change_)) {
            touch(row_, arrival());
        } else if (table().insert_mode == InsertMode::merge) {
            lose();
            tell_row(CellFate::combined, row_.meta.birth.site, arrival());
            touch(row_, arrival());
            merge_cells([&](const CellView& cell) {
                const CellView written{cell.column, table().columns[cell.column].default_value, cell.value};
                return table().is_key(cell.column) ? std::nullopt : std::optional(written);
            });
        } else {
            return reject(RejectCode::primary_key, "table " + table().name + " has another row with this primary key");
        }
        store(before);
    }

    void update(Existence before) {
        const bool delete_wins = table().delete_mode == DeleteMode::delete_wins;
        if (before == Existence::unknown) return reject_missing();
        if (before == Existence::dead) {
            const LifeMark death = row_.meta.death;
            if (delete_wins) {
                if (death.seq > writer_.seen) tell_beaten_update(*change_, death.site, nullptr, arrival());
                return lose();
            }
            if (death.site == writer_.site || death.seq <= writer_.seen) return reject_missing();
            turn_back(row_, arrival());
            revive_companions(death.seq);
        } else if (delete_wins && row_.meta.reborn && !knows_birth(row_.meta, writer_)) {
            tell_beaten_update(*change_, row_.meta.birth.site, &row_, arrival());
            return lose();  // meant for an earlier life, which a delete ended
        }
        touch(row_, arrival());
        merge_cells([](const CellView& cell) { return std::optional(cell); });
        store(before);
    }

    void erase(Existence before) {
        if (before != Existence::alive) return;
        const bool delete_wins = table().delete_mode == DeleteMode::delete_wins;
        const bool moved = !delete_wins && survey().inserted_into(table());
        if (delete_wins || !survey().deletes_lost) {
            tell_beaten_cells(row_, *change_, arrival());
            end_life(row_, moved, arrival());
            return store(before);
        }
        lose();
        const bool asks = table().delete_mode == DeleteMode::manual || moved;
        if (!asks || is_later_own(row_.meta.touch, writer_)) return tell_row(CellFate::lost, row_.meta.touch.site, arrival());
        tell_row(CellFate::waits, row_.meta.touch.site, arrival(), writer_.seq);
        close_seen(row_, Candidate::row_itself, arrival());
        open_deletion(row_, *change_, arrival());
        ask();
        store(before);
    }

    // `as`: the write that a cell of the change is, or nothing.
    template <typename As>
    void merge_cells(As as) {
        before_ = look_before(row_, table(), *change_, writer_);
        for (const CellView& cell : change_->cells) {
            if (const std::optional<CellView> written = as(cell)) merge(*written);
        }
    }

    void merge(const CellView& cell) {
        if (outcome_.rejected()) return;
        const CellOutcome outcome = merge_cell(row_, cell, arrival());
        if (outcome.merged) lose();
        if (outcome.conflict) ask();
        if (outcome.code == RejectCode::none) return;
        reject(outcome.code, "column " + table().name + "." + table().columns[cell.column].name + " " + outcome.reason);
    }

    // The row lives again. Where a person is to decide about the deletion, it stays open.
    void turn_back(RowState& row, const Arrival& arrival) {
        if (arrival.table.delete_mode == DeleteMode::manual || row.meta.moved) {
            tell_row(CellFate::waits, row.meta.death.site, arrival, row.meta.death.seq);
            open_turned_back(row, arrival);
            ask();
        }
        revive(row);
    }

    void store(Existence before) {
        if (!outcome_.rejected()) rows_.write(table(), change_->key, before, row_);
    }

    // What a delete must know of the whole transaction. All its deletes lose together, so the first one asks for all: the rows they
    // name are still as they were before the transaction, which changes a row once, and does not delete what it revives. And a change
    // of a row's key arrives as a delete and an insert; should the delete lose, both rows live, and a person is told.
    const Survey& survey() {
        if (survey_) return *survey_;
        survey_.emplace();
        RowState row;
        walk([&](const ChangeView& change) {
            if (change.kind == ChangeKind::insert && !survey_->inserted_into(*change.table)) survey_->inserted.push_back(change.table);
            if (change.kind != ChangeKind::erase || survey_->deletes_lost) return;
            if (change.table->delete_mode == DeleteMode::delete_wins || rows_.is_hidden(*change.table, change.key)) return;
            survey_->deletes_lost = rows_.find(*change.table, change.key, row) == Existence::alive && is_unseen(row.meta.touch, writer_);
        });
        return *survey_;
    }

    // A delete that an update turns back is turned back whole, but for the rows that this transaction deletes itself.
    void revive_companions(Seq death) {
        RowState row;
        for (const RowName& name : rows_.dead_by(death)) {
            if (name.table == change_->table && name.key == change_->key) continue;
            if (deletes(name) || rows_.find(*name.table, name.key, row) != Existence::dead) continue;
            turn_back(row, {*name.table, name.key, writer_, history_, expressions_});
            rows_.write(*name.table, name.key, Existence::dead, row);
        }
    }

    bool deletes(const RowName& name) {
        if (!deleted_) {
            deleted_.emplace();
            walk([&](const ChangeView& change) {
                if (change.kind == ChangeKind::erase) deleted_->insert({change.table, std::string(change.key)});
            });
        }
        return deleted_->count(name) != 0;
    }

    // Walks all changes from inside one of them, then returns to it.
    template <typename Visit>
    void walk(Visit visit) {
        changes_.rewind();
        while (const ChangeView* change = changes_.next())
            visit(*change);
        changes_.rewind();
        for (size_t i = 0; i < taken_; ++i)
            change_ = changes_.next();
        TOMBOLO_ASSERT(change_ != nullptr);
    }

    bool advance() {
        change_ = changes_.next();
        if (change_ == nullptr) return false;
        ++taken_;
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
    Expressions* const expressions_;
    Outcome outcome_;
    const ChangeView* change_ = nullptr;  // the change at hand, and how many were taken
    size_t taken_ = 0;
    RowState row_;  // of the change at hand; one for all, so its memory is used again
    Before before_;
    std::optional<Survey> survey_;
    std::optional<std::unordered_set<RowName, RowNameHash>> deleted_;
};

}  // namespace

Outcome merge_transaction(Rows& rows, ChangeSource& changes, const Writer& writer, History* history, Expressions* expressions) {
    return Merge(rows, changes, writer, history, expressions).run();
}

}  // namespace tombolo::merge
