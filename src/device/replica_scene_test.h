// For tests: a device file with its session's replica, an application's connection, and checkpoints made by hand.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "device/capture_harness.h"
#include "device/replica.h"
#include "wire/codec.h"
#include "wire/rows.h"

namespace tombolo::device::testing {

inline constexpr Epoch scene_epoch{77};
inline constexpr SiteNumber own_site{1};
inline constexpr SiteNumber other_site{2};
inline constexpr HubTime scene_begin = 1'699'999'000'000'000;  // 1000 s before StillClock's wall

// The hub's time of a seq: one second each.
inline HubTime time_of(uint64_t seq) { return scene_begin + static_cast<int64_t>(seq) * limits::second; }

inline Schema schema_of(const std::vector<std::string>& statements) {
    sqlite::Connection scratch = sqlite::Connection::open(":memory:");
    Schema schema;
    schema.statements = statements;
    for (const std::string& statement : statements)
        scratch.execute(statement);
    for (const std::string& name : sqlite::list_tables(scratch, "main"))
        schema.tables.push_back(sqlite::read_table(scratch, "main", name));
    return schema;
}

// A checkpoint to the seq it is made for, as the hub would send it. Rows are born by the other site at that seq unless said.
class Checkpoint {
public:
    Checkpoint(const Schema& schema, uint64_t from, uint64_t to) : schema_(schema) {
        end.from.value = from;
        end.to = {scene_epoch, {to}};
        end.head.value = to;
        end.hub_time = time_of(to);
    }
    RowMeta born(uint64_t seq) const {
        RowMeta meta;
        meta.birth = {other_site, {seq}};
        meta.birth_stamp = time_of(seq);
        meta.touch = {other_site, {seq}, {}, time_of(seq)};
        return meta;
    }
    Checkpoint& row(const std::string& table, const std::vector<Value>& values) { return row(table, values, born(end.to.seq.value)); }
    Checkpoint& row(const std::string& table, const std::vector<Value>& values, const RowMeta& meta) {
        writer_.add_row(*schema_.find(table), std::vector<ValueView>(values.begin(), values.end()), meta);
        return *this;
    }
    Checkpoint& gone(const std::string& table, const std::vector<Value>& key) {
        RowMeta meta;
        meta.death = {other_site, end.to.seq};
        writer_.add_gone(*schema_.find(table), encode_record(key), wire::Gone::deleted, meta, nullptr);
        return *this;
    }
    Checkpoint& rebuild() {
        rebuild_ = true;
        end.from = {};
        return *this;
    }
    // What was written until now becomes a message of its own.
    Checkpoint& cut() {
        wire::CheckpointPart part;
        part.rebuild = std::exchange(rebuild_, false);
        part.complete = end.from;
        part.target = end.to.seq;
        part.position = "p" + std::to_string(parts.size());
        part.rows = writer_.take();
        parts.push_back(wire::encode(part));
        return *this;
    }
    std::vector<std::string> take_parts() {
        if (!writer_.empty() || rebuild_) cut();
        return parts;
    }

    wire::CheckpointEnd end;
    std::vector<std::string> parts;

private:
    const Schema& schema_;
    wire::RowWriter writer_;
    bool rebuild_ = false;
};

class ReplicaScene {
public:
    explicit ReplicaScene(const std::vector<std::string>& statements) : ReplicaScene(schema_of(statements)) {}
    explicit ReplicaScene(Schema hub) : schema(std::move(hub)), app(open()) {
        Replica::create(app);
        restart();
        replica->set_hub("ws://hub", "main", std::nullopt);
        greet();
        replica->adopt_schema(schema, wire::hash_schema(schema));
    }
    ~ReplicaScene() {
        replica.reset();
        app.close();
    }

    // The process ended, and a new one opens the file.
    void restart() {
        replica.reset();
        sqlite::OpenOptions options;
        options.busy_timeout_ms = 0;
        replica = std::make_unique<Replica>(sqlite::Connection::open(folder_.file("d.db"), options), world.capture());
        replica->db().execute("PRAGMA synchronous = OFF");  // no test here takes the power away
    }
    // Everything becomes again as it was at remember(), only faster than with a new scene.
    void remember() {
        remembered_ = sqlite::Connection::open(":memory:");
        copy(app, remembered_);
        remembered_world_ = {world.clock, world.random};
    }
    void go_back() {
        replica.reset();
        copy(remembered_, app);
        std::tie(world.clock, world.random) = remembered_world_;
        restart();
    }
    void greet() {
        wire::Welcome welcome;
        welcome.space_id = std::string(32, 'a');
        welcome.epoch = scene_epoch;
        welcome.hub_time = world.clock.wall();
        welcome.site_number = own_site;
        replica->note_welcome(welcome, 0);
    }
    sqlite::Connection open() {
        sqlite::Connection db = sqlite::Connection::open(folder_.file("d.db"));
        db.execute("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON");
        register_capture(db.handle(), world.capture());
        return db;
    }

    void run(const std::string& sql) { app.execute(sql); }
    std::string rows(const std::string& sql) {
        std::string text;
        sqlite::Statement query = app.prepare(sql);
        while (query.step()) {
            Image row;
            for (int i = 0; i < query.column_count(); ++i)
                row.emplace_back(query.value(i));
            text += (text.empty() ? "" : " | ") + show(row);
        }
        return text;
    }

    uint64_t cursor() { return replica->record().cursor.seq.value; }
    Checkpoint to(uint64_t seq) { return {schema, cursor(), seq}; }
    Replica::ApplyResult apply(Checkpoint checkpoint) { return replica->apply(checkpoint.take_parts(), checkpoint.end); }

    void freeze() {
        sqlite::WriteTransaction transaction(replica->db());
        replica->outbox().freeze();
        transaction.commit();
    }
    // The hub's verdict on a transaction of ours, with the seq of the checkpoint that covers it.
    Verdict verdict(uint64_t number, uint64_t seq, VerdictKind kind = VerdictKind::accepted, RejectCode code = RejectCode::none) {
        freeze();
        Verdict verdict;
        verdict.number.value = number;
        verdict.id = replica->outbox().find({number}).value().header.id;
        verdict.kind = kind;
        verdict.code = code;
        if (kind == VerdictKind::rejected) verdict.reason = "no";
        verdict.seq.value = seq;
        verdict.stamp = time_of(seq);
        return verdict;
    }
    Checkpoint accepting(uint64_t seq, const std::vector<uint64_t>& numbers) {
        Checkpoint checkpoint = to(seq);
        for (const uint64_t number : numbers)
            checkpoint.end.verdicts.push_back(verdict(number, seq));
        return checkpoint;
    }
    Checkpoint rejecting(uint64_t seq, uint64_t number, RejectCode code = RejectCode::unique) {
        Checkpoint checkpoint = to(seq);
        checkpoint.end.verdicts.push_back(verdict(number, seq, VerdictKind::rejected, code));
        return checkpoint;
    }

    // "1 pending, 2 expected"
    std::string outbox() {
        std::string text;
        replica->outbox().for_each([&](const Entry& entry) {
            text += (text.empty() ? "" : ", ") + std::to_string(entry.header.number.value);
            text += entry.state == EntryState::pending ? " pending" : entry.state == EntryState::expected ? " expected" : " rejected";
        });
        return text;
    }
    int64_t count(const std::string& table) { return app.query_integer("SELECT count(*) FROM " + table); }

    World world;
    Schema schema;

private:
    static void copy(sqlite::Connection& from, sqlite::Connection& to) {
        sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
        ASSERT_NE(backup, nullptr);
        EXPECT_EQ(sqlite3_backup_step(backup, -1), SQLITE_DONE);
        EXPECT_EQ(sqlite3_backup_finish(backup), SQLITE_OK);
    }

    TempFolder folder_;
    sqlite::Connection remembered_;
    std::pair<StillClock, CountingRandom> remembered_world_;

public:
    sqlite::Connection app;
    std::unique_ptr<Replica> replica;
};

}  // namespace tombolo::device::testing
