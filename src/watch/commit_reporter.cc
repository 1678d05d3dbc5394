#include "watch/commit_reporter.h"

#include <new>
#include <utility>

#include "device/capture.h"

namespace tombolo::watch {

void CommitReporter::follow(sqlite::Connection& db, const std::shared_ptr<CommitBoard>& board) {
    if (db_ != nullptr || !board->in_use()) return;
    board_ = board;
    counter_ = sqlite::CommitCounter(db.handle());
    db_ = db.handle();
    device::note_touched_tables(db_, &touched_);
    sqlite3_commit_hook(
        db_,
        [](void* self) {
            try {
                static_cast<CommitReporter*>(self)->before_commit();
            } catch (const std::bad_alloc&) {  // then it is somebody's commit: everything is looked at
            }
            return 0;
        },
        this);
    sqlite3_rollback_hook(
        db_, [](void* self) { static_cast<CommitReporter*>(self)->touched_.take(); }, this);
}

// Under the write lock: nobody else's commit comes between the number and ours.
void CommitReporter::before_commit() {
    settle();
    std::unordered_set<std::string> tables = touched_.take();
    if (!board_->in_use() || sqlite3_txn_state(db_, "main") != SQLITE_TXN_WRITE) return;
    const std::optional<uint32_t> before = counter_.read();
    if (!before) return;
    open_ = Open{0, *before + 1, pages_written()};
    open_->claim = board_->claim(open_->number, std::move(tables));
}

// A commit without a page in the log takes no number. Nor does one that failed.
void CommitReporter::settle() {
    if (!open_) return;
    const Open open = *std::exchange(open_, std::nullopt);
    const std::optional<uint32_t> now = counter_.read();
    const bool reached = now && static_cast<int32_t>(*now - open.number) >= 0;
    if (reached && pages_written() != open.pages_written)
        board_->confirm(open.claim);
    else
        board_->give_up(open.claim);
}

void CommitReporter::detach() {
    if (db_ == nullptr) return;
    settle();
    sqlite3_commit_hook(db_, nullptr, nullptr);
    sqlite3_rollback_hook(db_, nullptr, nullptr);
    device::note_touched_tables(db_, nullptr);
    db_ = nullptr;
}

int CommitReporter::pages_written() const {
    int now = 0;
    int highest = 0;
    sqlite3_db_status(db_, SQLITE_DBSTATUS_CACHE_WRITE, &now, &highest, 0);
    return now;
}

}  // namespace tombolo::watch
