// The messages of a session, in the order they occur. docs/internals/protocol.md has the ladder diagram and every field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "model/schema.h"
#include "model/text_edit.h"
#include "model/transaction.h"

namespace tombolo::wire {

// --- device to hub ---

// A checkpoint that was cut while it arrived, all of it spooled: `complete` is the seq up to which every row is here, and
// `position` (opaque, the hub's) says how far the segment (complete, target] came.
struct Resume {
    Seq complete;
    Seq target;
    std::string position;
    bool operator==(const Resume&) const = default;
};

// First message. Nothing else is said before Welcome.
struct Hello {
    uint32_t protocol = 0;
    std::string program;  // "tombolo 0.1.0", for the log
    std::string space;
    std::string token;  // empty: none
    SiteId site;
    TransactionNumber last_number;  // newest transaction this site ever made, and its id
    TransactionId last_id;
    Cursor cursor;
    std::optional<Resume> resume;
    uint64_t schema_hash = 0;  // of the schema the device has from this hub; 0: none yet
    bool schema_only = false;  // `init` wants the schema, then closes
    bool operator==(const Hello&) const = default;
};

// A stretch of one transaction. Parts of one transaction follow each other; parts of two never mix. The header stands in the
// first part. A change is never split; `rows` holds change sections (wire/rows.h).
struct PushPart {
    TransactionNumber number;
    bool first = false;
    bool last = false;
    TransactionHeader header;  // first part only
    std::string rows;
    bool operator==(const PushPart&) const = default;
};

// The device's cursor after an apply. Lets the hub forget verdicts, and send on.
struct Applied {
    Cursor cursor;
    bool operator==(const Applied&) const = default;
};

struct Ping {
    uint64_t nonce = 0;
    bool operator==(const Ping&) const = default;
};

// --- hub to device ---

struct Welcome {
    uint32_t protocol = 0;
    std::string program;
    std::string space_id;  // 32 hex digits: tells two hubs apart that have the same address and name
    Epoch epoch;
    Seq head;
    HubTime hub_time = 0;
    SiteNumber site_number;
    TransactionNumber last_number;  // the newest transaction of this site the hub has a verdict for, and its id
    TransactionId last_id;
    HubTime last_stamp = 0;        // its effective stamp
    bool rebuild = false;          // cursor too old or of another epoch: a whole image follows
    bool resumed = false;          // the spooled parts of Hello::resume stay valid
    int64_t retry_spread = 0;      // microseconds; first retry after a lost connection is uniform over it
    std::optional<Schema> schema;  // absent: Hello's hash is still right
    bool operator==(const Welcome&) const = default;
};

// The hub will not talk. `code` as ErrorCode's text; closes afterwards.
struct Refuse {
    std::string code;
    std::string reason;
    int64_t retry_after = 0;  // microseconds; 0: the device's own backoff
    bool operator==(const Refuse&) const = default;
};

// A durable verdict, ahead of the checkpoint that covers it. Changes no table; receipts may tell the user.
struct VerdictNotice {
    Verdict verdict;
    bool operator==(const VerdictNotice&) const = default;
};

// Rows of a checkpoint, in row sections (wire/rows.h). Parts go on until CheckpointEnd.
struct CheckpointPart {
    bool rebuild = false;  // first part of a whole image: what is not in it is gone
    Seq complete;          // where to resume after this part: as Resume
    Seq target;
    std::string position;
    uint64_t rows_done = 0;  // for progress; estimates
    uint64_t rows_total = 0;
    std::string rows;
    bool operator==(const CheckpointPart&) const = default;
};

// The checkpoint is whole: the parts since the last one take the device to `to`.
struct CheckpointEnd {
    Seq from;  // the cursor it was made for; 0 with rebuild
    Cursor to;
    HubTime hub_time = 0;           // of the commit `to`
    Seq head;                       // newest seq at the hub when this was sent
    std::vector<Verdict> verdicts;  // this site's with seq in (from, to], in order
    bool operator==(const CheckpointEnd&) const = default;
};

struct Pong {
    uint64_t nonce = 0;
    Seq head;
    HubTime hub_time = 0;
    int64_t retry_spread = 0;  // as Welcome's, for as many devices as there are by now
    bool operator==(const Pong&) const = default;
};

// --- verification, asked by the device ---

// What the hub holds, as digests: one sum per bucket of keys (model/digest.h), for every table (`table` empty); or the rows
// themselves of some buckets of one table, to name the differences.
struct VerifyRequest {
    uint64_t nonce = 0;
    std::string table;
    std::vector<uint32_t> buckets;
    bool operator==(const VerifyRequest&) const = default;
};

struct TableDigest {
    std::string table;
    uint64_t rows = 0;
    std::vector<uint64_t> sums;  // digest_buckets of them
    bool operator==(const TableDigest&) const = default;
};

// Everything in it is as of `seq`. Rows come in row sections, and may take several messages.
struct VerifyAnswer {
    uint64_t nonce = 0;
    Seq seq;
    bool last = true;
    std::vector<TableDigest> digests;
    std::string rows;
    bool operator==(const VerifyAnswer&) const = default;
};

// --- bases of text edits, asked by the hub ---

// The texts with these digests are not at the hub, and edits in this transaction were made of them. The hub keeps the transaction; what
// this site sent behind it, it forgets.
struct BaseRequest {
    TransactionNumber number;
    std::vector<TextDigest> bases;
    bool operator==(const BaseRequest&) const = default;
};

// One of them, in the order asked. With the last one the transaction takes its turn; the device goes on with the next number.
struct BaseText {
    TransactionNumber number;
    std::string text;
    bool operator==(const BaseText&) const = default;
};

// The order is the type byte on the wire: append only.
using Message = std::variant<Hello, PushPart, Applied, Ping, Welcome, Refuse, VerdictNotice, CheckpointPart, CheckpointEnd, Pong, VerifyRequest,
                             VerifyAnswer, BaseRequest, BaseText>;

}  // namespace tombolo::wire
