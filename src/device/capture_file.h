// One attached device file as capture on one connection sees it: its synced tables, and the end of its log.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "device/captured_table.h"
#include "device/log_record.h"
#include "sqlite/connection.h"

namespace tombolo::device {

class CaptureFile {
public:
    struct KnownTable : CapturedTable {
        std::unique_ptr<OldImage> old_image;
        sqlite::Statement find_key;  // the stored keys that equal a key by the columns' collations
    };

    CaptureFile(sqlite3* db, std::string schema_name);  // Error(corrupt) if the identity row is missing
    static bool is_device(sqlite3* db, const std::string& schema_name);

    const std::string& schema_name() const { return schema_name_; }
    int64_t tag() const { return tag_; }
    std::string path() const;  // for messages; empty: in memory

    KnownTable* find(uint64_t table_id, int64_t shape);  // nullptr: none, or what is known of it is out of date
    KnownTable* find(std::string_view table_name);
    void forget_tables() { tables_.clear(); }
    // In the table's own tree, whatever its indexes say: while REPLACE is at work, they are ahead of it.
    bool row_exists(KnownTable& table, int64_t rowid, std::string_view key);

    // Changes with every commit seen by this connection, its own too: equal values mean the same transaction.
    uint32_t data_version() const;

    // Appends one operation, made by `encode(out, moved)`. `happened` is operations() at the moment of the row's change.
    // A transaction's first one gets `context` before it.
    template <typename MakeContext, typename Encode>
    void append(uint64_t happened, MakeContext make_context, Encode encode) {
        body_.clear();
        encode(body_, operations_ - happened);
        if (number_ == 0 || data_version() != version_ || !append_to_transaction()) begin_transaction(make_context(read_state()));
        ++operations_;
    }
    uint64_t operations() const { return operations_; }  // appended through this object, ever
    void count_bytes(size_t bytes);                      // of the values just appended; Error(too_large) over a transaction's limit

    struct State {  // of the file, read at a transaction's begin
        Cursor seen;
        HubTime seen_time = 0;
    };

private:
    std::unique_ptr<KnownTable> load(uint64_t id, std::string_view name);
    State read_state();
    bool append_to_transaction();
    void begin_transaction(const LogContext& context);

    sqlite3* db_;
    std::string schema_name_;
    int64_t tag_ = 0;
    std::vector<std::unique_ptr<KnownTable>> tables_;
    sqlite::Statement insert_, take_back_, state_;

    uint32_t version_ = 0;      // data_version() at the begin of the transaction `number_`
    uint64_t number_ = 0;       // 0: none captured yet
    uint64_t next_number_ = 0;  // read_state
    uint64_t bytes_ = 0;        // of values in the transaction so far
    uint64_t operations_ = 0;
    std::string body_;
};

}  // namespace tombolo::device
