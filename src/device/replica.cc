#include "device/replica.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "device/apply.h"
#include "device/device_schema.h"
#include "device/rejected.h"
#include "device/text_bases.h"
#include "sqlite/inspect.h"
#include "wire/codec.h"

namespace tombolo::device {

namespace {

constexpr const char* init_advice = "run 'tombolo init' on it first, or check the path";

template <typename IdType>
IdType read_id(const sqlite::Statement& row, int column) {
    const auto id = IdType::from_bytes(row.blob(column));
    if (!id) throw Error(ErrorCode::corrupt, "the device file holds an identity that is not 16 bytes long", "restore the file from a backup");
    return *id;
}

std::optional<std::string> optional_text(const sqlite::Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return std::string(row.text(column));
}

// Runs `statement` in a scratch database and tells which object it made there.
struct MadeObject {
    std::string type;
    std::string name;
};
MadeObject made_by(sqlite::Connection& scratch, const std::string& statement) {
    const int64_t before = scratch.query_integer("SELECT coalesce(max(rowid), 0) FROM sqlite_schema");
    scratch.execute(statement);
    sqlite::Statement find = scratch.prepare("SELECT type, name FROM sqlite_schema WHERE rowid > ?1 ORDER BY rowid LIMIT 1");
    if (!find.with(before).step()) return {};
    return {std::string(find.text(0)), std::string(find.text(1))};
}

bool object_exists(sqlite::Connection& db, const MadeObject& object) {
    sqlite::Statement find = db.prepare("SELECT 1 FROM main.sqlite_schema WHERE type = ?1 AND name = ?2 COLLATE NOCASE");
    return find.with(object.type, object.name).step();
}

// Columns that the hub's table has grown since this file's was made.
void add_missing_columns(sqlite::Connection& db, sqlite::Connection& scratch, const Table& here, const Table& hub) {
    sqlite::Statement info = scratch.prepare(fmt::format("PRAGMA main.table_xinfo({})", sqlite::quote_identifier(hub.name)));
    while (info.step()) {
        const std::string name(info.text(1));
        if (info.integer(6) != 0 || here.find_column(name)) continue;
        std::string definition = fmt::format("{} {}", sqlite::quote_identifier(name), info.text(2));
        if (info.integer(3) != 0) definition += " NOT NULL";
        if (!info.is_null(4)) definition += fmt::format(" DEFAULT {}", info.text(4));
        db.execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", sqlite::quote_identifier(hub.name), definition));
    }
}

}  // namespace

bool Replica::is_device(sqlite::Connection& db) {
    if (!sqlite::table_exists(db, "main", "tombolo_device")) return false;
    const int64_t format = db.query_integer("SELECT format FROM tombolo_device");
    if (format > file_format) {
        throw Error(ErrorCode::too_new, fmt::format("the device file has format {}, and this program knows formats up to {}", format, file_format),
                    "use the newer version of Tombolo that made it; the file was not touched");
    }
    return true;
}

void Replica::create(sqlite::Connection& db) {
    sqlite::WriteTransaction transaction(db);
    db.execute(device_schema_sql);
    transaction.commit();
}

Replica::Replica(sqlite::Connection db, const CaptureWorld& world) : db_(std::move(db)), world_(world) {
    if (!is_device(db_)) throw Error(ErrorCode::not_a_device, "the file was never initialised by Tombolo", init_advice);
    // This connection applies what the hub said: it fires no cascades (they arrive as rows) and captures nothing.
    // FULL: what is sent, and what the hub is told we have, must survive a loss of power.
    db_.execute("PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL");
    register_capture(db_.handle(), world_);
    set_applying(db_.handle(), true);
    reload_schema();
}

Replica::~Replica() {
    quiet_.reset();
    outbox_.reset();
}

void Replica::reload_schema() {
    Schema schema;
    std::optional<Schema> hub;
    {
        sqlite::Statement stored = db_.prepare("SELECT schema FROM tombolo_device");
        if (stored.step() && !stored.is_null(0)) hub = wire::decode_schema(stored.blob(0));
    }
    sqlite::Statement list = db_.prepare("SELECT name FROM tombolo_table ORDER BY id");
    while (list.step()) {
        Table table = sqlite::read_table(db_, "main", list.text(0));
        if (const Table* theirs = hub ? hub->find(table.name) : nullptr) {
            table.delete_mode = theirs->delete_mode;
            table.insert_mode = theirs->insert_mode;
            table.whole_rows = theirs->whole_rows;
            for (Column& column : table.columns) {
                const auto index = theirs->find_column(column.name);
                if (!index) continue;
                column.policy = theirs->columns[*index].policy;
                column.expression = theirs->columns[*index].expression;
            }
        }
        schema.tables.push_back(std::move(table));
    }
    if (hub) schema.statements = hub->statements;
    hub_schema_ = hub.value_or(Schema{});
    quiet_.reset();
    outbox_.reset();
    pending_.clear();
    schema_ = std::move(schema);
    outbox_ = std::make_unique<Outbox>(db_, schema_);
}

DeviceRecord Replica::record() {
    sqlite::Statement& row = db_.cached(
        "SELECT site, capture_tag, hub, space, token, space_id, site_number, epoch, seq, hub_time, hub_head, last_stamp, last_sync_at, schema_hash "
        "FROM tombolo_device");
    const sqlite::ResetGuard guard(row);
    if (!row.step()) throw Error(ErrorCode::corrupt, "the device file has lost its identity row", "restore the file from a backup");
    DeviceRecord record;
    record.site = read_id<SiteId>(row, 0);
    record.capture_tag = row.integer(1);
    record.hub = optional_text(row, 2);
    record.space = optional_text(row, 3);
    record.token = optional_text(row, 4);
    record.space_id = optional_text(row, 5);
    record.site_number.value = row.number(6);
    record.cursor = {{row.number(7)}, {row.number(8)}};
    record.hub_time = row.integer(9);
    record.hub_head = row.number(10);
    record.last_stamp = row.integer(11);
    if (!row.is_null(12)) record.last_sync_at = row.integer(12);
    record.schema_hash = row.number(13);
    return record;
}

void Replica::set_hub(const std::string& hub, const std::string& space, const std::optional<std::string>& token) {
    const DeviceRecord now = record();
    if (now.hub && (*now.hub != hub || *now.space != space)) {
        throw Error(ErrorCode::wrong_hub, fmt::format("this device belongs to space {} of {}", *now.space, *now.hub),
                    fmt::format("make another device file for space {} of {}", space, hub));
    }
    sqlite::WriteTransaction transaction(db_);
    db_.cached("UPDATE tombolo_device SET hub = ?1, space = ?2, token = coalesce(?3, token)")
        .with(hub, space, token ? ValueView::text(*token) : ValueView{})
        .run();
    transaction.commit();
}

void Replica::sync_tables(const std::vector<std::string>& names) {
    sqlite::WriteTransaction transaction(db_);
    for (const std::string& name : names) {
        if (schema_.find(name) != nullptr) continue;
        const DeviceRecord now = record();
        if (now.schema_hash != 0) {
            throw Error(ErrorCode::schema, fmt::format("the hub has no table {}", name),
                        "add it to the hub's schema; tables are named to sync before the hub is first reached");
        }
        const Table table = sqlite::read_table(db_, "main", name);
        db_.cached("INSERT INTO tombolo_table(name) VALUES (?1)").with(table.name).run();
        install_capture(db_, table);
        capture_existing_rows(db_, table);
    }
    transaction.commit();
    reload_schema();
}

void Replica::adopt_schema(const Schema& hub_schema, uint64_t schema_hash) {
    sqlite::WriteTransaction transaction(db_);
    for (const Table& table : schema_.tables) {
        if (hub_schema.find(table.name) == nullptr) {
            throw Error(ErrorCode::schema, fmt::format("table {} is synced here, but the hub has no such table", table.name),
                        "add it to the hub's schema, or start with another device file");
        }
    }
    install_schema(hub_schema);
    db_.cached("UPDATE tombolo_device SET schema_hash = ?1, schema = ?2").with(schema_hash, ValueView::blob(wire::encode_schema(hub_schema))).run();
    transaction.commit();
    db_.forget_cached();
    reload_schema();
}

// Inside the caller's transaction.
void Replica::install_schema(const Schema& hub_schema) {
    sqlite::Connection scratch = sqlite::Connection::open(":memory:");
    register_capture(scratch.handle(), world_);
    std::vector<MadeObject> objects;
    for (const std::string& statement : hub_schema.statements)
        objects.push_back(made_by(scratch, statement));
    // Tables that came from the hub grow with it, before new indexes name the new columns. The application's own are matched as
    // they are: there a missing column is a difference.
    if (record().schema_hash != 0) {
        for (const Table& table : schema_.tables)
            add_missing_columns(db_, scratch, table, *hub_schema.find(table.name));
    }
    for (size_t i = 0; i < objects.size(); ++i) {
        if (!objects[i].name.empty() && !object_exists(db_, objects[i])) db_.execute(hub_schema.statements[i]);
    }
    for (const Table& theirs : hub_schema.tables) {
        const Table here = sqlite::read_table(db_, "main", theirs.name);
        if (const std::string difference = describe_difference(here, theirs); !difference.empty()) {
            throw Error(ErrorCode::schema, difference, "make the two tables alike, or start with another device file");
        }
        if (const Table* known = schema_.find(theirs.name); known != nullptr) {
            if (known->columns.size() == here.columns.size()) continue;
            remove_capture(db_, known->name);  // the triggers name every column
            install_capture(db_, here);
            continue;
        }
        db_.cached("INSERT INTO tombolo_table(name) VALUES (?1)").with(here.name).run();
        install_capture(db_, here);
        capture_existing_rows(db_, here);
    }
}

void Replica::note_welcome(const wire::Welcome& welcome, int64_t round_trip) {
    const DeviceRecord now = record();
    if (now.space_id && *now.space_id != welcome.space_id) {
        throw Error(ErrorCode::wrong_hub, "the hub at this address is another one than the hub this device was synced with",
                    "check the address; if the hub was set up anew without its data, make a new device file");
    }
    const HubTime hub_now = welcome.hub_time + round_trip / 2;
    sqlite::WriteTransaction transaction(db_);
    db_.cached(
           "UPDATE tombolo_device SET space_id = ?1, site_number = ?2, hub_head = ?3, last_stamp = max(last_stamp, ?4), clock_offset = ?5, boot_id = "
           "?6, boot_offset = ?7")
        .with(welcome.space_id, welcome.site_number.value, welcome.head.value, welcome.last_stamp, hub_now - world_.clock->wall(),
              ValueView::blob(world_.clock->boot_id().view()), hub_now - world_.clock->boot())
        .run();
    transaction.commit();
}

void Replica::note_head(Seq head, bool synced) {
    sqlite::WriteTransaction transaction(db_);
    db_.cached("UPDATE tombolo_device SET hub_head = ?1, last_sync_at = CASE WHEN ?2 THEN ?3 ELSE last_sync_at END")
        .with(head.value, synced ? 1 : 0, world_.clock->wall())
        .run();
    transaction.commit();
}

std::string Replica::base_of_edit(const TextDigest& base) {
    sqlite::WriteTransaction transaction(db_);
    outbox_->freeze();
    std::string text = outbox_->texts().find(base);
    transaction.commit();
    return text;
}

// --- a checkpoint that is arriving ---

void Replica::spool(const std::string& message) {
    sqlite::WriteTransaction transaction(db_);
    db_.cached("INSERT INTO tombolo_spool(message) VALUES (?1)").with(ValueView::blob(message)).run();
    transaction.commit();
}

std::optional<wire::Resume> Replica::resume_point() {
    sqlite::Statement last = db_.prepare("SELECT message FROM tombolo_spool ORDER BY part DESC LIMIT 1");
    if (!last.step()) return std::nullopt;
    const wire::Message message = wire::decode(last.blob(0), limits::message_bytes_max);
    const auto* part = std::get_if<wire::CheckpointPart>(&message);
    if (part == nullptr) throw Error(ErrorCode::corrupt, "the spooled checkpoint holds something else", "it is fetched again at the next sync");
    return wire::Resume{part->complete, part->target, part->position};
}

void Replica::clear_spool() {
    if (db_.query_integer("SELECT EXISTS (SELECT 1 FROM tombolo_spool)") == 0) return;
    sqlite::WriteTransaction transaction(db_);
    db_.execute("DELETE FROM tombolo_spool");
    transaction.commit();
}

QuietTriggers& Replica::quiet() {
    if (quiet_ == nullptr || !quiet_->up_to_date()) {
        quiet_.reset();
        quiet_ = std::make_unique<QuietTriggers>(db_, schema_);
    }
    return *quiet_;
}

Replica::ApplyResult Replica::apply(const std::vector<std::string>& parts, const wire::CheckpointEnd& end) {
    Apply apply(db_, schema_, *outbox_, pending_, quiet(), expressions_, *world_.clock);
    const Apply::Result result = apply.run(parts, end);
    return {result.verdicts, result.rows};
}

TransactionNumber Replica::retry(TransactionNumber number, const std::vector<Correction>& corrections) {
    return RejectedList(db_, schema_, *outbox_, pending_, quiet(), expressions_, world_).retry(number, corrections);
}

std::vector<TransactionNumber> Replica::discard(TransactionNumber number, bool with_dependants, const std::optional<std::string>& by) {
    return RejectedList(db_, schema_, *outbox_, pending_, quiet(), expressions_, world_).discard(number, with_dependants, by);
}

}  // namespace tombolo::device
