// The bookkeeping tables of a device file. Format number in tombolo_device.format: newer than known is Error(too_new) and the
// file untouched; older is migrated in one transaction.
#pragma once

namespace tombolo::device {

inline constexpr int file_format = 1;

inline constexpr const char* device_schema_sql = R"sql(
-- One row: what this replica is and where it stands.
CREATE TABLE tombolo_device(
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    format       INTEGER NOT NULL,
    site         BLOB NOT NULL,               -- 16 random bytes
    capture_tag  INTEGER NOT NULL,            -- random; part of what stands in the triggers, so that copies of a file are noticed
    hub          TEXT,                        -- URL without the space; NULL while offline-only
    space        TEXT,
    token        TEXT,
    space_id     TEXT,                        -- the hub's identity, learned at first contact
    site_number  INTEGER NOT NULL DEFAULT 0,  -- the hub's short name for this site
    epoch        INTEGER NOT NULL DEFAULT 0,  -- cursor
    seq          INTEGER NOT NULL DEFAULT 0,
    hub_time     INTEGER NOT NULL DEFAULT 0,  -- the hub's time of the cursor
    clock_offset INTEGER NOT NULL DEFAULT 0,  -- hub time minus this machine's wall clock, microseconds, at the last handshake
    boot_id      BLOB,                        -- boot of that handshake, and hub time minus boot time then
    boot_offset  INTEGER NOT NULL DEFAULT 0,
    last_number  INTEGER NOT NULL DEFAULT 0,  -- newest transaction that left the log (frozen), and its id
    last_id      BLOB,
    last_stamp   INTEGER NOT NULL DEFAULT 0,  -- newest effective stamp a verdict brought
    hub_head     INTEGER NOT NULL DEFAULT 0,  -- newest seq the hub was heard to have
    last_sync_at INTEGER,                     -- wall time of the last proof that we had everything
    schema_hash  INTEGER NOT NULL DEFAULT 0,  -- of `schema`, as the hub computes it; 0: none yet
    schema       BLOB                         -- wire::encode_schema
);

-- Synced tables. The id stands in the log; it is this file's own.
CREATE TABLE tombolo_table(
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE COLLATE NOCASE
);

-- The undo log that capture writes when a transaction commits: its changed rows in order, in chunks near 64 KiB.
-- position = transaction number << 32 | chunk.
CREATE TABLE tombolo_log(
    position   INTEGER PRIMARY KEY,
    operations INTEGER NOT NULL,              -- how many are in this chunk
    body       BLOB NOT NULL                  -- log_record.h
);

-- Frozen transactions: the outbox proper, and the rejected list.
CREATE TABLE tombolo_outbox(
    number     INTEGER PRIMARY KEY,
    header     BLOB NOT NULL,                 -- encode_header: what is sent, byte for byte the same at every retry
    subject    TEXT,                          -- token subject who wrote it; NULL: nobody was logged in
    state      INTEGER NOT NULL,              -- EntryState
    changes    INTEGER NOT NULL,              -- how many rows it changes
    bytes      INTEGER NOT NULL,              -- of its parts
    written_at INTEGER NOT NULL,              -- wall time
    seen_time  INTEGER NOT NULL DEFAULT 0,    -- the hub's time of header.seen; for predictions, never sent
    verdict    BLOB                           -- encode_verdict, once known
);
CREATE TABLE tombolo_part(                    -- the changes of a frozen transaction: sections of wire/rows.h
    number INTEGER NOT NULL,
    part   INTEGER NOT NULL,
    rows   BLOB NOT NULL,
    PRIMARY KEY (number, part)
) WITHOUT ROWID;

-- Which pending transaction last changed the existence of a row; computed by rebase, read when dependence is computed.
CREATE TABLE tombolo_existence(
    table_id INTEGER NOT NULL,
    key      BLOB NOT NULL,
    number   INTEGER NOT NULL,
    PRIMARY KEY (table_id, key)
) WITHOUT ROWID;

-- The hub's row at the cursor, for rows named by a pending or rejected transaction that a checkpoint has changed since.
CREATE TABLE tombolo_under(
    table_id  INTEGER NOT NULL,
    key       BLOB NOT NULL,
    existence INTEGER NOT NULL,               -- Existence
    image     BLOB,                           -- record; NULL if it never existed
    meta      BLOB,                           -- put_meta
    PRIMARY KEY (table_id, key)
) WITHOUT ROWID;

-- Texts that edits in the outbox were made of, of rows in tombolo_under: there the row does not tell any more.
CREATE TABLE tombolo_base(
    id        INTEGER PRIMARY KEY,
    table_id  INTEGER NOT NULL,
    key       BLOB NOT NULL,
    base      BLOB NOT NULL,                  -- digest_text
    text      TEXT NOT NULL,
    UNIQUE (table_id, key, base)
);

-- A large checkpoint while it arrives: CheckpointPart messages, still compressed.
CREATE TABLE tombolo_spool(
    part    INTEGER PRIMARY KEY,
    message BLOB NOT NULL
);

-- Open conflicts that a pending transaction decides: not shown as open until its verdict.
CREATE TABLE tombolo_settling(
    id     TEXT PRIMARY KEY,                  -- tombolo_conflict.id
    number INTEGER NOT NULL                   -- the transaction
) WITHOUT ROWID;

-- Verdicts of transactions that left the outbox, for receipts; bounded by keep_acknowledged.
CREATE TABLE tombolo_verdict(
    number  INTEGER PRIMARY KEY,
    verdict BLOB NOT NULL,
    at      INTEGER NOT NULL                  -- wall time
);

-- Rejected transactions that were queued again under another number, or given up: no longer in the outbox. Bounded as tombolo_verdict.
CREATE TABLE tombolo_retired(
    number     INTEGER PRIMARY KEY,
    verdict    BLOB NOT NULL,                 -- encode_verdict: rejected, or discarded
    retried_as INTEGER NOT NULL,              -- 0: discarded
    ended_by   TEXT,                          -- who, as the caller named himself
    at         INTEGER NOT NULL               -- wall time
);

INSERT INTO tombolo_device(one, format, site, capture_tag) VALUES (1, 1, randomblob(16), abs(random() / 2) + 1);
)sql";

}  // namespace tombolo::device
