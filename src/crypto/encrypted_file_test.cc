#include <sys/stat.h>

#include <fmt/format.h>

#include "crypto/format.h"
#include "crypto/scene_test.h"

namespace tombolo::crypto {
namespace {

constexpr const char* fill =
    "PRAGMA synchronous = OFF;"
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500)"
    " INSERT INTO t SELECT x, 'canary ' || x || ' ' || hex(randomblob(30)) FROM c;";

constexpr const char* sum = "SELECT count(*) || ' ' || sum(a) || ' ' || sum(length(b)) FROM t";

std::string reads(sqlite::Connection& db) { return db.query_text(sum) + " " + db.query_text("PRAGMA integrity_check"); }

class EncryptedFileTest : public EncryptedScene {
protected:
    // Every file of the folder that is there now.
    void expect_no_canary(const std::string& when) {
        for (const auto& entry : std::filesystem::directory_iterator(folder_))
            EXPECT_EQ(bytes_of(entry.path().string()).find("canary"), std::string::npos) << entry.path() << " " << when;
    }
    std::map<std::string, std::string> all_files() {
        std::map<std::string, std::string> files;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            if (entry.path().string().find("-shm") == std::string::npos) files[entry.path().string()] = bytes_of(entry.path().string());
        }
        return files;
    }
};

// --- format ---

class GoldenTest : public EncryptedScene {};

// Made by SQLite3 Multiple Ciphers 2.3.5 (cipher='sqlcipher', legacy=4).
TEST_F(GoldenTest, files_of_another_program_open_here) {
    std::string raw;
    for (int i = 0; i < 32; ++i)
        raw.push_back(static_cast<char>(i));
    for (const auto& [name, key] : {std::pair("passphrase", Key::passphrase("correct horse")), std::pair("raw", Key::raw(raw))}) {
        std::filesystem::copy_file(fmt::format("{}/tests/golden/sqlcipher4_{}.db", TOMBOLO_SOURCE, name), path_,
                                   std::filesystem::copy_options::overwrite_existing);
        sqlite::Connection db = open_encrypted(path_, key);
        EXPECT_EQ(db.query_integer("SELECT count(*) FROM note"), 40);
        EXPECT_EQ(db.query_text("SELECT text FROM note WHERE id = 3"), "note 3 " + std::string(30, '0'));
        EXPECT_EQ(db.query_text("PRAGMA integrity_check"), "ok");
        db.execute("INSERT INTO note VALUES (41, 'ours')");
        db.close();
        EXPECT_EQ(open_encrypted(path_, key).query_integer("SELECT count(*) FROM note"), 41);
    }
}

TEST_F(EncryptedFileTest, pages_keep_80_bytes_free_and_their_size) {
    sqlite::Connection db = open_encrypted(path_);
    EXPECT_EQ(error_of([&] { db.execute("PRAGMA page_size = 8192"); }).code(), ErrorCode::sql);
    db.execute("PRAGMA page_size = 4096");
    db.execute(fill);
    EXPECT_EQ(db.query_integer("PRAGMA page_size"), 4096);
    EXPECT_EQ(db.query_integer("PRAGMA mmap_size = 1000000"), 0);
    int reserved = -1;
    sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    EXPECT_EQ(reserved, 80);
    db.execute("VACUUM");
    EXPECT_EQ(reads(db).substr(0, 4), "500 ");
    EXPECT_EQ(std::filesystem::file_size(path_) % page_size, 0U);
}

TEST_F(EncryptedFileTest, a_file_does_not_grow_in_chunks) {
    sqlite::Connection db = open_encrypted(path_);
    int chunk = 1 << 20;
    EXPECT_EQ(sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk), SQLITE_OK);
    db.execute(fill);
    db.close();
    EXPECT_LT(std::filesystem::file_size(path_), 1U << 20);
    sqlite::Connection again = open_encrypted(path_);
    EXPECT_EQ(reads(again).substr(0, 4), "500 ");
    EXPECT_EQ(again.query_text("PRAGMA integrity_check"), "ok");
}

TEST_F(EncryptedFileTest, an_empty_file_may_be_made_by_two_at_once) {
    sqlite::Connection first = open_encrypted(path_);
    sqlite::Connection second = open_encrypted(path_);
    EXPECT_EQ(second.query_integer("SELECT count(*) FROM sqlite_schema"), 0);
    EXPECT_EQ(first.query_integer("SELECT count(*) FROM sqlite_schema"), 0);
    second.execute("BEGIN IMMEDIATE; CREATE TABLE s(x)");
    EXPECT_EQ(error_of([&] { first.execute("CREATE TABLE t(x)"); }).code(), ErrorCode::busy);
    second.execute("COMMIT");
    first.execute("CREATE TABLE t(x)");
    EXPECT_EQ(second.query_integer("SELECT count(*) FROM sqlite_schema"), 2);
    EXPECT_EQ(second.query_text("PRAGMA integrity_check"), "ok");
}

// --- nothing in plain ---

TEST_F(EncryptedFileTest, no_file_ever_holds_what_was_written) {
    for (const char* mode : {"delete", "truncate", "persist", "wal"}) {
        path_ = folder_ + "/" + mode + ".db";
        sqlite::Connection db = open_encrypted(path_);
        db.execute(fmt::format("PRAGMA journal_mode = {}; PRAGMA cache_size = 10", mode));
        db.execute(fill);
        db.execute("BEGIN; UPDATE t SET b = b || ' canary more'; INSERT INTO t SELECT a + 1000, 'canary ' || hex(randomblob(300)) FROM t");
        expect_no_canary(std::string("in a transaction, ") + mode);
        db.execute("SAVEPOINT s; UPDATE t SET b = 'canary' || b; ROLLBACK TO s");
        db.execute("COMMIT; CREATE INDEX i ON t(b); CREATE TEMP TABLE scratch AS SELECT * FROM t ORDER BY b");
        expect_no_canary(std::string("open, ") + mode);
        EXPECT_EQ(db.query_text("PRAGMA integrity_check"), "ok");
        db.close();
        expect_no_canary(std::string("closed, ") + mode);
    }
}

// temp_store says where SQLite puts what does not fit its cache; a file of ours stays in memory all the same.
TEST_F(EncryptedFileTest, temporary_files_stay_in_memory_even_when_files_are_asked_for) {
    sqlite::Connection db = open_encrypted(path_);
    db.execute(fill);
    db.execute("PRAGMA temp_store = FILE; PRAGMA cache_size = 5");
    db.execute("CREATE TEMP TABLE big(x); INSERT INTO big SELECT 'canary' || b || hex(randomblob(4000)) FROM t");
    db.execute("BEGIN; UPDATE t SET b = 'canary ' || hex(randomblob(3000)); UPDATE OR FAIL t SET b = b || b; COMMIT; VACUUM");
    EXPECT_EQ(db.query_integer("SELECT count(*) FROM (SELECT DISTINCT x FROM big ORDER BY substr(x, 50))"), 500);
    EXPECT_EQ(db.query_text("PRAGMA integrity_check"), "ok");
    size_t open_files = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
        open_files += target.find("etilqs") != std::string::npos ? 1 : 0;  // SQLite's name for temporary files
    }
    EXPECT_EQ(open_files, 0U);
    expect_no_canary("with temp_store = FILE");
}

// --- keys that do not fit ---

TEST_F(EncryptedFileTest, a_wrong_key_touches_nothing_not_even_a_live_log) {
    sqlite::Connection db = open_encrypted(path_);
    db.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    db.execute(fill);
    const std::string folder = folder_ + "/copy";
    std::filesystem::create_directory(folder);
    for (const char* suffix : {"", "-wal"})
        std::filesystem::copy_file(path_ + suffix, folder + "/a.db" + suffix);
    folder_.swap(const_cast<std::string&>(folder));
    const std::string copy = folder_ + "/a.db";
    const auto before = all_files();
    EXPECT_EQ(error_of([&] { open_encrypted(copy, test_key('x')); }).code(), ErrorCode::wrong_key);
    EXPECT_EQ(error_of([&] { open_encrypted(copy, Key::passphrase("wrong")); }).code(), ErrorCode::wrong_key);
    EXPECT_EQ(error_of([&] { sqlite::Connection::open(copy); }).code(), ErrorCode::wrong_key);
    EXPECT_EQ(all_files(), before);
    sqlite::Connection back = open_encrypted(copy);
    EXPECT_EQ(reads(back), reads(db));
    folder_.swap(const_cast<std::string&>(folder));
}

TEST_F(EncryptedFileTest, a_key_for_a_plain_file_is_refused) {
    sqlite::Connection::open(path_).execute(fill);
    const auto before = all_files();
    EXPECT_EQ(error_of([&] { open_encrypted(path_); }).code(), ErrorCode::wrong_key);
    EXPECT_EQ(all_files(), before);
}

TEST_F(EncryptedFileTest, text_and_damaged_plain_files_are_not_taken_for_encrypted_ones) {
    put_bytes(path_, std::string(8192, 'x'));
    sqlite::Connection db = sqlite::Connection::open(path_);
    EXPECT_EQ(error_of([&] { db.query_integer("SELECT count(*) FROM sqlite_schema"); }).code(), ErrorCode::corrupt);
    EXPECT_EQ(error_of([&] { open_encrypted(path_); }).code(), ErrorCode::wrong_key);
}

// --- damage ---

TEST_F(EncryptedFileTest, a_bit_flipped_at_every_97th_byte_is_detected) {
    open_encrypted(path_).execute(fill);
    const std::string good = bytes_of(path_);
    const std::string whole = [&] {
        sqlite::Connection db = open_encrypted(path_);
        return reads(db);
    }();
    size_t flips = 0;
    for (size_t at = 0; at < good.size(); at += 97, ++flips) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1 << at % 8);
        put_bytes(path_, bad);
        const Error error = error_of([&] {
            sqlite::Connection db = open_encrypted(path_);
            db.query_integer("SELECT count(*) FROM sqlite_schema");
            db.query_text(sum);
        });
        if (at < salt_size) {
            EXPECT_EQ(error.code(), ErrorCode::wrong_key) << at;
            continue;
        }
        ASSERT_EQ(error.code(), ErrorCode::corrupt) << at << " " << error.what();
        ASSERT_NE(std::string(error.what()).find(fmt::format("page {} of", at / page_size + 1)), std::string::npos) << error.what();
    }
    EXPECT_GT(flips, 300U);
    put_bytes(path_, good);
    sqlite::Connection db = open_encrypted(path_);
    EXPECT_EQ(reads(db), whole);
}

TEST_F(EncryptedFileTest, pages_that_change_places_are_detected_and_so_is_a_cut) {
    open_encrypted(path_).execute(fill);
    const std::string good = bytes_of(path_);
    std::string bad = good;
    std::swap_ranges(bad.begin() + 2 * page_size, bad.begin() + 3 * page_size, bad.begin() + 3 * page_size);
    for (const std::string& image : {bad, good.substr(0, good.size() - 100), good.substr(0, good.size() - page_size),
                                     good.substr(0, good.size() - page_size) + std::string(page_size, '\0')}) {
        put_bytes(path_, image);
        EXPECT_EQ(error_of([&] {
                      sqlite::Connection db = open_encrypted(path_);
                      db.query_text(sum);
                  }).code(),
                  ErrorCode::corrupt);
    }
}

TEST_F(EncryptedFileTest, a_tampered_frame_of_the_log_is_never_read) {
    sqlite::Connection db = open_encrypted(path_);
    db.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    db.execute(fill);
    std::string log = bytes_of(path_ + "-wal");
    for (size_t at = 32 + 24 + 1000; at < log.size(); at += 4120)
        log[at] = static_cast<char>(log[at] ^ 4);
    sqlite::Connection reader = open_encrypted(path_);  // knows the frames from the wal-index, and not their pages
    std::ofstream(path_ + "-wal", std::ios::binary | std::ios::in) << log;
    EXPECT_EQ(error_of([&] { reader.query_text(sum); }).code(), ErrorCode::corrupt);
    EXPECT_EQ(error_of([&] { reader.execute("PRAGMA wal_checkpoint(TRUNCATE)"); }).code(), ErrorCode::corrupt);
}

// --- works with everything ---

TEST_F(EncryptedFileTest, several_connections_in_every_journal_mode) {
    for (const char* mode : {"delete", "truncate", "persist", "memory", "wal"}) {
        path_ = folder_ + "/" + mode + ".db";
        sqlite::Connection writer = open_encrypted(path_);
        writer.execute(fmt::format("PRAGMA journal_mode = {}", mode));
        writer.execute(fill);
        sqlite::Connection reader = open_encrypted(path_);
        for (int i = 0; i < 20; ++i) {
            sqlite::Connection& db = i % 2 == 0 ? writer : reader;
            sqlite::Connection& other = i % 2 == 0 ? reader : writer;
            db.execute(fmt::format("INSERT INTO t VALUES ({}, hex(randomblob(200)))", 1000 + i));
            ASSERT_EQ(reads(db), reads(other)) << mode << i;
        }
        reader.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        EXPECT_EQ(reads(reader), reads(writer));
    }
}

TEST_F(EncryptedFileTest, the_last_one_to_close_leaves_no_log) {
    sqlite::Connection db = open_encrypted(path_);
    db.execute("PRAGMA journal_mode = WAL");
    db.execute(fill);
    EXPECT_TRUE(std::filesystem::exists(path_ + "-wal"));
    db.close();
    EXPECT_FALSE(std::filesystem::exists(path_ + "-wal"));
}

// Pages in the log are copied to the database as they are, unless SQLite works without shared locks.
TEST_F(EncryptedFileTest, checkpoints_in_shared_and_exclusive_mode) {
    for (const char* locking : {"NORMAL", "EXCLUSIVE"}) {
        path_ = folder_ + "/" + locking + ".db";
        sqlite::Connection db = open_encrypted(path_);
        db.execute(fmt::format("PRAGMA locking_mode = {}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 5", locking));
        db.execute(fill);
        for (int i = 0; i < 50; ++i)
            db.execute(fmt::format("UPDATE t SET b = hex(randomblob(100)) WHERE a % 50 = {}", i));
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        const std::string expected = reads(db);
        db.close();
        sqlite::Connection again = open_encrypted(path_);
        EXPECT_EQ(reads(again), expected);
    }
}

TEST_F(EncryptedFileTest, a_copy_taken_in_the_middle_recovers) {
    for (const char* mode : {"delete", "truncate", "persist", "wal"}) {
        path_ = folder_ + "/" + mode + ".db";
        sqlite::Connection db = open_encrypted(path_);
        db.execute(fmt::format("PRAGMA journal_mode = {}", mode));
        db.execute(fill);
        const std::string expected = reads(db);
        db.execute("PRAGMA cache_size = 5; PRAGMA cache_spill = 1; BEGIN; UPDATE t SET b = hex(randomblob(300))");
        const std::string copy = path_ + "-copy";
        for (const char* suffix : {"", "-wal", "-journal"}) {
            if (std::filesystem::exists(path_ + suffix)) std::filesystem::copy_file(path_ + suffix, copy + suffix);
        }
        EXPECT_NE(bytes_of(copy), std::string());
        sqlite::Connection recovered = open_encrypted(copy);
        EXPECT_EQ(reads(recovered), expected) << mode;
    }
}

TEST_F(EncryptedFileTest, attached_databases_share_the_key_unless_told_otherwise) {
    sqlite::Connection::open(folder_ + "/plain.db").execute("CREATE TABLE p(x); INSERT INTO p VALUES ('plain')");
    sqlite::Connection db = open_encrypted(path_);
    db.execute(fill);
    db.execute(fmt::format("ATTACH '{}/b.db' AS b; ATTACH 'file:{}/plain.db?encrypted=0' AS plain", folder_, folder_));
    db.execute("BEGIN; CREATE TABLE b.t2(x); INSERT INTO b.t2 SELECT b FROM t; INSERT INTO p VALUES ('more'); DELETE FROM t WHERE a > 400; COMMIT");
    EXPECT_EQ(error_of([&] { db.execute(fmt::format("ATTACH '{}/plain.db' AS again", folder_)); }).code(), ErrorCode::corrupt);
    db.close();
    EXPECT_EQ(open_encrypted(folder_ + "/b.db").query_integer("SELECT count(*) FROM t2"), 500);
    EXPECT_EQ(sqlite::Connection::open(folder_ + "/plain.db").query_integer("SELECT count(*) FROM p"), 2);
    EXPECT_EQ(open_encrypted(path_).query_integer("SELECT count(*) FROM t"), 400);
}

TEST_F(EncryptedFileTest, vacuum_into_encrypted_and_plain_files) {
    sqlite::Connection db = open_encrypted(path_);
    db.execute(fill);
    db.execute(fmt::format("VACUUM INTO '{}/b.db'", folder_));
    db.execute(fmt::format("VACUUM INTO 'file:{}/plain.db?encrypted=0'", folder_));
    sqlite::Connection encrypted = open_encrypted(folder_ + "/b.db");
    sqlite::Connection plain = sqlite::Connection::open(folder_ + "/plain.db");
    EXPECT_EQ(reads(encrypted), reads(db));
    EXPECT_EQ(reads(plain), reads(db));
    EXPECT_EQ(bytes_of(folder_ + "/b.db").find("canary"), std::string::npos);
}

int copy_all(sqlite::Connection& from, sqlite::Connection& to) {
    sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
    if (backup == nullptr) return sqlite3_errcode(to.handle());
    while (sqlite3_backup_step(backup, 7) == SQLITE_OK) {
    }
    return sqlite3_backup_finish(backup);
}

TEST_F(EncryptedFileTest, backup_to_another_key_and_not_from_plain_pages) {
    sqlite::Connection db = open_encrypted(path_);
    db.execute(fill);
    sqlite::Connection other = open_encrypted(folder_ + "/b.db", test_key('b'));
    EXPECT_EQ(copy_all(db, other), SQLITE_OK);
    EXPECT_EQ(reads(other), reads(db));
    sqlite::Connection plain = sqlite::Connection::open(folder_ + "/plain.db");
    plain.execute(fill);
    sqlite::Connection third = open_encrypted(folder_ + "/c.db");
    EXPECT_NE(copy_all(plain, third), SQLITE_OK);
    EXPECT_EQ(bytes_of(folder_ + "/c.db").find("canary"), std::string::npos);
}

TEST_F(EncryptedFileTest, large_blobs_and_incremental_access) {
    sqlite::Connection db = open_encrypted(path_);
    db.execute("PRAGMA journal_mode = WAL; CREATE TABLE f(x); INSERT INTO f VALUES (zeroblob(20000000))");
    sqlite3_blob* blob = nullptr;
    ASSERT_EQ(sqlite3_blob_open(db.handle(), "main", "f", "x", 1, 1, &blob), SQLITE_OK);
    ASSERT_EQ(sqlite3_blob_write(blob, "canary", 6, 12345678), SQLITE_OK);
    sqlite3_blob_close(blob);
    EXPECT_EQ(db.query_text("SELECT CAST(substr(x, 12345679, 6) AS TEXT) FROM f"), "canary");
    expect_no_canary("in a blob");
    db.close();
    EXPECT_EQ(open_encrypted(path_).query_integer("SELECT length(x) FROM f"), 20000000);
}

// Pages that are allocated and freed in one transaction are never written, and read when they become part of the free list's trunk.
TEST_F(EncryptedFileTest, pages_that_were_never_written_can_be_read) {
    sqlite::Connection db = open_encrypted(path_);
    db.execute(fill);
    db.execute(
        "BEGIN; CREATE TABLE gone(x); INSERT INTO gone VALUES (zeroblob(3000000)); CREATE TABLE kept(x); INSERT INTO kept VALUES (zeroblob(9000));"
        " DROP TABLE gone; COMMIT");
    db.execute("CREATE TABLE again(x); INSERT INTO again VALUES (zeroblob(2500000)); DELETE FROM again");
    db.close();
    db = open_encrypted(path_);
    for (int i = 0; i < 30; ++i)
        db.execute("INSERT INTO again VALUES (zeroblob(100000))");
    EXPECT_EQ(db.query_text("PRAGMA integrity_check"), "ok");
}

TEST_F(EncryptedFileTest, a_file_that_was_replaced_is_not_used_on) {
    sqlite::Connection old = open_encrypted(path_);
    old.execute(fill);
    open_encrypted(folder_ + "/b.db").execute("CREATE TABLE other(x)");
    std::filesystem::rename(folder_ + "/b.db", path_);
    EXPECT_EQ(error_of([&] { old.execute("DELETE FROM t"); }).code(), ErrorCode::io);
    EXPECT_EQ(error_of([&] { old.query_text("SELECT max(b) FROM t"); }).code(), ErrorCode::io);
    EXPECT_EQ(open_encrypted(path_).query_integer("SELECT count(*) FROM other"), 0);
}

TEST_F(EncryptedFileTest, reading_works_where_writing_is_not_allowed) {
    open_encrypted(path_).execute(fill);
    sqlite::OpenOptions options;
    options.read_only = true;
    options.key = test_key();
    sqlite::Connection db = sqlite::Connection::open(path_, options);
    EXPECT_EQ(db.query_integer("SELECT count(*) FROM t"), 500);
    EXPECT_EQ(error_of([&] { db.execute("DELETE FROM t"); }).code(), ErrorCode::read_only);
}

TEST_F(EncryptedFileTest, a_connection_may_go_before_its_statements) {
    sqlite::Connection db = open_encrypted(path_);
    db.execute(fill);
    sqlite::Statement statement = db.prepare("SELECT a FROM t");
    ASSERT_TRUE(statement.step());
    db = sqlite::Connection();
    EXPECT_TRUE(statement.step());
}

}  // namespace
}  // namespace tombolo::crypto
