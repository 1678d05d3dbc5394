// A row with what merge must know of its past. Kept by the hub for every row; by a device only for rows with pending writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/schema.h"
#include "model/transaction.h"
#include "tombolo/value.h"

namespace tombolo {

// Who made a row live or dead, and when. seq 0: never.
struct LifeMark {
    SiteNumber site;
    Seq seq;
    bool operator==(const LifeMark&) const = default;
};

// The compact version vector of a cell or a row (design 2.4): last writer, and the newest seq at which a site other than the
// last writer had written. Two integers are enough because the hub is a total order.
struct WriteMark {
    SiteNumber site;
    Seq seq;
    Seq other;
    HubTime stamp = 0;
    bool operator==(const WriteMark&) const = default;
};

struct RowMeta {
    LifeMark birth;
    LifeMark death;  // seq 0: alive
    HubTime birth_stamp = 0;
    bool moved = false;            // dead, and the transaction that deleted the row inserted others: perhaps this one, under another key
    bool reborn = false;           // an insert over a tombstone began this life; updates of the old one may still come
    WriteMark touch;               // counts every accepted insert or update of the row, never a delete
    std::vector<WriteMark> cells;  // one per column; empty: all are (birth.site, birth.seq, 0, birth_stamp)
    bool operator==(const RowMeta&) const = default;

    WriteMark cell(uint32_t column) const { return cells.empty() ? WriteMark{birth.site, birth.seq, Seq{}, birth_stamp} : cells[column]; }
};

// An open conflict: a write that met one its author had not seen, where a person is to decide (policy `manual`, delete = "manual",
// an `sql` policy that gave no value). What is stored stayed; this is the other side. Known to the hub alone.
struct Candidate {
    static constexpr uint32_t row_itself = UINT32_MAX;

    uint32_t column = row_itself;  // row_itself: a deletion; its value is NULL and its base the deleted row, as a record in a blob
    Value value;
    Value base;                // what its author saw
    SiteNumber site;           // its author
    TransactionNumber number;  // 0: a deletion that was accepted first, and turned back by an update
    Seq seq;                   // of the transaction that wrote it; with table, key and column it names the conflict
    HubTime stamp = 0;         // effective; 0 where number is 0
    bool operator==(const Candidate&) const = default;
};

enum class Existence : uint8_t { unknown, alive, dead };  // unknown: never existed, or its tombstone passed the horizon

struct RowState {
    Existence existence = Existence::unknown;
    std::vector<Value> values;  // one per column; of a dead row: its last image
    RowMeta meta;
    std::vector<Candidate> candidates{};  // open conflicts, oldest first; of a dead row: kept, for an update may bring it back
    bool operator==(const RowState&) const = default;
};

// Meta as bytes, for the hub file and the wire. An untouched row (one tuple) takes four varints.
//   meta := 0 site seq stamp                                      born and not touched since
//         | 1 birth.site birth.seq birth.stamp touch death n {cell}*n
//         | 2 …                                                 as 1, and reborn
//         | 3 …, 4 …                                            as 1 and 2, and moved
//   touch, cell := site seq other stamp;  death := site seq;  n: 0 or the number of columns
void put_meta(std::string& out, const RowMeta& meta);
bool read_meta(class Reader& in, RowMeta& meta);

// Candidates as bytes, for the hub file, behind the row's meta. The wire does not carry them.
//   candidates := nothing                       none
//               | n {column value base site number seq stamp}*n;   column: 0 the row itself, else 1 + index
void put_candidates(std::string& out, const std::vector<Candidate>& candidates);
// Reads to the end of `in`.
bool read_candidates(class Reader& in, std::vector<Candidate>& candidates);

}  // namespace tombolo
