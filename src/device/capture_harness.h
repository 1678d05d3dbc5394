// For tests: a device file whose committed transactions are compared, bit for bit, with what capture and freeze made of them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "device/capture.h"
#include "device/device_schema.h"
#include "device/outbox.h"
#include "model/record.h"
#include "sqlite/inspect.h"

namespace tombolo::device::testing {

struct StillClock : world::Clock {
    WallTime wall_now = 1'700'000'000'000'000;
    BootTime boot_now = 5'000'000;
    BootId boot_now_id{{7}};
    WallTime wall() override { return wall_now; }
    BootTime boot() override { return boot_now; }
    BootId boot_id() override { return boot_now_id; }
};

struct CountingRandom : world::Random {
    uint64_t state = 1;
    void fill(void* bytes, size_t size) override {
        for (size_t i = 0; i < size; ++i) {
            state = state * 6364136223846793005 + 1442695040888963407;
            static_cast<uint8_t*>(bytes)[i] = static_cast<uint8_t>(state >> 56);
        }
    }
};

struct World {
    StillClock clock;
    CountingRandom random;
    int writes = 0;
    CaptureWorld capture() {
        return {&clock, &random, [this] { ++writes; }};
    }
};

class TempFolder {
public:
    TempFolder() {
        std::string name = memory_or_disk() / "tombolo-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~TempFolder() { std::filesystem::remove_all(path_); }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    // Where the system keeps files in memory: making and removing them is most of what many tests do.
    static std::filesystem::path memory_or_disk() {
        const std::filesystem::path memory = "/dev/shm";
        return std::getenv("TMPDIR") == nullptr && ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    }

    std::string path_;
};

using Image = std::vector<Value>;
using TableImage = std::map<std::string, Image>;      // key record -> row
using FileImage = std::map<std::string, TableImage>;  // table name -> rows

inline std::string show(const ValueView& value) {
    switch (value.type()) {
        case ValueType::null: return "NULL";
        case ValueType::integer: return std::to_string(value.as_integer());
        case ValueType::real: return std::to_string(value.as_real()) + "r";
        case ValueType::text: return "'" + std::string(value.bytes().substr(0, 40)) + "'";
        case ValueType::blob: return "x'" + to_hex(value.bytes().substr(0, 40)) + "'";
    }
    return "?";
}
inline std::string show(const Image& row) {
    std::string text;
    for (const Value& value : row)
        text += (text.empty() ? "" : " ") + show(value.view());
    return text;
}
inline std::string show_record(std::string_view record) {
    std::vector<ValueView> values;
    decode_record(record, values);
    Image row;
    for (const ValueView& value : values)
        row.emplace_back(value);
    return show(row);
}

// One connection to a device file.
class Device {
public:
    Device(World& world, const std::string& path, bool create = true) : world_(world), db(sqlite::Connection::open(path)) {
        register_capture(db.handle(), world.capture());
        if (create) db.execute(device_schema_sql);
        if (!create) reload();
    }

    // Makes the tables that `sql` creates and syncs those named.
    void make(const std::string& sql, const std::vector<std::string>& synced) {
        db.execute(sql);
        for (const std::string& name : synced)
            sync(name);
        reload();
    }
    void sync(const std::string& name) {
        db.cached("INSERT INTO tombolo_table(name) VALUES (?1)").with(name).run();
        install_capture(db, sqlite::read_table(db, "main", name));
    }
    void reload() {
        outbox.reset();
        schema.tables.clear();
        sqlite::Statement list = db.prepare("SELECT name FROM tombolo_table ORDER BY id");
        while (list.step())
            schema.tables.push_back(sqlite::read_table(db, "main", list.text(0)));
        outbox = std::make_unique<Outbox>(db, schema);
    }

    FileImage dump() {
        FileImage file;
        for (const Table& table : schema.tables) {
            std::string columns;
            for (const Column& column : table.columns)
                columns += (columns.empty() ? "" : ", ") + sqlite::quote_identifier(column.name);
            sqlite::Statement rows = db.prepare("SELECT " + columns + " FROM main." + sqlite::quote_identifier(table.name));
            TableImage& image = file[table.name];
            while (rows.step()) {
                Image row;
                std::string key;
                for (int i = 0; i < rows.column_count(); ++i)
                    row.emplace_back(rows.value(i));
                for (const uint32_t column : table.key)
                    put_value(key, row[column].view());
                image[key] = std::move(row);
            }
        }
        return file;
    }

    size_t freeze() {
        sqlite::WriteTransaction transaction(db);
        const size_t frozen = outbox->freeze();
        transaction.commit();
        return frozen;
    }

    // The changes of a frozen transaction, one line each.
    std::vector<std::string> lines(uint64_t number) {
        std::vector<std::string> result;
        const auto changes = outbox->changes({number});
        while (const ChangeView* change = changes->next()) {
            std::string line = change->kind == ChangeKind::insert ? "insert " : change->kind == ChangeKind::update ? "update " : "erase ";
            line += change->table->name + " " + show_record(change->key);
            if (change->over_own_delete) line += " over own delete";
            line += ":";
            for (const CellView& cell : change->cells) {
                line += " " + change->table->columns[cell.column].name + "=";
                if (change->kind != ChangeKind::insert || change->over_own_delete) line += show(cell.base);
                if (change->kind != ChangeKind::insert || change->over_own_delete) line += change->kind == ChangeKind::erase ? "" : "->";
                if (change->kind != ChangeKind::erase) line += show(cell.value);
            }
            result.push_back(line);
        }
        return result;
    }

private:
    World& world_;

public:
    sqlite::Connection db;
    Schema schema;
    std::unique_ptr<Outbox> outbox;
};

// Changes that take `before` to `after`, and nothing else: every change is a real one, with the right base.
inline void expect_difference(Device& device, uint64_t number, FileImage before, const FileImage& after) {
    const FileImage start = before;
    const auto changes = device.outbox->changes({number});
    std::map<std::string, int> seen;
    while (const ChangeView* change = changes->next()) {
        TableImage& rows = before[change->table->name];
        const std::string key(change->key);
        const std::string what = change->table->name + " " + show_record(key) + " in transaction " + std::to_string(number);
        EXPECT_EQ(++seen[change->table->name + key], 1) << "two changes of " << what;
        const auto old = rows.find(key);
        switch (change->kind) {
            case ChangeKind::insert: {
                EXPECT_EQ(old, rows.end()) << "insert of a row that was there: " << what;
                ASSERT_EQ(change->cells.size(), change->table->columns.size());
                Image row;
                for (const CellView& cell : change->cells)
                    row.emplace_back(cell.value);
                rows[key] = row;
                break;
            }
            case ChangeKind::update: {
                ASSERT_NE(old, rows.end()) << "update of no row: " << what;
                EXPECT_FALSE(change->cells.empty()) << what;
                int64_t last = -1;
                for (const CellView& cell : change->cells) {
                    EXPECT_GT(static_cast<int64_t>(cell.column), last) << what;
                    last = cell.column;
                    EXPECT_TRUE(old->second[cell.column].view() == cell.base)
                        << "base of " << what << ": " << show(cell.base) << ", but was " << show(old->second[cell.column].view());
                    EXPECT_FALSE(cell.base == cell.value) << "no change in " << what;
                    old->second[cell.column] = Value(cell.value);
                }
                break;
            }
            case ChangeKind::erase: {
                ASSERT_NE(old, rows.end()) << "erase of no row: " << what;
                Image base;
                for (const CellView& cell : change->cells)
                    base.emplace_back(cell.base);
                EXPECT_EQ(base, old->second) << "base of " << what << ": " << show(base) << ", but was " << show(old->second);
                rows.erase(old);
                break;
            }
        }
    }
    EXPECT_TRUE(before == after) << "the changes of transaction " << number << " do not lead to what it left";
    if (!(before == after)) {
        for (const auto& [table, rows] : after) {
            for (const auto& [key, row] : rows) {
                const auto& mine = before[table];
                const auto at = mine.find(key);
                if (at == mine.end())
                    ADD_FAILURE() << "missing " << table << ": " << show(row);
                else if (!(at->second == row))
                    ADD_FAILURE() << table << " is " << show(at->second) << ", should be " << show(row);
            }
            for (const auto& [key, row] : before[table]) {
                if (rows.count(key) == 0) ADD_FAILURE() << "should be gone from " << table << ": " << show(row);
            }
        }
    }
}

// Runs statements one by one, and remembers the tables before and after each committed transaction.
class Recorder {
public:
    explicit Recorder(Device& device) : device_(device), before_(device.dump()), last_(device.outbox->last().first.value) {}

    // Runs statements until one fails; the last result code. Only what is committed counts.
    int run(const std::string& sql) {
        const char* at = sql.c_str();
        error.clear();
        while (*at != 0) {
            sqlite3_stmt* statement = nullptr;
            const char* from = at;
            int rc = sqlite3_prepare_v2(device_.db.handle(), at, -1, &statement, &at);
            if (rc == SQLITE_OK && statement != nullptr) {
                while (sqlite3_step(statement) == SQLITE_ROW) {
                }
                rc = sqlite3_finalize(statement);
            }
            if (rc != SQLITE_OK) error = sqlite3_errmsg(device_.db.handle());
            if (!device_.db.in_transaction()) note_commit(std::string(from, at));
            if (rc != SQLITE_OK) return rc & 0xFF;
        }
        return SQLITE_OK;
    }
    void ok(const std::string& sql) { ASSERT_EQ(run(sql), SQLITE_OK) << sql << ": " << error; }

    void note_commit(const std::string& sql) {
        FileImage now = device_.dump();
        const uint64_t number = device_.outbox->last().first.value;
        if (number == last_) {
            EXPECT_TRUE(now == before_) << "changed tables, and captured nothing: " << sql;
        } else {
            EXPECT_EQ(number, last_ + 1) << "a transaction was split: " << sql;
            steps_.push_back({number, before_, now});
        }
        before_ = std::move(now);
        last_ = number;
    }
    void check() {
        device_.freeze();
        for (const Step& step : steps_)
            expect_difference(device_, step.number, step.before, step.after);
        steps_.clear();
    }
    uint64_t last() const { return last_; }

    std::string error;

private:
    struct Step {
        uint64_t number = 0;
        FileImage before, after;
    };
    Device& device_;
    FileImage before_;
    uint64_t last_;
    std::vector<Step> steps_;
};

// A device in memory whose every commit is compared with what was captured of it.
struct CaptureScene : ::testing::Test {
    World world;
    Device device{world, ":memory:"};
    std::unique_ptr<Recorder> recorder;

    void make(const std::string& sql, const std::vector<std::string>& synced) {
        device.make(sql, synced);
        recorder = std::make_unique<Recorder>(device);
    }
    void ok(const std::string& sql) { recorder->ok(sql); }
    int run(const std::string& sql) { return recorder->run(sql); }
    void check() { recorder->check(); }
    using Lines = std::vector<std::string>;
};

}  // namespace tombolo::device::testing
