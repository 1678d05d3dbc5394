// Any script of SQL gives the same results on an encrypted file as on a plain one, in every journal mode, and after opening it again.
#include <fmt/format.h>
#include <rapidcheck.h>

#include <vector>

#include "crypto/scene_test.h"

namespace tombolo::crypto {
namespace {

class PropertyTest : public EncryptedScene {};

constexpr const char* modes[] = {"DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF", "WAL"};

std::string statement() {
    const int row = *rc::gen::inRange(0, 40);
    const int size = *rc::gen::element(0, 3, 90, 700, 5000, 30000);
    switch (*rc::gen::inRange(0, 19)) {
        case 0: return "BEGIN";
        case 1: return "COMMIT";
        case 2: return "ROLLBACK";
        case 3: return "SAVEPOINT s";
        case 4: return "ROLLBACK TO s";
        case 5: return "RELEASE s";
        case 6: return fmt::format("DELETE FROM t WHERE a % 7 = {}", row % 7);
        case 7: return "VACUUM";
        case 8: return *rc::gen::arbitrary<bool>() ? "CREATE INDEX i ON t(b)" : "DROP INDEX i";
        case 9: return fmt::format("PRAGMA journal_mode = {}", *rc::gen::elementOf(std::vector<std::string>(std::begin(modes), std::end(modes))));
        case 10: return fmt::format("PRAGMA cache_size = {}", *rc::gen::element(2, 10, 1000));
        case 11: return fmt::format("PRAGMA wal_checkpoint({})", *rc::gen::element("PASSIVE", "FULL", "TRUNCATE"));
        case 12: return "PRAGMA incremental_vacuum(3)";
        case 13: return fmt::format("UPDATE t SET b = b || x'{:02x}' WHERE a < {}", row, row);
        case 14: return fmt::format("UPDATE OR FAIL t SET a = a + 1 WHERE a > {}", row);
        case 15: return "reopen";
        default: return fmt::format("INSERT OR REPLACE INTO t VALUES ({}, {} || zeroblob({}))", row, row, size);
    }
}

std::string result_of(sqlite::Connection& db, const std::string& sql) {
    try {
        std::string rows;
        sqlite::Statement run = db.prepare(sql);
        while (run.step()) {
            for (int i = 0; i < run.column_count(); ++i)
                rows.append(run.blob(i)).push_back('|');
        }
        return rows;
    } catch (const Error& error) {
        return std::string(to_string(error.code()));
    }
}

std::string contents(sqlite::Connection& db) {
    return result_of(db, "SELECT a, length(b), hex(substr(b, -5)) FROM t ORDER BY a") + result_of(db, "PRAGMA integrity_check") +
           result_of(db, "PRAGMA journal_mode");
}

// Where it says "frames", the counts depend on how many rows a page holds, and an encrypted page holds fewer.
bool counts_pages(const std::string& sql) { return sql.find("wal_checkpoint") != std::string::npos; }

TEST_F(PropertyTest, any_script_gives_the_same_results) {
    int run = 0;
    const bool ok = rc::check([&] {
        const auto script = *rc::gen::container<std::vector<std::string>>(rc::gen::exec(&statement));
        ++run;
        const std::string plain_path = fmt::format("{}/plain{}.db", folder_, run);
        const std::string encrypted_path = fmt::format("{}/encrypted{}.db", folder_, run);
        sqlite::Connection plain = sqlite::Connection::open(plain_path);
        sqlite::Connection encrypted = open_encrypted(encrypted_path);
        for (sqlite::Connection* db : {&plain, &encrypted})
            db->execute("PRAGMA synchronous = OFF; PRAGMA auto_vacuum = INCREMENTAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
        for (const std::string& sql : script) {
            if (sql == "reopen") {
                plain.close();
                encrypted.close();
                plain = sqlite::Connection::open(plain_path);
                encrypted = open_encrypted(encrypted_path);
                for (sqlite::Connection* db : {&plain, &encrypted})
                    db->execute("PRAGMA synchronous = OFF");
                continue;
            }
            const std::string expected = result_of(plain, sql);
            const std::string got = result_of(encrypted, sql);
            if (!counts_pages(sql)) RC_ASSERT(got == expected);
            RC_ASSERT(contents(encrypted) == contents(plain));
        }
        plain.close();
        encrypted.close();
        encrypted = open_encrypted(encrypted_path);
        plain = sqlite::Connection::open(plain_path);
        RC_ASSERT(contents(encrypted) == contents(plain));
    });
    EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace tombolo::crypto
