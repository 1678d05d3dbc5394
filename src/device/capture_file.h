// One attached device file as capture on one connection sees it: its synced tables, and what the open transaction did to them.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "device/captured_table.h"
#include "device/log_record.h"
#include "device/pending_log.h"
#include "sqlite/connection.h"

namespace tombolo::device {

class CaptureFile {
public:
    CaptureFile(sqlite3* db, std::string schema_name);  // Error(corrupt) if the identity row is missing
    static bool is_device(sqlite3* db, const std::string& schema_name);

    const std::string& schema_name() const { return schema_name_; }
    const std::string& path() const { return path_; }  // empty: in memory

    CapturedTable* find(std::string_view table_name);
    // A table with this stamp was found by name, and the open transaction has not renamed or changed it since.
    bool has_fitting(int64_t stamp);
    void forget_tables();
    // Changes with every commit seen by this connection, its own too.
    uint32_t data_version() const;

    // --- the open transaction ---

    // At its first change. False: the file's schema has changed, and what was known of its tables is forgotten.
    bool begin();
    bool is_open() const { return open_; }

    // Row changes, in true order. Inside the hook. Error(null_key), (too_large), (not_captured).
    void insert(CapturedTable& table, int64_t rowid);
    void update(CapturedTable& table, int64_t old_rowid, int64_t new_rowid);
    void erase(CapturedTable& table, int64_t rowid);
    void write_blob(CapturedTable& table, int64_t rowid);
    // All that are there already, as if they had just been inserted. Not in the hook.
    void existing_rows(const CapturedTable& table);
    // See capture_kept. Not in the hook.
    bool keep(const CapturedTable& table, const std::vector<Value>& key, const std::vector<uint32_t>& columns);

    void on_savepoint(int depth) { log_.on_savepoint(depth); }
    void on_release(int depth) { log_.on_release(depth); }
    void on_rollback_to(int depth);
    // Into tombolo_log, as the next transaction; false: there is nothing. `make_context` leaves out what the file knows. Once more:
    // in place of what it wrote before.
    bool write(const std::function<LogContext()>& make_context);
    bool was_written() const { return number_ != 0; }
    CapturedTransaction written() const { return {number_, id_}; }
    void end();

private:
    void log_insert(const CapturedTable& table, const std::vector<ValueView>& values);
    void log_erase(const CapturedTable& table, const std::vector<ValueView>& values);
    void log_update(const CapturedTable& table, const std::vector<ValueView>& before, const std::vector<ValueView>& after);
    int64_t read_cookie();
    bool still_fits(CapturedTable& table, int64_t cookie);
    void check_logged_tables();
    void check_unseen_values();
    void write_chunks(const LogContext& context);

    sqlite3* db_;
    std::string schema_name_;
    std::string path_;
    int64_t tag_ = 0;
    std::vector<std::unique_ptr<CapturedTable>> tables_;
    std::vector<std::unique_ptr<CapturedTable>> former_tables_;  // forgotten since the open transaction logged something
    sqlite::Statement cookie_, state_, insert_, take_back_;

    int64_t known_cookie_ = -1;  // the schema's version of which tables_ are

    bool open_ = false;
    PendingLog log_;
    uint64_t number_ = 0;  // under which log_ was written; 0: it was not
    TransactionId id_;     // then
    bool has_unseen_values_ = false;
    std::string operation_, key_;
    struct BlobWrite {
        const CapturedTable* table = nullptr;
        int64_t rowid = 0;
        uint64_t operations = 0;  // in the log, with this one
        bool operator==(const BlobWrite&) const = default;
    } last_blob_write_;
};

}  // namespace tombolo::device
