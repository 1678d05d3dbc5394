// Replica: one device file as its session sees it: identity, schema, cursor, outbox. Owns the connection that applies
// checkpoints. Single-threaded; knows no network.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "device/capture.h"
#include "device/outbox.h"
#include "device/pending_rows.h"
#include "device/quiet_triggers.h"
#include "model/schema.h"
#include "sqlite/connection.h"
#include "sqlite/expression.h"
#include "tombolo/rejection.h"
#include "wire/message.h"

namespace tombolo::device {

// The row of tombolo_device (device_schema.h).
struct DeviceRecord {
    SiteId site;
    int64_t capture_tag = 0;
    std::optional<std::string> hub;
    std::optional<std::string> space;
    std::optional<std::string> token;
    std::optional<std::string> space_id;
    SiteNumber site_number;
    Cursor cursor;
    HubTime hub_time = 0;
    uint64_t hub_head = 0;
    HubTime last_stamp = 0;
    std::optional<WallTime> last_sync_at;
    uint64_t schema_hash = 0;
};

class Replica {
public:
    // True if the file holds Tombolo's tables. Error(too_new) if a newer version made them.
    static bool is_device(sqlite::Connection& db);
    // Makes the bookkeeping tables in a file (new or the application's own), in one transaction.
    static void create(sqlite::Connection& db);

    // Takes over `db` (a connection of its own, to a device file) as the session's connection. Error(not_a_device).
    Replica(sqlite::Connection db, const CaptureWorld& world);

    ~Replica();
    Replica(const Replica&) = delete;
    Replica& operator=(const Replica&) = delete;

    DeviceRecord record();                                    // read from the file: other processes may have written it
    const Schema& schema() const { return schema_; }          // synced tables, in order of tombolo_table.id
    const Schema& hub_schema() const { return hub_schema_; }  // as the hub sent it: its column order, its policies; empty before
    void reload_schema();                                     // after another connection changed it
    Outbox& outbox() { return *outbox_; }
    sqlite::Connection& db() { return db_; }

    void set_hub(const std::string& hub, const std::string& space, const std::optional<std::string>& token);
    // Synced from now on: existing tables by name. Their rows become one pending insert transaction. Before first contact only.
    void sync_tables(const std::vector<std::string>& names);
    // The hub's schema: creates what is missing, matches what exists by name (its rows become one pending insert transaction),
    // migrates what grew. Error(schema) names the first difference. One transaction.
    void adopt_schema(const Schema& hub_schema, uint64_t schema_hash);

    // What Welcome says of us and of the hub's clock; `round_trip` in microseconds, `wall` and `boot` at its arrival.
    void note_welcome(const wire::Welcome& welcome, int64_t round_trip);
    void note_head(Seq head, bool synced);

    // The text with this digest, of which a queued edit was made. Error(protocol): there is none.
    std::string base_of_edit(const TextDigest& base);

    // --- a checkpoint that is arriving ---
    void spool(const std::string& message);  // one CheckpointPart message, as it came
    std::optional<wire::Resume> resume_point();
    void clear_spool();

    struct ApplyResult {
        std::vector<Verdict> verdicts;  // of own transactions that this checkpoint covers
        size_t rows = 0;                // rows it carried
    };
    // Applies the spooled parts, then `parts` (CheckpointPart messages), then `end`, as one transaction. See apply.h.
    ApplyResult apply(const std::vector<std::string>& parts, const wire::CheckpointEnd& end);

    // --- rejected transactions; see rejected.h. Each is a transaction of its own ---
    TransactionNumber retry(TransactionNumber number, const std::vector<Correction>& corrections = {});
    std::vector<TransactionNumber> discard(TransactionNumber number, bool with_dependants, const std::optional<std::string>& by = std::nullopt);

private:
    void install_schema(const Schema& hub_schema);
    QuietTriggers& quiet();

    sqlite::Connection db_;
    CaptureWorld world_;
    Schema schema_;
    Schema hub_schema_;
    std::unique_ptr<Outbox> outbox_;
    PendingIndex pending_;  // of the outbox, as of the last apply
    sqlite::ScratchExpressions expressions_;
    std::unique_ptr<QuietTriggers> quiet_;  // made at the first apply, and again when triggers change
};

}  // namespace tombolo::device
