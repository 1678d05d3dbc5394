// What every store must do. A store's own test names a maker and gets the whole suite:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(&make_sqlite_store));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/record.h"
#include "store/store.h"
#include "tombolo/error.h"

namespace tombolo::store {

inline constexpr const char* conformance_schema = R"sql(
CREATE TABLE people(id TEXT PRIMARY KEY, name TEXT, email TEXT UNIQUE, age INTEGER CHECK (age >= 0), nick TEXT NOT NULL DEFAULT '');
CREATE TABLE pets(owner TEXT, number INTEGER, name TEXT, keeper TEXT REFERENCES people(id), PRIMARY KEY (owner, number)) WITHOUT ROWID;
CREATE INDEX pets_name ON pets(name);
CREATE TRIGGER only_on_devices AFTER INSERT ON people BEGIN UPDATE people SET name = 'trigger' WHERE id = new.id; END;
)sql";

using StoreMaker = std::unique_ptr<Store> (*)();

class StoreConformance : public testing::TestWithParam<StoreMaker> {
protected:
    void SetUp() override {
        store_ = GetParam()();
        store_->update_schema(conformance_schema);
        site_ = store_->add_site(SiteId{{1}}).number;
    }

    const Table& people() { return store_->schema().tables[0]; }
    const Table& pets() { return store_->schema().tables[1]; }

    static std::string key(std::vector<Value> values) { return encode_record(values); }
    static std::vector<Value> person(std::string id, Value email, Value age = 1) {
        return {Value(std::move(id)), "n", std::move(email), std::move(age), ""};
    }

    RowState alive(std::vector<Value> values) {
        RowState state;
        state.existence = Existence::alive;
        state.values = std::move(values);
        state.meta.birth = {site_, seq_};
        state.meta.birth_stamp = 1000;
        state.meta.touch = {site_, seq_, Seq{}, 1000};
        return state;
    }
    std::string key_of(const Table& table, const RowState& state) {
        std::string bytes;
        for (const uint32_t column : table.key)
            put_value(bytes, state.values[column]);
        return bytes;
    }
    void put(const Table& table, std::vector<Value> values) {
        RowState before;
        const RowState after = alive(std::move(values));
        const std::string name = key_of(table, after);
        const Existence existence = store_->find(table, name, before);
        store_->write(table, name, existence, after);
    }
    void kill(const Table& table, std::string_view name) {
        RowState state;
        ASSERT_EQ(store_->find(table, name, state), Existence::alive);
        state.existence = Existence::dead;
        state.meta.death = {site_, seq_};
        store_->write(table, name, Existence::alive, state);
    }

    // One transaction in a group of its own. Returns why it was refused, if it was.
    template <typename Work>
    std::optional<Violation> transact(Work work) {
        store_->begin_group();
        auto violation = transact_in_group(work);
        store_->commit_group();
        return violation;
    }
    template <typename Work>
    std::optional<Violation> transact_in_group(Work work) {
        seq_ = store_->state().head.next();
        store_->begin_transaction(seq_);
        work();
        auto violation = store_->finish_transaction();
        violation ? store_->rollback_transaction() : store_->release_transaction();
        VerdictRecord record;
        record.verdict = {{++number_},
                          TransactionId{{9}},
                          violation ? VerdictKind::rejected : VerdictKind::accepted,
                          violation ? violation->code : RejectCode::none,
                          violation ? violation->sentence : "",
                          {},
                          seq_,
                          1000};
        record.seen = Seq{seq_.value - 1};
        store_->record_verdict(site_, record, static_cast<HubTime>(seq_.value) * 100);
        return violation;
    }

    // What a reader that starts with `rows` at `after` has once it took everything up to `up_to`, in stretches of `stretch` rows.
    using Image = std::map<std::string, std::vector<Value>>;
    struct Collector : RowVisitor {
        Image* image;
        size_t left;
        size_t visited = 0;
        static std::string name(const Table& table, std::string_view bytes) { return table.name + ":" + std::string(bytes); }
        bool row(const Table& table, Seq, const std::vector<ValueView>& values, const RowMeta&) override {
            std::string bytes;
            for (const uint32_t column : table.key)
                put_value(bytes, values[column]);
            (*image)[name(table, bytes)] = std::vector<Value>(values.begin(), values.end());
            ++visited;
            return --left > 0;
        }
        bool gone(const Table& table, std::string_view bytes, const std::vector<ValueView>&, const RowMeta& meta) override {
            EXPECT_NE(meta.death.seq.value, 0U);
            image->erase(name(table, bytes));
            ++visited;
            return --left > 0;
        }
    };
    size_t read(Image& image, Seq after, Seq up_to, size_t stretch) {
        size_t visited = 0;
        Collector collector;
        collector.image = &image;
        const auto drain = [&](auto scan) {
            std::string position;
            bool done = false;
            while (!done) {
                collector.left = stretch;
                done = scan(position);
            }
        };
        drain([&](std::string& position) { return store_->scan_gone(after, up_to, position, collector); });
        for (const Table& table : store_->schema().tables)
            drain([&](std::string& position) { return store_->scan_rows(table, after, up_to, position, collector); });
        visited = collector.visited;
        return visited;
    }
    Image everything() {
        Image image;
        read(image, Seq{}, store_->state().head, 1000000);
        return image;
    }

    std::unique_ptr<Store> store_;
    SiteNumber site_;
    Seq seq_;
    uint64_t number_ = 0;
};

TEST_P(StoreConformance, FindsWhatWasWrittenWithItsMeta) {
    transact([&] { put(people(), person("a", "a@x", 7)); });
    RowState state;
    ASSERT_EQ(store_->find(people(), key({"a"}), state), Existence::alive);
    EXPECT_EQ(state.values, person("a", "a@x", 7));
    EXPECT_EQ(state.meta.birth, (LifeMark{site_, Seq{1}}));
    EXPECT_EQ(store_->find(people(), key({"b"}), state), Existence::unknown);
    EXPECT_TRUE(state.values.empty());
}

TEST_P(StoreConformance, KeepsEveryValueBitForBit) {
    const std::vector<Value> odd = {"k", std::string("a\0b\xff", 4), Value::blob(""), Value(int64_t{9223372036854775807}), ""};
    transact([&] { put(people(), odd); });
    RowState state;
    store_->find(people(), key({"k"}), state);
    EXPECT_EQ(state.values, odd);
}

TEST_P(StoreConformance, DeletedRowsKeepTheirImageAndComeBack) {
    transact([&] {
        put(people(), person("a", "a@x"));
        put(people(), person("b", "b@x"));
    });
    transact([&] {
        kill(people(), key({"a"}));
        kill(people(), key({"b"}));
    });
    RowState state;
    ASSERT_EQ(store_->find(people(), key({"a"}), state), Existence::dead);
    EXPECT_EQ(state.values, person("a", "a@x"));
    EXPECT_EQ(state.meta.death.seq, Seq{2});
    EXPECT_EQ(store_->dead_by(Seq{2}).size(), 2U);
    transact([&] { put(people(), person("a", "a@x")); });
    EXPECT_EQ(store_->dead_by(Seq{2}).size(), 1U);
    EXPECT_EQ(everything().size(), 1U);
}

TEST_P(StoreConformance, OpenConflictsStayWithTheirRowAliveOrDead) {
    const Candidate cell{1, Value("mine"), Value("base"), site_, {7}, {3}, 1000};
    const Candidate deletion{Candidate::row_itself, {}, Value::blob("image"), site_, {}, {2}, 0};
    const auto put_in_conflict = [&] {
        RowState row = alive(person("a", "a@x"));
        row.candidates = {cell, deletion};
        RowState before;
        const Existence existence = store_->find(people(), key({"a"}), before);
        store_->write(people(), key({"a"}), existence, row);
    };
    RowState state;
    transact(put_in_conflict);
    ASSERT_EQ(store_->find(people(), key({"a"}), state), Existence::alive);
    EXPECT_EQ(state.candidates, (std::vector<Candidate>{cell, deletion}));
    EXPECT_EQ(everything()["people:" + key({"a"})], person("a", "a@x"));

    transact([&] { kill(people(), key({"a"})); });
    ASSERT_EQ(store_->find(people(), key({"a"}), state), Existence::dead);
    EXPECT_EQ(state.candidates, (std::vector<Candidate>{cell, deletion}));
    EXPECT_TRUE(everything().empty());

    transact([&] { put(people(), person("b", "a@x")); });
    EXPECT_FALSE(transact([&] {  // the unique value is taken until the other row gives it up
        put_in_conflict();
        put(people(), person("b", "b@x"));
    }));
    ASSERT_EQ(store_->find(people(), key({"a"}), state), Existence::alive);
    EXPECT_EQ(state.candidates, (std::vector<Candidate>{cell, deletion}));
    ASSERT_EQ(store_->find(people(), key({"b"}), state), Existence::alive);
    EXPECT_TRUE(state.candidates.empty()) << "nothing of the row that was read before";
}

TEST_P(StoreConformance, ARolledBackTransactionLeavesNothingButItsVerdict) {
    transact([&] { put(people(), person("a", "a@x")); });
    const auto before = everything();
    store_->begin_group();
    const auto violation = transact_in_group([&] {
        kill(people(), key({"a"}));
        put(people(), person("b", "b@x"));
        put(people(), person("c", "b@x"));
    });
    store_->commit_group();
    ASSERT_TRUE(violation);
    EXPECT_EQ(violation->code, RejectCode::unique);
    EXPECT_NE(violation->sentence.find("people.email"), std::string::npos);
    EXPECT_EQ(everything(), before);
    EXPECT_EQ(store_->state().head, Seq{2});
    EXPECT_EQ(store_->find_verdict(site_, {2})->verdict.code, RejectCode::unique);
    EXPECT_TRUE(store_->dead_by(Seq{2}).empty());
}

TEST_P(StoreConformance, ALostGroupLeavesNothing) {
    transact([&] { put(people(), person("a", "a@x")); });
    const auto before = everything();
    store_->begin_group();
    transact_in_group([&] { kill(people(), key({"a"})); });
    store_->rollback_group();
    EXPECT_EQ(everything(), before);
    EXPECT_EQ(store_->state().head, Seq{1});
    EXPECT_FALSE(store_->find_verdict(site_, {2}));
    EXPECT_EQ(store_->find_site(SiteId{{1}}).last_number, TransactionNumber{1});
}

TEST_P(StoreConformance, UniqueValuesMayBeSwappedInOneTransaction) {
    transact([&] {
        put(people(), person("a", "one"));
        put(people(), person("b", "two"));
    });
    const auto violation = transact([&] {
        put(people(), person("a", "two"));
        RowState state;
        EXPECT_EQ(store_->find(people(), key({"a"}), state), Existence::alive);
        EXPECT_EQ(state.values, person("a", "two"));
        put(people(), person("b", "one"));
    });
    EXPECT_FALSE(violation) << violation->sentence;
    EXPECT_EQ(everything()["people:" + key({"a"})], person("a", "two"));
    EXPECT_EQ(everything()["people:" + key({"b"})], person("b", "one"));
}

TEST_P(StoreConformance, ADeferredRowMayBeDeletedAgain) {
    transact([&] { put(people(), person("a", "one")); });
    EXPECT_FALSE(transact([&] {
        put(people(), person("b", "one"));
        kill(people(), key({"b"}));
    }));
    EXPECT_EQ(everything().size(), 1U);
    RowState state;
    EXPECT_EQ(store_->find(people(), key({"b"}), state), Existence::dead);
}

TEST_P(StoreConformance, ChecksAreJudgedOnTheNetResult) {
    EXPECT_FALSE(transact([&] {
        put(people(), person("a", "x", -1));
        put(people(), person("a", "x", 1));
    }));
    const auto check = transact([&] { put(people(), person("a", "x", -1)); });
    ASSERT_TRUE(check);
    EXPECT_EQ(check->code, RejectCode::check);
    const auto null = transact([&] { put(people(), {"b", "n", "y", 1, nullptr}); });
    ASSERT_TRUE(null);
    EXPECT_EQ(null->code, RejectCode::not_null);
    EXPECT_NE(null->sentence.find("people.nick"), std::string::npos);
}

TEST_P(StoreConformance, AChildNeedsItsParent) {
    const auto orphan = transact([&] { put(pets(), {"o", 1, "rex", "nobody"}); });
    ASSERT_TRUE(orphan);
    EXPECT_EQ(orphan->code, RejectCode::foreign_key);
    EXPECT_FALSE(transact([&] {
        put(pets(), {"o", 1, "rex", "a"});
        put(people(), person("a", "a@x"));
    })) << "order inside the transaction does not matter";
    EXPECT_FALSE(transact([&] { put(pets(), {"o", 2, "stray", nullptr}); }));
}

TEST_P(StoreConformance, AParentWithChildrenIsProtected) {
    transact([&] {
        put(people(), person("a", "a@x"));
        put(pets(), {"o", 1, "rex", "a"});
    });
    const auto refused = transact([&] { kill(people(), key({"a"})); });
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, RejectCode::parent_protected);
    EXPECT_FALSE(transact([&] {
        kill(people(), key({"a"}));
        kill(pets(), key({"o", 1}));
    }));
}

TEST_P(StoreConformance, TriggersOfTheApplicationDoNotRun) {
    transact([&] { put(people(), person("a", "a@x")); });
    EXPECT_EQ(everything()["people:" + key({"a"})][1], Value("n"));
    EXPECT_EQ(store_->schema().statements.size(), 4U) << "but devices get them";
}

TEST_P(StoreConformance, ScansGiveEveryChangeOnceInWhateverStretches) {
    for (int round = 0; round < 6; ++round) {
        transact([&] {
            for (int i = 0; i < 7; ++i)
                put(people(), person("p" + std::to_string((round * 3 + i) % 13), nullptr, round));
            for (int i = 0; i < 5; ++i)
                put(pets(), {"o" + std::to_string(i % 2), i * round, "n", nullptr});
            if (round > 2) kill(people(), key({"p" + std::to_string(round)}));
        });
    }
    const auto whole = everything();
    for (uint64_t from = 0; from <= 6; ++from) {
        Image base;
        read(base, Seq{}, Seq{from}, 1000);  // what changed since is missing or newer: the rest repairs it
        for (const size_t stretch : {1, 2, 5, 1000}) {
            Image image = base;
            read(image, Seq{from}, store_->state().head, stretch);
            EXPECT_EQ(image, whole) << "from " << from << " in stretches of " << stretch;
        }
    }
    Image nothing;
    EXPECT_EQ(read(nothing, store_->state().head, store_->state().head, 10), 0U);
    EXPECT_EQ(store_->count_rows(Seq{}, store_->state().head), whole.size());
}

TEST_P(StoreConformance, AHostilePositionCostsRepetitionsOnly) {
    transact([&] {
        for (int i = 0; i < 9; ++i)
            put(people(), person("p" + std::to_string(i), nullptr));
    });
    for (const std::string& hostile : {std::string("x"), std::string("\x01\xff\xff"), std::string(40, '\xff')}) {
        for (const Seq after : {Seq{0}}) {
            Image image;
            Collector collector;
            collector.image = &image;
            collector.left = 100;
            std::string position = hostile;
            EXPECT_TRUE(store_->scan_rows(people(), after, store_->state().head, position, collector));
            EXPECT_EQ(image.size(), 9U);
        }
    }
}

TEST_P(StoreConformance, VerdictsStayUntilApplied) {
    transact([&] { put(people(), person("a", "x")); });
    transact([&] { put(people(), person("b", "x")); });  // refused
    transact([&] { put(people(), person("c", "z")); });
    EXPECT_EQ(store_->verdicts(site_, Seq{0}, Seq{3}).size(), 3U);
    EXPECT_EQ(store_->verdicts(site_, Seq{1}, Seq{2}).size(), 1U);
    EXPECT_EQ(store_->newest_verdict(site_), Seq{3});
    EXPECT_EQ(store_->find_verdict(site_, {3})->seen, Seq{2});
    store_->begin_group();
    store_->forget_verdicts(site_, Seq{3});
    store_->commit_group();
    EXPECT_FALSE(store_->find_verdict(site_, {1}));
    EXPECT_TRUE(store_->find_verdict(site_, {2})) << "a rejection stays, for what may depend on it";
    const SiteRecord record = store_->find_site(SiteId{{1}});
    EXPECT_EQ(record.last_number, TransactionNumber{3});
    EXPECT_EQ(record.last_stamp, 1000);
    EXPECT_EQ(store_->time_of(Seq{2}), 200);
}

TEST_P(StoreConformance, PurgeMovesTheHorizon) {
    transact([&] { put(people(), person("a", "x")); });
    transact([&] { kill(people(), key({"a"})); });
    EXPECT_EQ(store_->purge(150, Seq{100}, 10), 0U) << "too young";
    EXPECT_EQ(store_->purge(200, Seq{1}, 10), 0U) << "somebody still needs it";
    EXPECT_EQ(store_->purge(200, Seq{100}, 10), 1U);
    EXPECT_EQ(store_->state().horizon, Seq{2});
    RowState state;
    EXPECT_EQ(store_->find(people(), key({"a"}), state), Existence::unknown);
}

TEST_P(StoreConformance, TimesOlderThanADayBeforeTheHorizonGo) {
    transact([&] { put(people(), person("a", "x")); });
    transact([&] { put(people(), person("b", "y")); });
    transact([&] { put(people(), person("c", "z")); });
    constexpr HubTime day = HubTime{86400} * 1000000;
    store_->purge(day + 200, Seq{100}, 10);
    EXPECT_EQ(store_->time_of(Seq{1}), 0);
    EXPECT_EQ(store_->time_of(Seq{2}), 200);
    EXPECT_EQ(store_->time_of(Seq{3}), 300);
    EXPECT_EQ(store_->state().horizon, Seq{0}) << "no tombstone went";
}

TEST_P(StoreConformance, SchemasGrow) {
    transact([&] {
        put(people(), person("a", "x"));
        put(people(), person("b", "y"));
    });
    transact([&] { kill(people(), key({"b"})); });
    EXPECT_TRUE(store_->update_schema(conformance_schema).empty()) << "the same schema";
    std::string grown = conformance_schema;
    grown.replace(grown.find("DEFAULT '')"), 11, "DEFAULT '', -- new\n shoe_size INTEGER DEFAULT 42)");
    store_->update_schema(grown + "CREATE TABLE toys(id TEXT PRIMARY KEY); CREATE INDEX people_nick ON people(nick);");
    ASSERT_EQ(store_->schema().tables.size(), 3U);
    ASSERT_EQ(people().columns.size(), 6U);
    RowState state;
    store_->find(people(), key({"a"}), state);
    EXPECT_EQ(state.values.back(), Value(42));
    store_->find(people(), key({"b"}), state);
    EXPECT_EQ(state.values.back(), Value(42)) << "images of deleted rows grow too";
    EXPECT_FALSE(transact([&] { put(store_->schema().tables[2], {"t"}); }));
}

TEST_P(StoreConformance, OtherSchemaChangesAreRefusedByName) {
    const auto refusal = [&](std::string from, std::string to) -> std::string {
        std::string sql = conformance_schema;
        sql.replace(sql.find(from), from.size(), to);
        try {
            store_->update_schema(sql);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::schema);
            return error.what();
        }
        return "accepted";
    };
    EXPECT_NE(refusal("name TEXT,", "name BLOB,").find("people"), std::string::npos);
    EXPECT_NE(refusal("name TEXT,", "").find("people"), std::string::npos);
    EXPECT_NE(refusal("CREATE INDEX pets_name ON pets(name);", "").find("pets_name"), std::string::npos);
    EXPECT_NE(refusal("PRIMARY KEY (owner, number)", "PRIMARY KEY (number, owner)").find("pets"), std::string::npos);
    EXPECT_NE(refusal("nick TEXT NOT NULL DEFAULT ''", "nick TEXT NOT NULL DEFAULT '', extra TEXT NOT NULL").find("extra"), std::string::npos);
    EXPECT_EQ(store_->schema().statements.size(), 4U);
}

}  // namespace tombolo::store
