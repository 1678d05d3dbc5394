// One attached device file as capture on one connection sees it: its synced tables, and what the open transaction did to them.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "device/captured_table.h"
#include "device/log_record.h"
#include "device/pending_log.h"
#include "device/told_update.h"
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

    // At its first change, and whenever it is time to look again. False: the file's schema has changed, and what was known of its tables is
    // forgotten.
    bool begin();
    bool is_open() const { return open_; }

    // Row changes, in true order. Inside the hook. Error(null_key), (too_large), (not_captured).
    void insert(CapturedTable& table, int64_t rowid);
    void update(CapturedTable& table, int64_t old_rowid, int64_t new_rowid, bool triggers_fire);
    void erase(CapturedTable& table, int64_t rowid);
    void write_blob(CapturedTable& table, int64_t rowid);
    // An UPDATE that the triggers tell: true while one is open, from `update` on. What they are called for another row is ignored.
    bool is_told() const { return told_.is_open(); }
    void tell_cell(int64_t stamp, int64_t rowid, uint32_t column, const ValueView& before, const ValueView& after, const ValueView* key);
    // The key's columns were written. `before`, `after`: the whole row.
    void tell_key(int64_t stamp, int64_t rowid, const std::vector<ValueView>& before, const std::vector<ValueView>& after);
    void close_told();  // into the log. Error(not_captured)
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
    // What was written is committed; before `end`.
    void on_commit();
    // The session is about to write what commits leave to it.
    void forget_committed() { committed_version_.reset(); }

private:
    void log_insert(const CapturedTable& table, const std::vector<ValueView>& values);
    void log_erase(const CapturedTable& table, const std::vector<ValueView>& values);
    void log_update(const CapturedTable& table, const std::vector<ValueView>& before, const std::vector<ValueView>& after);
    int64_t read_cookie();
    int64_t read_temporary_cookie();
    bool still_fits(CapturedTable& table, int64_t cookie);
    bool fits_now(CapturedTable& table, int64_t cookie);
    bool nobody_committed_since() const { return committed_version_ == data_version(); }
    void read_state();
    void check_logged_tables();
    void check_unseen_values();
    void write_chunks(const LogContext& context);

    sqlite3* db_;
    std::string schema_name_;
    std::string path_;
    int64_t tag_ = 0;
    std::vector<std::unique_ptr<CapturedTable>> tables_;
    std::vector<std::unique_ptr<CapturedTable>> former_tables_;  // forgotten since the open transaction logged something
    sqlite::Statement cookie_, temporary_cookie_, state_, insert_, take_back_;

    int64_t known_cookie_ = -1;            // the schema's version of which tables_ are
    int64_t known_temporary_cookie_ = -1;  // that of the connection's TEMP objects then

    // What a transaction takes from the file besides the schema.
    struct State {
        uint64_t newest_number = 0;  // in the log, or ever
        Cursor seen;
        HubTime seen_time = 0;
    } state_of_file_;
    // This connection's last captured commit left state_of_file_ as it is.
    std::optional<uint32_t> committed_version_;

    bool open_ = false;
    PendingLog log_;
    uint64_t number_ = 0;  // under which log_ was written; 0: it was not
    TransactionId id_;     // then
    bool has_unseen_values_ = false;
    ToldUpdate told_;
    std::string operation_, key_;
    struct BlobWrite {
        const CapturedTable* table = nullptr;
        int64_t rowid = 0;
        uint64_t operations = 0;  // in the log, with this one
        bool operator==(const BlobWrite&) const = default;
    } last_blob_write_;
};

}  // namespace tombolo::device
