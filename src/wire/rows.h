// Sections of rows and changes inside PushPart::rows and CheckpointPart::rows. Self-describing: a section names its table and
// columns, so both ends may know different versions of a schema.
//
//   rows     := section*
//   section  := table(bytes) n {column name(bytes)}*n item+ 0
//   item     := kind(1 byte) …                      columns in section order; all key columns are among them
//     1 insert  value*n                             change
//     2 update  key(bytes) m {column value base}*m  change; columns ascending, none of the key
//     3 erase   base*n                              change; the image that the author saw
//     4 insert over own delete  base*n value*n      change
//     5 row     meta-form value*n                   checkpoint: a row in its present state
//     6 gone    reason(1 byte) death.site death.seq key(bytes)   checkpoint: deleted, or left the channels
//     7 gone    reason(1 byte) meta value*n         the same, with its last image
//     8 update  key(bytes) m {column cell}*m        change; some of its texts as edits (model/text_edit.h)
//   cell      := 0 value base | 1 edit(bytes)
//   meta-form := 0 meta | 1                         1: the meta of the row (item 5) before it in this section
//
// A key is a record (model/record.h) of the key columns' values in key order. A meta (model/row.h) has no cells, or one per
// section column. The reader gives columns that the section does not have NULL, and their cells the row's birth.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/change.h"
#include "model/row.h"
#include "wire/item.h"

namespace tombolo::wire {

// Sent and persisted: never renumber.
enum class Gone : uint8_t { deleted = 1, left_channels = 2 };

// --- changes (PushPart) ---

class ChangeWriter {
public:
    void add(const ChangeView& change);
    size_t size() const { return out_.size(); }
    bool empty() const { return out_.empty(); }
    std::string take();  // closes the section; the writer is empty again

private:
    void enter(const Table& table);
    void add_update(const ChangeView& change);

    std::string out_;
    const Table* table_ = nullptr;  // of the open section
};

// Walks the changes in one part, mapping names to `schema`. Throws Error(protocol) on malformed bytes, Error(schema) on a table
// or column the schema does not have. `schema` and `rows` must outlive the reader.
class ChangeReader {
public:
    ChangeReader(const Schema& schema, std::string_view rows);
    const ChangeView* next();  // nullptr at the end; valid until the next call

private:
    void read_insert(bool over_own_delete);
    void read_erase();
    void read_update(bool with_edits);
    void read_cell(CellView& cell, bool with_edits);
    void set_every_column();

    ItemReader items_;
    ChangeView change_;
    bool every_column_ = false;  // change_.cells is one cell per column of the section's table, in order
};

// --- checkpoint rows (CheckpointPart) ---

struct RowView {
    const Table* table = nullptr;
    bool gone = false;
    Gone reason = Gone::deleted;
    std::string_view key;
    std::vector<ValueView> values;  // alive, or gone with image: one per column of the table
    bool has_image = false;         // gone: values and meta are there
    RowMeta meta;                   // alive: always; gone: death always, the rest only with image
};

class RowWriter {
public:
    void add_row(const Table& table, const std::vector<ValueView>& values, const RowMeta& meta);
    void add_gone(const Table& table, std::string_view key, Gone reason, const RowMeta& meta, const std::vector<ValueView>* image);
    size_t size() const { return out_.size(); }
    bool empty() const { return out_.empty(); }
    std::string take();  // closes the section; the writer is empty again

private:
    void enter(const Table& table);
    void put_meta_form(const RowMeta& meta);

    std::string out_;
    const Table* table_ = nullptr;  // of the open section
    std::string last_meta_;         // of the row before, encoded; empty: none in this section
    std::string scratch_;
};

class RowReader {
public:
    RowReader(const Schema& schema, std::string_view rows);
    const RowView* next();  // nullptr at the end; valid until the next call

private:
    void enter_section();
    void read_row();
    void read_gone();
    void read_gone_with_image();
    void read_mapped_meta(RowMeta& meta);

    ItemReader items_;
    RowView row_;  // keeps its meta from row to row
    RowView gone_;
    bool has_meta_ = false;  // row_.meta is of a row in this section
};

}  // namespace tombolo::wire
