// What the preupdate hook saw and no trigger has taken up yet: the changes of rows that are under way, outermost first.
//
// A change of a row is seen twice, by the hook before and by our trigger after. In between, triggers of the application and
// foreign-key actions may change other rows, and REPLACE deletes rows for which no trigger fires at all. The events nest, so they
// form a stack; what a failed statement leaves behind is recognised when it is met.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "device/capture_file.h"

namespace tombolo::device {

struct RowEvent {
    uint64_t serial = 0;  // given by push, growing
    int operation = 0;    // SQLITE_INSERT, SQLITE_UPDATE, SQLITE_DELETE
    CaptureFile* file = nullptr;
    CaptureFile::KnownTable* table = nullptr;
    int depth = 0;          // of the trigger that made the change; 0: a statement itself
    uint64_t happened = 0;  // file->operations() when it happened
    uint32_t data_version = 0;
    int64_t rowid = 0;       // deletes: the row's, where the table has rowids
    bool settled = false;    // a delete that is known to have happened
    bool written = false;    // a delete that is in the log already
    bool readable = true;    // a delete whose image could be read
    std::string key, image;  // deletes only
};

class RowEvents {
public:
    // `must_be_told`: the change must be logged before the transaction commits, or be undone.
    void push(RowEvent event, bool must_be_told);
    // Takes the innermost matching event out, and what lies above it: left behind by a failed statement. False: there is none.
    bool take(int operation, const CaptureFile::KnownTable& table, RowEvent& event);
    bool take_delete(const CaptureFile::KnownTable& table, std::string_view key, RowEvent& event);
    // Takes the deletes right below the event just taken: the rows it displaced.
    void drop_displaced_by(const RowEvent& event);
    std::vector<RowEvent>& all() { return events_; }  // outermost first
    void clear() { events_.clear(); }

    // Changes that happened, as far as SQLite told, and whose trigger has not called.
    bool any_untold() const { return !untold_.empty(); }
    void tell(uint64_t serial);
    void tell_newest_delete(const CaptureFile::KnownTable& table);
    uint64_t next_serial() const { return next_serial_; }
    void undo_from(uint64_t serial);  // changes of that serial and later ones were rolled back
    void end_transaction();

private:
    std::vector<RowEvent> events_;
    std::vector<uint64_t> untold_;  // serials, growing
    uint64_t next_serial_ = 1;
};

}  // namespace tombolo::device
