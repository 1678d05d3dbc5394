#include "tests/enumeration/truth.h"

#include <algorithm>

namespace tombolo::enumeration {

namespace {

constexpr Author nobody{0, UINT64_MAX};  // an author whom no one knows

class Judge {
public:
    Judge(const World& world, Hub& hub, const std::array<Row, rows_max>& before, int site, const Entry& entry, HubTime stamp)
        : world_(world), hub_(hub), before_(before), site_(static_cast<uint8_t>(site + 1)), entry_(entry), stamp_{stamp, {site_}} {}

    void refused(RejectCode code) const {
        if (code == RejectCode::foreign_key || code == RejectCode::parent_protected) return without_parent(code);
        for (const Change& change : entry_.changes) {
            if (&change - entry_.changes.data() >= entry_.change_count) break;
            if (may_be_refused(change)) return;
        }
        throw Violation("a transaction was refused though its row is there");
    }

    void accepted() {
        const bool deletes_lose = world_.settings.delete_mode != DeleteMode::delete_wins && some_delete_unseen();
        for (int i = 0; i < entry_.change_count; ++i) {
            const Change& change = entry_.changes[static_cast<size_t>(i)];
            switch (change.kind) {
                case ChangeKind::update: update(change); break;
                case ChangeKind::insert: insert(change); break;
                case ChangeKind::erase: erase(change, deletes_lose); break;
            }
        }
        for (size_t r = 0; r < static_cast<size_t>(world_.settings.rows); ++r)
            compare(r);
    }

private:
    // The second row needs the first: who wrote it found no parent, or who deleted the parent did not know the child.
    void without_parent(RejectCode code) const {
        const Past &parent = hub_.past[0], &child = hub_.past[1];
        if (code == RejectCode::foreign_key) {
            if (parent.alive && !erases(0)) throw Violation("a row was refused though its parent is there");
            return;
        }
        if (!child.alive || !erases(0)) throw Violation("a parent was protected though it has no child");
        const auto known = [&](const Author& a) { return knows(a); };
        if (std::all_of(child.touches.begin(), child.touches.begin() + child.touch_count, known))
            throw Violation("a parent was protected by a child that its author knew");
    }

    bool knows(const Author& author) const { return author.site == site_ || author.seq <= entry_.seen; }
    Author self() const { return {site_, hub_.head}; }
    Past& past(const Change& change) { return hub_.past[change.row]; }
    const Past& past(const Change& change) const { return hub_.past[change.row]; }

    bool may_be_refused(const Change& change) const {
        const Past& p = past(change);
        if (change.kind == ChangeKind::update) return !p.alive && (p.birth.seq == 0 || knows(p.death));
        if (change.kind != ChangeKind::insert || !p.alive || world_.settings.insert_mode == InsertMode::merge) return false;
        return before_[change.row].values != change.values && !(change.over_own_delete && knows(p.birth));
    }

    bool some_delete_unseen() const {
        for (int i = 0; i < entry_.change_count; ++i) {
            const Change& change = entry_.changes[static_cast<size_t>(i)];
            const Past& p = past(change);
            if (change.kind != ChangeKind::erase || !p.alive) continue;
            if (std::any_of(p.touches.begin(), p.touches.begin() + p.touch_count, [&](const Author& a) { return !knows(a); })) return true;
        }
        return false;
    }

    bool erases(size_t row) const {
        return std::any_of(entry_.changes.begin(), entry_.changes.begin() + entry_.change_count,
                           [&](const Change& c) { return c.kind == ChangeKind::erase && c.row == row; });
    }

    void update(const Change& change) {
        Past& p = past(change);
        const bool delete_wins = world_.settings.delete_mode == DeleteMode::delete_wins;
        if (p.birth.seq == 0) throw Violation("an update of a row that never existed was accepted");
        if (!p.alive) {
            if (delete_wins) return;
            if (knows(p.death)) throw Violation("an update was accepted whose author knew of the row's death");
            revive_all(p.death);
        } else if (delete_wins && p.earlier_life && !knows(p.birth)) {
            return;
        }
        touch(p);
        for (uint8_t c = 0; c < columns; ++c) {
            if (c == change.column || world_.settings.whole_rows) cell(p, change, c);
        }
    }

    bool inserts() const {
        return std::any_of(entry_.changes.begin(), entry_.changes.begin() + entry_.change_count,
                           [](const Change& c) { return c.kind == ChangeKind::insert; });
    }

    void revive_all(const Author death) {
        for (size_t r = 0; r < static_cast<size_t>(world_.settings.rows); ++r) {
            Past& p = hub_.past[r];
            if (p.alive || p.birth.seq == 0 || p.death.seq != death.seq || erases(r)) continue;
            p.alive = true;
            if (world_.settings.delete_mode == DeleteMode::manual || p.moved) p.deletions[p.deletion_count++] = death;
            p.moved = false;
        }
    }

    void insert(const Change& change) {
        Past& p = past(change);
        if (!p.alive) return begin_life(p, change);
        touch(p);
        const bool lost_delete = change.over_own_delete && knows(p.birth);
        const bool merges = world_.settings.insert_mode == InsertMode::merge;
        const bool equal = before_[change.row].values == change.values;
        if (!lost_delete && equal) return;
        if (!lost_delete && !merges) throw Violation("an insert was accepted over another's row");
        for (uint8_t c = 0; c < columns; ++c) {
            const bool whole = world_.settings.whole_rows && change.base != change.values;
            if (!lost_delete || change.base[c] != change.values[c] || whole) cell(p, change, c);
        }
    }

    void begin_life(Past& p, const Change& change) {
        const bool earlier = p.birth.seq != 0;
        p = {};
        p.birth = self();
        p.alive = true;
        p.earlier_life = earlier;
        touch(p);
        p.writer.fill(self());
        p.best.fill(stamp_);
        p.best_value = p.sum = p.greatest = p.least = p.added = change.values;
        for (uint8_t c = 0; c < columns; ++c)
            stay_unseen(p, c, change.values[c]);
    }

    // A write replaces what its author knew, and waits for one who knows it. A retry replaces only what its site wrote before it.
    void stay_unseen(Past& p, uint8_t c, int64_t value) {
        auto& list = p.unseen[c];
        const auto seen = [&](const Unseen& u) {
            return u.author.site == site_ ? !entry_.retry || u.stamp <= stamp_.time : u.author.seq <= entry_.seen;
        };
        const auto later_own = [&](const Unseen& u) { return entry_.retry && u.author.site == site_ && u.stamp > stamp_.time; };
        const auto end = list.begin() + p.unseen_count[c];
        if (std::any_of(list.begin(), end, later_own)) return;
        p.unseen_count[c] = static_cast<uint8_t>(std::remove_if(list.begin(), end, seen) - list.begin());
        list[p.unseen_count[c]++] = {self(), stamp_.time, value};
    }

    void erase(const Change& change, bool lost) {
        Past& p = past(change);
        if (!p.alive) return;
        p.retried = p.retried || entry_.retry;
        if (lost) {
            forget_seen(p);
            if (world_.settings.delete_mode == DeleteMode::manual || inserts()) p.deletions[p.deletion_count++] = self();
            return;
        }
        p.moved = inserts();
        p.alive = false;
        p.death = self();
        p.deletion_count = 0;
    }

    // Deletions whose loss the writer knows of, and his own: he wants the row as it is now.
    void forget_seen(Past& p) {
        const auto end = std::remove_if(p.deletions.begin(), p.deletions.begin() + p.deletion_count, [&](const Author& a) { return knows(a); });
        p.deletion_count = static_cast<uint8_t>(end - p.deletions.begin());
    }

    void touch(Past& p) {
        p.touches[p.touch_count++] = self();
        p.retried = p.retried || entry_.retry;
        forget_seen(p);
    }

    void cell(Past& p, const Change& change, uint8_t c) {
        const int64_t value = change.values[c];
        const bool has_base = change.kind == ChangeKind::update || change.over_own_delete;
        p.sum[c] += value - (has_base ? change.base[c] : 0);
        p.greatest[c] = std::max(p.greatest[c], value);
        p.least[c] = std::min(p.least[c], value);
        p.added[c] |= value & ~(has_base ? change.base[c] : 0);
        p.removed[c] |= has_base ? change.base[c] & ~value : 0;
        stay_unseen(p, c, value);
        if (entry_.retry) {  // an own later write supersedes it, whatever it knows of
            later_never_loses_[change.row][c] = false;
        } else {
            later_never_loses_[change.row][c] = knows(p.writer[c]);
        }
        written_[change.row][c] = true;
        value_[change.row][c] = value;
        if (stamp_ > p.best[c]) {
            p.best[c] = stamp_;
            p.best_value[c] = value;
        }
        if (before_[change.row].values[c] == value) {
            p.writer[c] = nobody;  // written by two: whose it is cannot be told from the value
        } else if (hub_.rows[change.row].values[c] == value) {
            p.writer[c] = self();
        }
    }

    void compare(size_t r) const {
        const Row& row = hub_.rows[r];
        const Past& p = hub_.past[r];
        if ((row.existence == Existence::alive) != p.alive) {
            throw Violation(std::string("row ") + static_cast<char>('p' + r) + (p.alive ? " is dead but must live" : " lives but must be dead"));
        }
        if (p.birth.seq == 0) return;
        if (p.alive) compare_deletions(r, row, p);
        for (size_t c = 0; c < columns; ++c)
            compare_cell(r, c, row.values[c], p);
    }

    static size_t count_open(const Row& row, uint32_t column) {
        return static_cast<size_t>(
            std::count_if(row.open.begin(), row.open.begin() + row.open_count, [&](const Open& o) { return o.column == column; }));
    }

    void compare_deletions(size_t r, const Row& row, const Past& p) const {
        const size_t open = count_open(row, Candidate::row_itself);
        for (size_t i = 0; i < p.deletion_count; ++i) {
            const Author& author = p.deletions[i];
            const bool kept = std::any_of(row.open.begin(), row.open.begin() + row.open_count,
                                          [&](const Open& o) { return o.column == Candidate::row_itself && o.seq == author.seq; });
            if (!kept && !p.retried) throw Violation(std::string("a deletion of row ") + static_cast<char>('p' + r) + " was lost silently");
        }
        if (open != p.deletion_count && !p.retried) throw Violation("a deletion waits for a decision that was taken");
    }

    // `manual`: what is stored and what waits are all writes that no accepted write had seen.
    void compare_unseen(const std::string& cell, const Row& row, uint8_t c, const Past& p) const {
        const auto kept = [&](int64_t value) {
            return row.values[c] == value || std::any_of(row.open.begin(), row.open.begin() + row.open_count,
                                                         [&](const Open& o) { return o.column == c + 1U && o.value == value; });
        };
        for (size_t i = 0; i < p.unseen_count[c]; ++i) {
            if (!kept(p.unseen[c][i].value)) throw Violation(cell + "lost " + std::to_string(p.unseen[c][i].value) + " silently");
        }
        if (count_open(row, c + 1U) + 1 != p.unseen_count[c] && !p.retried) throw Violation(cell + "waits for a decision that was taken");
    }

    void compare_cell(size_t r, size_t c, int64_t stored, const Past& p) const {
        const std::string cell = std::string("cell ") + static_cast<char>('p' + r) + "." + static_cast<char>('a' + c) + " ";
        const auto must_be = [&](int64_t right, const char* why) {
            if (stored != right) throw Violation(cell + "is " + std::to_string(stored) + ", not " + std::to_string(right) + ": " + why);
        };
        switch (world_.settings.policy) {
            case ColumnPolicy::lww: must_be(p.best_value[c], "the greatest stamp wins"); break;
            case ColumnPolicy::counter: must_be(p.sum[c], "every accepted increment counts once"); return;
            case ColumnPolicy::max: must_be(p.greatest[c], "the greatest value wins"); return;
            case ColumnPolicy::min: must_be(p.least[c], "the smallest value wins"); return;
            case ColumnPolicy::set:
            case ColumnPolicy::json:
            case ColumnPolicy::text: must_be(p.added[c] & ~p.removed[c], "what was added is in, what was removed is out"); return;
            case ColumnPolicy::device:
                if (written_[r][c] && !entry_.retry) must_be(value_[r][c], "the arriving write wins");
                break;
            case ColumnPolicy::sql:
                if (c == 0) return must_be(p.greatest[c], "the expression gives the greatest value");
                [[fallthrough]];
            case ColumnPolicy::manual: compare_unseen(cell, hub_.rows[r], static_cast<uint8_t>(c), p); break;
            default: break;
        }
        if (written_[r][c] && later_never_loses_[r][c]) must_be(value_[r][c], "a later write never loses");
    }

    const World& world_;
    Hub& hub_;
    const std::array<Row, rows_max>& before_;
    const uint8_t site_;
    const Entry& entry_;
    const Stamp stamp_;
    std::array<std::array<bool, columns>, rows_max> written_{}, later_never_loses_{};
    std::array<std::array<int64_t, columns>, rows_max> value_{};
};

}  // namespace

void check_commit(const World& world, Hub& hub, const std::array<Row, rows_max>& before, int site, const Entry& entry, HubTime stamp,
                  const merge::Outcome& outcome) {
    Judge judge(world, hub, before, site, entry, stamp);
    if (outcome.rejected()) {
        judge.refused(outcome.code);
    } else {
        judge.accepted();
    }
}

}  // namespace tombolo::enumeration
