#include "device/capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "device/capture_file.h"
#include "device/functions.h"
#include "device/participant.h"
#include "device/savepoints.h"
#include "device/sqlite_value.h"
#include "model/conflict_table.h"

namespace tombolo::device {

namespace {

// What an Error is to SQLite; the sentence goes along as the message.
int result_code(ErrorCode code) {
    switch (code) {
        case ErrorCode::disk_full: return SQLITE_FULL;
        case ErrorCode::io: return SQLITE_IOERR;
        case ErrorCode::busy: return SQLITE_BUSY;
        case ErrorCode::read_only: return SQLITE_READONLY;
        case ErrorCode::corrupt: return SQLITE_CORRUPT;
        case ErrorCode::too_large: return SQLITE_TOOBIG;
        case ErrorCode::null_key: return SQLITE_CONSTRAINT_FUNCTION;
        default: return SQLITE_ERROR;
    }
}

// Made beforehand, to be had when there is no memory for another.
const Error& no_memory() {
    static const Error error(ErrorCode::internal, "there was no memory to capture a change");
    return error;
}

}  // namespace

// Capture on one connection. Owned by the connection: destroyed when SQLite drops the function it is registered with.
class Capture : public Participant {
public:
    Capture(sqlite3* db, const CaptureWorld& world) : db_(db), world_(world) {}

    void set_applying(bool applying);
    void set_subject(std::optional<std::string> subject) { subject_ = std::move(subject); }
    CapturedTransaction newest() const { return newest_; }
    void note_touched(TouchedTables* touched) { touched_ = touched; }
    void forget_tables();
    void existing_rows(const Table& table);
    bool keep(std::string_view table_name, const std::vector<Value>& key, const std::vector<std::string>& columns);

    void before_change(int operation, const char* schema_name, const char* table_name, int64_t old_rowid, int64_t new_rowid);  // the hook
    void object(const Error& error);
    // The functions in the triggers. Error: the statement fails.
    void approve(int64_t stamp);
    void cell_written(sqlite3_value** values, int count);
    void key_written(sqlite3_value** values, int count);

    void on_savepoint(int depth) override;
    void on_release(int depth) override;
    void on_rollback_to(int depth) override;
    int on_sync(std::string& message) override;
    void on_commit() override;
    void on_rollback() override;
    void on_close() override;

private:
    void join();
    bool is_time_to_look(int operation);
    void close_told();
    CaptureFile& open_main();
    void write();
    void end_transaction();
    LogContext context_now() const;

    CaptureFile* find_file(const char* schema_name);
    CapturedTable* find_table(const char* schema_name, const char* table_name);
    bool files_changed() const;
    void look_for_files();

    sqlite3* db_;
    CaptureWorld world_;
    bool applying_ = false;
    TouchedTables* touched_ = nullptr;
    std::optional<std::string> subject_;

    std::vector<std::unique_ptr<CaptureFile>> files_;
    struct AttachedName {
        std::string schema;
        std::string path;
    };
    std::vector<AttachedName> looked_at_;  // what was attached when files_ was made

    // The answer of find_table for the last table the hook was called for; rows of one table come in runs.
    struct LastTable {
        const char* schema_pointer = nullptr;
        const char* table_pointer = nullptr;
        std::string schema, table;
        CaptureFile* file = nullptr;
        CapturedTable* known = nullptr;
        uint32_t data_version = 0;  // a table that is not synced may be so after another commit
    } last_;

    // The open transaction.
    sqlite::Statement join_;
    bool joined_ = false;  // SQLite tells us of its savepoints and of its end
    bool triggers_fire_ = true;
    int64_t changes_when_looked_ = -1;
    CaptureFile* telling_ = nullptr;  // whose triggers are telling what the last UPDATE did
    std::optional<std::string> its_subject_;
    bool wrote_ = false;
    CapturedTransaction newest_;           // committed on main
    std::optional<Error> objection_;       // why it must not commit
    Savepoints<bool> objected_;            // at each savepoint
    std::optional<Error> could_not_join_;  // for the trigger that comes next
    std::vector<ValueView> row_;           // handed over by a trigger
};

// --- which file ---

bool Capture::files_changed() const {
    for (size_t i = 0; i < looked_at_.size(); ++i) {
        const char* schema = sqlite3_db_name(db_, static_cast<int>(i));
        if (schema == nullptr || looked_at_[i].schema != schema) return true;
        const char* path = sqlite3_db_filename(db_, schema);
        if (looked_at_[i].path != (path != nullptr ? path : "")) return true;
    }
    return looked_at_.empty() || sqlite3_db_name(db_, static_cast<int>(looked_at_.size())) != nullptr;
}

// Files that are still attached keep what they hold of the open transaction.
void Capture::look_for_files() {
    last_ = {};
    watch_for_close(db_);
    looked_at_.clear();
    std::vector<std::unique_ptr<CaptureFile>> before = std::exchange(files_, {});
    for (int i = 0;; ++i) {
        const char* schema = sqlite3_db_name(db_, i);
        if (schema == nullptr) break;
        const char* path = sqlite3_db_filename(db_, schema);
        looked_at_.push_back({schema, path != nullptr ? path : ""});
    }
    for (const AttachedName& name : looked_at_) {
        if (name.schema == "temp") continue;
        const auto known = std::find_if(before.begin(), before.end(), [&](const auto& file) {
            return file != nullptr && file->schema_name() == name.schema && file->path() == name.path;
        });
        if (known != before.end())
            files_.push_back(std::move(*known));
        else if (CaptureFile::is_device(db_, name.schema))
            files_.push_back(std::make_unique<CaptureFile>(db_, name.schema));
    }
}

void Capture::set_applying(bool applying) {
    applying_ = applying;
    for (const auto& file : files_)
        file->forget_committed();
}

void Capture::forget_tables() {
    last_ = {};
    for (const auto& file : files_)
        file->forget_tables();
}

CaptureFile* Capture::find_file(const char* schema_name) {
    if (files_changed()) look_for_files();
    for (const auto& file : files_) {
        if (file->schema_name() == schema_name) return file.get();
    }
    return nullptr;
}

// Sets last_. nullptr: the table is not synced.
CapturedTable* Capture::find_table(const char* schema_name, const char* table_name) {
    if (std::strncmp(table_name, "tombolo_", 8) == 0 && table_name != conflict_table_name) return nullptr;
    const bool same =
        last_.schema_pointer == schema_name && last_.table_pointer == table_name && last_.schema == schema_name && last_.table == table_name;
    if (same && last_.known != nullptr && last_.known->fits()) return last_.known;
    if (same && last_.known == nullptr && last_.file != nullptr && last_.file->data_version() == last_.data_version) return nullptr;
    if (same && last_.file == nullptr && !files_changed()) return nullptr;
    CaptureFile* file = find_file(schema_name);
    CapturedTable* known = file != nullptr ? file->find(table_name) : nullptr;
    if (known != nullptr && !known->fits()) {  // columns were added behind our back
        file->forget_tables();
        known = file->find(table_name);
    }
    last_ = {schema_name, table_name, schema_name, table_name, file, known, file != nullptr ? file->data_version() : 0};
    return known;
}

// --- the hook ---

// At the transaction's first change, and before another statement updates what triggers are to tell: it may have been given triggers
// since. The count of changes moves with each statement that changed something.
bool Capture::is_time_to_look(int operation) {
    if (!last_.file->is_open()) return true;
    if (operation != SQLITE_UPDATE || last_.known == nullptr || !last_.known->triggers_tell()) return false;
    const int64_t changes = sqlite3_total_changes64(db_);
    return std::exchange(changes_when_looked_, changes) != changes;
}

void Capture::before_change(int operation, const char* schema_name, const char* table_name, int64_t old_rowid, int64_t new_rowid) {
    if (touched_ != nullptr) touched_->note(schema_name, table_name);
    if (applying_) return;
    CapturedTable* table = find_table(schema_name, table_name);
    if (table == nullptr) return;
    if (telling_ != nullptr) close_told();
    if (!joined_) {
        join();
        if (files_changed()) look_for_files();
    }
    if (last_.file == nullptr || (is_time_to_look(operation) && !last_.file->begin())) {
        last_ = {};
        table = find_table(schema_name, table_name);
        if (table == nullptr) return;
    }
    CaptureFile& file = *last_.file;
    // Another virtual table that writes at its own commit: this one's log is written already.
    if (file.was_written() && sqlite3_get_autocommit(db_) != 0) {
        throw Error(ErrorCode::not_captured, fmt::format("{} was written while its transaction committed", table->table().name));
    }
    const CapturedTable::InHook guard(*table);
    if (sqlite3_preupdate_blobwrite(db_) >= 0) return file.write_blob(*table, old_rowid);
    switch (operation) {
        case SQLITE_INSERT: return file.insert(*table, new_rowid);
        case SQLITE_UPDATE:
            file.update(*table, old_rowid, new_rowid, triggers_fire_);
            if (file.is_told()) telling_ = &file;
            return;
        default: return file.erase(*table, old_rowid);
    }
}

// The hook cannot fail a statement. The row's trigger does; and should a trigger of the application end before ours fires, the commit.
void Capture::object(const Error& error) {
    try {
        if (!joined_) join();
    } catch (const Error&) {
        could_not_join_ = error;
        return;
    }
    if (!objection_) objection_ = error;
}

namespace {
void preupdate(void* capture, sqlite3* db, int operation, const char* schema_name, const char* table_name, sqlite3_int64 old_rowid,
               sqlite3_int64 new_rowid);
}

void Capture::approve(int64_t stamp) {
    if (applying_) return;
    if (objection_) throw Error(*objection_);
    if (could_not_join_) throw Error(*std::exchange(could_not_join_, std::nullopt));
    // SQLite tells whose the hook was only when it is set.
    if (sqlite3_preupdate_hook(db_, preupdate, this) != this) {
        sqlite3_preupdate_hook(db_, nullptr, nullptr);
        throw Error(ErrorCode::not_captured, "the preupdate hook of this connection was taken by somebody else, so its writes cannot be captured",
                    "use the session extension and other preupdate hooks on a connection of their own");
    }
    if (joined_ && last_.known != nullptr && last_.known->stamp() == stamp) return;
    for (const auto& file : files_) {
        if (joined_ && file->has_fitting(stamp)) return;
    }
    throw Error(ErrorCode::schema, "a synced table was changed or copied, and its capture triggers do not fit it any more",
                "close and open the device file with Tombolo; drop the triggers of a table that was copied into another file");
}

// tombolo_captured_cell(stamp, rowid, column, old value, new value, key …)
void Capture::cell_written(sqlite3_value** values, int count) {
    const int64_t stamp = sqlite3_value_int64(values[0]);
    approve(stamp);
    if (telling_ == nullptr) return;
    constexpr int first_of_key = 5;
    row_.clear();
    for (int i = first_of_key; i < count; ++i)
        row_.push_back(view_of(values[i]));
    telling_->tell_cell(stamp, sqlite3_value_int64(values[1]), static_cast<uint32_t>(sqlite3_value_int64(values[2])), view_of(values[3]),
                        view_of(values[4]), row_.data());
}

// tombolo_captured_key(stamp, rowid, old value …, new value …): all columns.
void Capture::key_written(sqlite3_value** values, int count) {
    const int64_t stamp = sqlite3_value_int64(values[0]);
    approve(stamp);
    if (telling_ == nullptr) return;
    row_.clear();
    std::vector<ValueView> before;
    for (int i = 2; i < count; ++i)
        (i < 2 + (count - 2) / 2 ? before : row_).push_back(view_of(values[i]));
    telling_->tell_key(stamp, sqlite3_value_int64(values[1]), before, row_);
}

// --- the transaction ---

// What happens next is not part of the last UPDATE any more.
void Capture::close_told() {
    try {
        if (telling_ != nullptr) std::exchange(telling_, nullptr)->close_told();
    } catch (const Error& error) {
        object(error);
    } catch (const std::bad_alloc&) {
        object(no_memory());
    }
}

void Capture::join() {
    try {
        if (!join_) join_ = sqlite::Statement(db_, join_transaction_sql);
        join_.run();
    } catch (const Error& error) {
        throw Error(error.code(), fmt::format("a write to a synced table takes the write lock of main, and {}", error.what()), error.advice());
    }
    joined_ = true;
    could_not_join_.reset();  // its statement was over before a trigger came
    int on = 1;
    sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, -1, &on);
    triggers_fire_ = on != 0;
    its_subject_ = subject_;
}

void Capture::on_savepoint(int depth) {
    close_told();
    objected_.begin(depth, objection_.has_value());
    for (const auto& file : files_)
        file->on_savepoint(depth);
}

void Capture::on_release(int depth) {
    close_told();
    objected_.release(depth);
    for (const auto& file : files_)
        file->on_release(depth);
}

void Capture::on_rollback_to(int depth) {
    telling_ = nullptr;
    if (!objected_.roll_back_to(depth)) objection_.reset();
    for (const auto& file : files_)
        file->on_rollback_to(depth);
}

LogContext Capture::context_now() const {
    LogContext context;
    context.id = world_.random->id<TransactionId>();
    context.wall = world_.clock->wall();
    context.boot = world_.clock->boot();
    context.boot_id = world_.clock->boot_id();
    context.subject = its_subject_;
    return context;
}

void Capture::write() {
    const sqlite3_int64 last_insert_rowid = sqlite3_last_insert_rowid(db_);
    wrote_ = false;
    for (const auto& file : files_) {
        if (file->write([this] { return context_now(); })) wrote_ = true;
    }
    sqlite3_set_last_insert_rowid(db_, last_insert_rowid);
}

int Capture::on_sync(std::string& message) {
    try {
        close_told();
        if (objection_) throw Error(*objection_);
        write();
        return SQLITE_OK;
    } catch (const Error& error) {
        message = error.what();
        const int rc = result_code(error.code());
        return rc == SQLITE_BUSY ? SQLITE_ERROR : rc;  // BUSY would leave the transaction open
    } catch (const std::bad_alloc&) {
        message = no_memory().what();
        return SQLITE_NOMEM;
    }
}

void Capture::end_transaction() {
    joined_ = false;
    telling_ = nullptr;
    objection_.reset();
    objected_.clear();
    for (const auto& file : files_)
        file->end();
}

void Capture::on_commit() {
    for (const auto& file : files_) {
        if (file->was_written() && file->schema_name() == "main") newest_ = file->written();
        file->on_commit();
    }
    end_transaction();
    if (std::exchange(wrote_, false) && world_.on_write) world_.on_write();
}

void Capture::on_rollback() { end_transaction(); }

// A close that fails may leave the application's transaction open, while SQLite rolls back the virtual tables in it.
void Capture::on_close() {
    std::string ignored;
    if (joined_) on_sync(ignored);
    telling_ = nullptr;
    last_ = {};
    join_ = {};
    files_.clear();
    looked_at_.clear();
}

// --- rows that are there already ---

// The main file, as part of the caller's transaction.
CaptureFile& Capture::open_main() {
    if (sqlite3_get_autocommit(db_) != 0) throw Error(ErrorCode::internal, "this is captured inside a transaction only");
    CaptureFile* file = find_file("main");
    if (file == nullptr) throw Error(ErrorCode::internal, "the file is no device");
    if (!joined_) join();
    if (!file->is_open()) file->begin();
    return *file;
}

void Capture::existing_rows(const Table& table) {
    CaptureFile& file = open_main();
    CapturedTable* known = file.find(table.name);
    if (known == nullptr) throw Error(ErrorCode::internal, fmt::format("table {} is not in the list of synced tables", table.name));
    file.existing_rows(*known);
}

bool Capture::keep(std::string_view table_name, const std::vector<Value>& key, const std::vector<std::string>& columns) {
    CaptureFile& file = open_main();
    CapturedTable* known = file.find(table_name);
    if (known == nullptr) throw Error(ErrorCode::not_found, fmt::format("table {} is not synced", table_name));
    if (key.size() != known->table().key.size())
        throw Error(ErrorCode::usage, fmt::format("the key of table {} has {} columns", table_name, known->table().key.size()));
    std::vector<uint32_t> indexes;
    for (const std::string& column : columns) {
        const auto index = known->table().find_column(column);
        if (!index) throw Error(ErrorCode::not_found, fmt::format("table {} has no column {}", table_name, column));
        indexes.push_back(*index);
    }
    return file.keep(*known, key, indexes);
}

// --- registration ---

namespace {

template <typename Call>
void answer_trigger(sqlite3_context* context, Call call) {
    try {
        call(*static_cast<Capture*>(sqlite3_user_data(context)));
        sqlite3_result_int(context, 1);
    } catch (const Error& error) {
        sqlite3_result_error(context, error.what(), -1);
        sqlite3_result_error_code(context, result_code(error.code()));
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

void captured(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
    answer_trigger(context, [&](Capture& capture) { capture.approve(sqlite3_value_int64(values[0])); });
}
void cell_written(sqlite3_context* context, int count, sqlite3_value** values) {
    answer_trigger(context, [&](Capture& capture) { capture.cell_written(values, count); });
}
void key_written(sqlite3_context* context, int count, sqlite3_value** values) {
    answer_trigger(context, [&](Capture& capture) { capture.key_written(values, count); });
}

void preupdate(void* owner, sqlite3* /*db*/, int operation, const char* schema_name, const char* table_name, sqlite3_int64 old_rowid,
               sqlite3_int64 new_rowid) {
    auto* capture = static_cast<Capture*>(owner);
    try {
        capture->before_change(operation, schema_name, table_name, old_rowid, new_rowid);
    } catch (const Error& error) {
        capture->object(error);
    } catch (const std::bad_alloc&) {
        capture->object(no_memory());
    }
}

// How C++ finds the Capture of a connection, without a door that SQL could open: the argument is a typed pointer.
constexpr const char* request_type = "tombolo capture";
struct Request {
    Capture* capture = nullptr;
};
void answer_request(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
    auto* request = static_cast<Request*>(sqlite3_value_pointer(values[0], request_type));
    if (request != nullptr) request->capture = static_cast<Capture*>(sqlite3_user_data(context));
}

Capture* find_capture(sqlite3* db) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db, "SELECT tombolo_connection(?1)", -1, &raw, nullptr) != SQLITE_OK) return nullptr;
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, &sqlite3_finalize);
    Request request;
    sqlite3_bind_pointer(raw, 1, &request, request_type, nullptr);
    sqlite3_step(raw);
    return request.capture;
}

Capture& capture_of(sqlite3* db) {
    Capture* capture = find_capture(db);
    if (capture == nullptr) throw Error(ErrorCode::usage, "capture is not registered on this connection", "call tombolo::attach first");
    return *capture;
}

void create_function(sqlite3* db, const char* name, int arguments, void (*function)(sqlite3_context*, int, sqlite3_value**), Capture* capture,
                     void (*destroy)(void*)) {
    const int rc = sqlite3_create_function_v2(db, name, arguments, SQLITE_UTF8 | SQLITE_INNOCUOUS, capture, function, nullptr, nullptr, destroy);
    if (rc != SQLITE_OK) sqlite::throw_error(db, rc, fmt::format("register {}", name));
}

}  // namespace

void register_capture(sqlite3* db, const CaptureWorld& world) {
    if (find_capture(db) != nullptr) return;
    if (sqlite3_compileoption_used("ENABLE_PREUPDATE_HOOK") == 0) {
        throw Error(ErrorCode::unsupported, "this SQLite was built without the preupdate hook",
                    "build it with SQLITE_ENABLE_PREUPDATE_HOOK, as Debian does");
    }
    register_functions(db, *world.random);
    auto* capture = new Capture(db, world);
    // From here on the connection owns it; SQLite calls the destructor even when this registration fails.
    create_function(db, "tombolo_connection", 1, answer_request, capture, [](void* owned) { delete static_cast<Capture*>(owned); });
    create_function(db, "tombolo_captured", 1, captured, capture, nullptr);
    create_function(db, "tombolo_captured_cell", -1, cell_written, capture, nullptr);
    create_function(db, "tombolo_captured_key", -1, key_written, capture, nullptr);
    register_participant(db, *capture);
    sqlite3_preupdate_hook(db, preupdate, capture);
}

void set_applying(sqlite3* db, bool applying) { capture_of(db).set_applying(applying); }
CapturedTransaction newest_captured(sqlite3* db) { return capture_of(db).newest(); }
void set_subject(sqlite3* db, std::optional<std::string> subject) { capture_of(db).set_subject(std::move(subject)); }
void note_touched_tables(sqlite3* db, TouchedTables* touched) { capture_of(db).note_touched(touched); }

void forget_tables(sqlite3* db) {
    if (Capture* capture = find_capture(db)) capture->forget_tables();
}

void capture_existing_rows(sqlite::Connection& db, const Table& table) { capture_of(db.handle()).existing_rows(table); }

bool capture_kept(sqlite::Connection& db, std::string_view table_name, const std::vector<Value>& key, const std::vector<std::string>& columns) {
    return capture_of(db.handle()).keep(table_name, key, columns);
}

}  // namespace tombolo::device
