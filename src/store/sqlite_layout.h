// The bookkeeping tables of a hub file, DIR/SPACE/space.db. docs/internals/hub-file.md explains them with an example.
//
// Beside them stand the application's tables, made by its own statements and widened by four things:
//
//   tombolo_seq INTEGER      seq of the row's last change; what the feed asks for
//   tombolo_meta BLOB        model/row.h put_meta, then put_candidates; sites by number
//   tombolo_channel INTEGER  NULL: the channel that everybody in the space reads. The only one so far
//   an index tombolo_seq_N on tombolo_seq
//
// So a live row and its meta are one b-tree entry, and a bulk insert costs little more than without Tombolo.
#pragma once

namespace tombolo::store {

// Newer than known is Error(too_new) and the file untouched.
inline constexpr int hub_file_format = 1;

inline constexpr const char* hub_layout_sql = R"sql(
-- One row: what this space is and where it stands.
CREATE TABLE tombolo_space(
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    format    INTEGER NOT NULL,
    space_id  BLOB NOT NULL,                -- 16 random bytes
    epoch     INTEGER NOT NULL,             -- random, never 0
    head      INTEGER NOT NULL,             -- newest seq
    head_time INTEGER NOT NULL,             -- its hub time, microseconds; strictly increasing
    horizon   INTEGER NOT NULL              -- highest death seq of a tombstone that was dropped
);

-- The application's schema: its statements, in order, as devices get them.
CREATE TABLE tombolo_statement(
    position INTEGER PRIMARY KEY,
    sql      TEXT NOT NULL
);

-- Synced tables. Ids are given once; a table's place in Schema::tables is its id, minus one.
CREATE TABLE tombolo_table(
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE
);

-- Deleted rows until the retention horizon.
CREATE TABLE tombolo_tombstone(
    id       INTEGER PRIMARY KEY,
    table_id INTEGER NOT NULL,
    key      BLOB NOT NULL,                 -- record of the key columns
    seq      INTEGER NOT NULL,              -- of its death
    image    BLOB NOT NULL,                 -- record of all columns
    meta     BLOB NOT NULL,
    UNIQUE (table_id, key)
);
CREATE INDEX tombolo_tombstone_seq ON tombolo_tombstone(seq);

-- Rows that clash while their transaction is under way; judged at its end. Empty in every committed state.
CREATE TABLE tombolo_deferred(
    table_id INTEGER NOT NULL,
    key      BLOB NOT NULL,
    image    BLOB NOT NULL,
    meta     BLOB NOT NULL,
    PRIMARY KEY (table_id, key)
) WITHOUT ROWID;

-- Devices. The number stands for the id in every meta and is never given twice.
CREATE TABLE tombolo_site(
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    site        BLOB NOT NULL UNIQUE,       -- 16 bytes
    last_number INTEGER NOT NULL DEFAULT 0, -- newest transaction with a verdict, its id and effective stamp
    last_id     BLOB NOT NULL DEFAULT x'00000000000000000000000000000000',
    last_stamp  INTEGER NOT NULL DEFAULT 0
);

-- Ends of transactions, until the site's cursor passed them; rejections stay, for later transactions may depend on them.
CREATE TABLE tombolo_verdict(
    site       INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    id         BLOB NOT NULL,
    seq        INTEGER NOT NULL,
    stamp      INTEGER NOT NULL,            -- effective
    seen       INTEGER,                     -- NULL: another epoch's, or a row was brought back to life: its author cannot tell the result
    kind       INTEGER NOT NULL,            -- VerdictKind
    code       INTEGER,                     -- RejectCode, with `reason` and `depends_on`: NULL unless rejected
    reason     TEXT,
    depends_on INTEGER,
    cells      BLOB,                        -- put_cell_notes; NULL: none
    PRIMARY KEY (site, number)
) WITHOUT ROWID;

-- The hub's time of each group's last seq. A cursor always stands at such a seq.
CREATE TABLE tombolo_time(
    seq  INTEGER PRIMARY KEY,
    time INTEGER NOT NULL
);
CREATE INDEX tombolo_time_time ON tombolo_time(time);
)sql";

}  // namespace tombolo::store
