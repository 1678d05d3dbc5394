#include "store/sqlite_store.h"

#include <filesystem>

#include "sqlite/connection.h"
#include "store/store_conformance_test.h"
#include "tombolo/error.h"

namespace tombolo::store {
namespace {

struct CountingRandom : world::Random {
    void fill(void* bytes, size_t size) override {
        for (size_t i = 0; i < size; ++i)
            static_cast<unsigned char*>(bytes)[i] = next++;
    }
    unsigned char next = 1;
};

std::unique_ptr<Store> open(const std::string& path) {
    CountingRandom random;
    return open_sqlite_store(path, random);
}

std::unique_ptr<Store> make_memory_store() { return open(":memory:"); }

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(&make_memory_store));

struct TempFolder {
    TempFolder() {
        std::string pattern = testing::TempDir() + "/tombolo-store-XXXXXX";
        path = mkdtemp(pattern.data());
    }
    ~TempFolder() { std::filesystem::remove_all(path); }
    std::string path;
};

TEST(SqliteStore, ReopensWithItsIdentityAndSchema) {
    const TempFolder folder;
    const std::string path = folder.path + "/space.db";
    std::string space_id;
    {
        auto store = open(path);
        space_id = store->state().space_id;
        EXPECT_EQ(space_id.size(), 32U);
        EXPECT_NE(store->state().epoch.value, 0U);
        EXPECT_TRUE(store->update_schema("CREATE TABLE t(id INTEGER PRIMARY KEY);").size() == 1) << "an INTEGER PRIMARY KEY gets a warning";
        EXPECT_EQ(store->add_site(SiteId{{5}}).number, SiteNumber{1});
    }
    auto store = open(path);
    EXPECT_EQ(store->state().space_id, space_id);
    EXPECT_EQ(store->schema().tables.size(), 1U);
    EXPECT_EQ(store->find_site(SiteId{{5}}).number, SiteNumber{1});
}

TEST(SqliteStore, RefusesANewerFormatUntouched) {
    const TempFolder folder;
    const std::string path = folder.path + "/space.db";
    open(path).reset();
    sqlite::Connection::open(path).execute("UPDATE tombolo_space SET format = 99");
    try {
        open(path);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::too_new);
    }
}

TEST(SqliteStore, SpoolsLargeSumsToDiskAndLeavesNoFile) {
    const TempFolder folder;
    auto store = open(folder.path + "/space.db");
    Spool spool = store->make_spool(10);
    spool.append("small");
    EXPECT_EQ(spool.memory_bytes(), 5U);
    spool.append(std::string(1000, 'x'));
    spool.append("last");
    EXPECT_EQ(spool.memory_bytes(), 0U);
    EXPECT_EQ(spool.bytes(), 1009U);
    EXPECT_EQ(spool.piece(0), "small");
    EXPECT_EQ(spool.piece(2), "last");
    EXPECT_EQ(spool.piece(1), std::string(1000, 'x'));
    for (const auto& entry : std::filesystem::directory_iterator(folder.path))
        EXPECT_EQ(entry.path().filename().string().find("spool"), std::string::npos);
}

TEST(SqliteStore, ConflictClausesOfTheApplicationDoNotDeleteRows) {
    auto store = open(":memory:");
    store->update_schema("CREATE TABLE t(id TEXT PRIMARY KEY ON CONFLICT REPLACE, u TEXT UNIQUE ON CONFLICT REPLACE);");
    const Table& table = store->schema().tables[0];
    const auto put = [&](const char* id) {
        RowState row;
        row.existence = Existence::alive;
        row.values = {id, "same"};
        row.meta.birth = {{1}, {1}};
        row.meta.touch = {{1}, {1}, {}, 0};
        store->write(table, encode_record(std::vector<Value>{id}), Existence::unknown, row);
    };
    store->begin_group();
    store->begin_transaction(Seq{1});
    put("a");
    put("b");
    const auto violation = store->finish_transaction();
    ASSERT_TRUE(violation);
    EXPECT_EQ(violation->code, RejectCode::unique);
    store->rollback_transaction();
    store->rollback_group();
}

}  // namespace
}  // namespace tombolo::store
