#include "device/capture.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "base/limits.h"
#include "device/capture_file.h"
#include "device/close_notice.h"
#include "device/functions.h"
#include "device/row_events.h"
#include "device/sqlite_value.h"
#include "model/record.h"
#include "sqlite/inspect.h"

namespace tombolo::device {

namespace {

// The arguments of a capture function. Wide tables: the key columns come first, and only a slice of the columns after them.
struct Call {
    CaptureFile* file = nullptr;
    CaptureFile::KnownTable* table = nullptr;
    uint32_t from = 0;
    uint32_t count = 0;
    bool last = false;
    sqlite3_value** old_key = nullptr;  // wide tables only
    sqlite3_value** new_key = nullptr;
    sqlite3_value** old_values = nullptr;
    sqlite3_value** new_values = nullptr;

    sqlite3_value* old_key_value(size_t i) const { return old_key != nullptr ? old_key[i] : old_values[table->table.key[i]]; }
    sqlite3_value* new_key_value(size_t i) const { return new_key != nullptr ? new_key[i] : new_values[table->table.key[i]]; }
};

// The bytes SQLite keeps for a value, roughly; checks the limit of one value.
size_t checked_size(const ValueView& value, const Table& table, size_t column) {
    const size_t size = value.bytes().size();
    if (size > limits::value_bytes_max) {
        throw Error(ErrorCode::too_large,
                    fmt::format("a value of {} bytes in {}.{} is over {} MiB, the most that can be synced", size, table.name,
                                table.columns[column].name, limits::value_bytes_max >> 20),
                    "store it in pieces");
    }
    return size + 8;
}

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

}  // namespace

// Capture on one connection. Owned by the connection: destroyed when SQLite drops the function it is registered with.
class Capture : public CloseListener, public TransactionListener {
public:
    Capture(sqlite3* db, const CaptureWorld& world) : db_(db), world_(world) {}

    void set_applying(bool applying) { applying_ = applying; }
    void set_subject(std::optional<std::string> subject) { subject_ = std::move(subject); }
    bool applying() const { return applying_; }
    void forget_tables();
    void on_close() override { forget_files(); }
    const char* refuse_commit() override;
    void on_end() override;
    void on_savepoint(int depth) override;
    void on_release(int depth) override;
    void on_rollback_to(int depth) override;

    void before_change(int operation, const char* schema_name, const char* table_name, int64_t old_rowid, int64_t new_rowid);  // the preupdate hook
    void insert(sqlite3_value** values, int count);
    void update(sqlite3_value** values, int count);
    void erase(sqlite3_value** values, int count);
    void existing_rows(const Table& table);

private:
    Call read_call(sqlite3_value** values, int count, bool has_old, bool has_new);
    CaptureFile* find_file(int64_t tag);
    CaptureFile* find_file(const char* schema_name);
    CaptureFile::KnownTable* find_table(const char* schema_name, const char* table_name, CaptureFile*& file);
    bool files_changed() const;
    void look_for_files();
    void forget_files();
    LogContext context(const CaptureFile::State& state);

    template <typename Encode>
    void log(CaptureFile& file, uint64_t happened, Encode encode) {
        file.append(
            happened, [this](const CaptureFile::State& state) { return context(state); }, encode);
    }
    void take_event(int operation, const Call& call, RowEvent& event);
    void join_transaction(const CaptureFile& file);
    void settle_deletes(const RowEvent& next, int64_t old_rowid, int64_t new_rowid);
    void write_displaced();
    void write_delete(RowEvent& event);
    void log_insert(const Call& call, uint64_t happened, std::string_view key);
    void log_erase(const Call& call, uint64_t happened);
    void put_key(std::string& out, const Call& call, bool old) const;

    struct AttachedName {
        std::string schema;
        std::string path;
        bool operator==(const AttachedName&) const = default;
    };
    std::vector<AttachedName> attached() const;

    sqlite3* db_;
    CaptureWorld world_;
    bool applying_ = false;
    std::optional<std::string> subject_;
    std::vector<std::unique_ptr<CaptureFile>> files_;
    std::vector<AttachedName> looked_at_;  // what was attached when files_ was made
    RowEvents events_;
    struct Savepoint {
        int depth = 0;
        uint64_t serial = 0;  // of the first row event after it
    };
    std::vector<Savepoint> savepoints_;  // by depth
    bool joined_ = false;                // SQLite tells us of this transaction's savepoints and end
    sqlite::Statement join_;
    std::string key_, old_key_;

    // The answer of find_table for the last table the hook was called for; rows of one table come in runs.
    struct LastTable {
        const char* schema_pointer = nullptr;
        const char* table_pointer = nullptr;
        std::string schema, table;
        CaptureFile* file = nullptr;
        CaptureFile::KnownTable* known = nullptr;
        uint32_t data_version = 0;  // a table that is not synced may be so after another commit
    } last_;
};

// --- which file ---

std::vector<Capture::AttachedName> Capture::attached() const {
    std::vector<AttachedName> names;
    for (int i = 0;; ++i) {
        const char* schema = sqlite3_db_name(db_, i);
        if (schema == nullptr) return names;
        const char* path = sqlite3_db_filename(db_, schema);
        names.push_back({schema, path != nullptr ? path : ""});
    }
}

bool Capture::files_changed() const {
    for (size_t i = 0; i < looked_at_.size(); ++i) {
        const char* schema = sqlite3_db_name(db_, static_cast<int>(i));
        if (schema == nullptr || looked_at_[i].schema != schema) return true;
        const char* path = sqlite3_db_filename(db_, schema);
        if (looked_at_[i].path != (path != nullptr ? path : "")) return true;
    }
    return looked_at_.empty() || sqlite3_db_name(db_, static_cast<int>(looked_at_.size())) != nullptr;
}

void Capture::look_for_files() {
    forget_files();
    arm_close_notice(db_);
    looked_at_ = attached();
    for (const AttachedName& name : looked_at_) {
        if (name.schema != "temp" && CaptureFile::is_device(db_, name.schema)) files_.push_back(std::make_unique<CaptureFile>(db_, name.schema));
    }
}

void Capture::forget_files() {
    last_ = {};
    events_.clear();
    join_ = {};
    files_.clear();
    looked_at_.clear();
}

void Capture::forget_tables() {
    last_ = {};
    events_.clear();
    for (const auto& file : files_)
        file->forget_tables();
}

CaptureFile* Capture::find_file(int64_t tag) {
    if (files_changed()) look_for_files();
    CaptureFile* found = nullptr;
    for (const auto& file : files_) {
        if (file->tag() != tag) continue;
        if (found != nullptr) {
            throw Error(ErrorCode::diverged_copy,
                        fmt::format("\"{}\" ({}) and \"{}\" ({}) are copies of one device file, so a write cannot be told to belong to one of them",
                                    found->schema_name(), found->path(), file->schema_name(), file->path()),
                        "detach one of the two");
        }
        found = file.get();
    }
    if (found == nullptr)
        throw Error(ErrorCode::not_a_device, "the capture trigger belongs to a device file that is not attached",
                    "the table's triggers were copied from another file: drop them");
    return found;
}

CaptureFile* Capture::find_file(const char* schema_name) {
    if (files_changed()) look_for_files();
    for (const auto& file : files_) {
        if (file->schema_name() == schema_name) return file.get();
    }
    return nullptr;
}

// For the hook: nullptr if the table is not synced.
CaptureFile::KnownTable* Capture::find_table(const char* schema_name, const char* table_name, CaptureFile*& file) {
    if (std::strncmp(table_name, "tombolo_", 8) == 0) return nullptr;
    const bool same =
        last_.schema_pointer == schema_name && last_.table_pointer == table_name && last_.schema == schema_name && last_.table == table_name;
    if (!same || (last_.known == nullptr && last_.file != nullptr && last_.file->data_version() != last_.data_version) ||
        (last_.file == nullptr && files_changed())) {
        CaptureFile* owner = find_file(schema_name);
        CaptureFile::KnownTable* known = owner != nullptr ? owner->find(table_name) : nullptr;
        last_ = {schema_name, table_name, schema_name, table_name, owner, known, owner != nullptr ? owner->data_version() : 0};
    }
    file = last_.file;
    return last_.known;
}

// --- the transaction ---

// Another AFTER trigger may end a statement that keeps its rows (RAISE(IGNORE), or a failure under OR FAIL) before ours fires. So
// a row change that the hook saw must have been told by a trigger, or undone, before the transaction commits.
// Joining needs a write transaction on main, which a write to main has already. A write to an attached file does not lock main
// for this.
void Capture::join_transaction(const CaptureFile& file) {
    if (joined_ || file.schema_name() != "main") return;
    if (!join_) join_ = sqlite::Statement(db_, join_transaction_sql);
    join_.run();
    joined_ = true;
}

const char* Capture::refuse_commit() {
    if (!events_.any_untold()) return nullptr;
    return "a trigger of the application ended before the change of a synced row could be captured (RAISE(IGNORE), RAISE(FAIL) or a conflict "
           "under OR FAIL in an AFTER trigger), so the transaction cannot be committed";
}

void Capture::on_end() {
    joined_ = false;
    savepoints_.clear();
    events_.end_transaction();
}

void Capture::on_savepoint(int depth) {
    on_release(depth);
    savepoints_.push_back({depth, events_.next_serial()});
}

void Capture::on_release(int depth) {
    while (!savepoints_.empty() && savepoints_.back().depth >= depth)
        savepoints_.pop_back();
}

void Capture::on_rollback_to(int depth) {
    on_release(depth + 1);
    const bool known = !savepoints_.empty() && savepoints_.back().depth == depth;
    events_.undo_from(known ? savepoints_.back().serial : 0);  // unknown: it is older than our part in the transaction
}

// --- the hook ---

void Capture::before_change(int operation, const char* schema_name, const char* table_name, int64_t old_rowid, int64_t new_rowid) {
    if (applying_ || sqlite3_preupdate_blobwrite(db_) >= 0) return;
    RowEvent event;
    event.table = find_table(schema_name, table_name, event.file);
    if (event.table == nullptr) return;
    if (!event.table->old_image->fits(db_)) {  // columns were added behind our back
        forget_tables();
        event.table = find_table(schema_name, table_name, event.file);
        if (event.table == nullptr) return;
    }
    join_transaction(*event.file);
    event.operation = operation;
    event.depth = sqlite3_preupdate_depth(db_);
    event.happened = event.file->operations();
    settle_deletes(event, old_rowid, new_rowid);
    if (operation == SQLITE_DELETE) {
        event.rowid = old_rowid;
        event.data_version = event.file->data_version();
        event.readable = event.table->old_image->read(db_, old_rowid, event.image, event.key);
    }
    events_.push(std::move(event), joined_);
}

// The deletes on top of the stack, now that the next change is known. One that happened has left the table; one that a failed
// statement left behind is recognised by its row, which is there again, or by its transaction, which is over. A row of the same
// rowid may still be in the tree while REPLACE puts the new one in its place.
void Capture::settle_deletes(const RowEvent& next, int64_t old_rowid, int64_t new_rowid) {
    std::vector<RowEvent>& events = events_.all();
    // Triggers fire row by row: what is settled and not deeper in than the next change was taken up long ago, or its statement
    // failed. Only a row whose displacer is still to come (foreign-key actions went between) is looked at again.
    for (size_t i = 0; i < events.size();) {
        RowEvent& event = events[i];
        if (event.operation != SQLITE_DELETE || !event.settled || event.depth < next.depth) {
            ++i;
            continue;
        }
        bool waiting = event.table == next.table && event.depth == next.depth;
        for (size_t later = i + 1; later < events.size(); ++later)
            waiting = waiting && (events[later].operation == SQLITE_DELETE || events[later].depth > event.depth);
        event.settled = false;
        if (waiting)
            ++i;
        else
            events.erase(events.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (size_t i = events.size(); i > 0; --i) {
        RowEvent& event = events[i - 1];
        if (event.operation != SQLITE_DELETE || event.settled) return;
        const bool same_statement = event.table == next.table && event.depth == next.depth;
        if (same_statement && next.operation == SQLITE_DELETE) return;  // displaced by one and the same row, which is still to come
        const bool overwritten = same_statement && !event.table->table.without_rowid && event.rowid == new_rowid &&
                                 (next.operation == SQLITE_INSERT || event.rowid != old_rowid);
        bool newest = true;
        for (size_t later = i; later < events.size(); ++later)
            newest = newest && !(events[later].table == event.table && events[later].key == event.key);
        event.settled = newest && event.data_version == event.file->data_version() &&
                        (!event.readable || overwritten || !event.file->row_exists(*event.table, event.rowid, event.key));
        if (!event.settled) events.erase(events.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
}

// --- the triggers ---

Call Capture::read_call(sqlite3_value** values, int count, bool has_old, bool has_new) {
    constexpr int fixed = 4;
    Call call;
    call.file = find_file(sqlite3_value_int64(values[0]));
    const auto table_id = static_cast<uint64_t>(sqlite3_value_int64(values[1]));
    const int64_t shape = sqlite3_value_int64(values[2]);
    call.table = call.file->find(table_id, shape);
    if (call.table == nullptr) {
        forget_tables();
        if (call.file->find(table_id, shape) != nullptr)
            throw Error(ErrorCode::busy, "a synced table has just been changed by another connection", "run the statement again");
        throw Error(ErrorCode::schema, "a synced table was changed, and its capture triggers do not fit it any more",
                    "close and open the device file with Tombolo");
    }
    const auto slice = static_cast<uint32_t>(sqlite3_value_int64(values[3]));
    call.from = slice / 2;
    call.last = slice % 2 != 0;
    sqlite3_value** at = values + fixed;
    const int images = (has_old ? 1 : 0) + (has_new ? 1 : 0);
    int left = count - fixed;
    if (call.table->is_wide()) {
        const auto keys = static_cast<int>(call.table->table.key.size());
        if (has_old) call.old_key = at;
        if (has_new) call.new_key = at + (has_old ? keys : 0);
        at += images * keys;
        left -= images * keys;
    }
    call.count = static_cast<uint32_t>(left / images);
    if (left < 0 || left % images != 0 || call.from + call.count > call.table->table.columns.size())
        throw Error(ErrorCode::internal, "a capture trigger has a wrong number of arguments");
    if (has_old) call.old_values = at;
    if (has_new) call.new_values = at + (has_old ? call.count : 0);
    return call;
}

// The hook must have announced the row. If it has not, rows that REPLACE displaced would be lost silently.
void Capture::take_event(int operation, const Call& call, RowEvent& event) {
    if (events_.take(operation, *call.table, event)) return;
    throw Error(ErrorCode::not_captured,
                fmt::format("the preupdate hook of this connection was taken by somebody else, so the write to {} cannot be captured",
                            call.table->table.name),
                "use the session extension and other preupdate hooks on a connection of their own");
}

void Capture::put_key(std::string& out, const Call& call, bool old) const {
    const Table& table = call.table->table;
    for (size_t i = 0; i < table.key.size(); ++i) {
        const ValueView value = view_of(old ? call.old_key_value(i) : call.new_key_value(i));
        if (value.is_null()) {
            throw Error(
                ErrorCode::null_key,
                fmt::format("{}.{} is part of the primary key of a synced table and may not be NULL", table.name, table.columns[table.key[i]].name),
                "give every row a key, for instance with DEFAULT (tombolo_uuid())");
        }
        put_value(out, value);
    }
}

void Capture::write_delete(RowEvent& event) {
    if (!event.readable)
        throw Error(ErrorCode::not_captured, fmt::format("a row of {} that is being replaced could not be read", event.table->table.name),
                    "delete the row first, then insert");
    log(*event.file, event.happened, [&](std::string& out, uint64_t moved) {
        begin_op(out, LogKind::erase, moved, event.table->id);
        out += event.image;
    });
    event.file->count_bytes(event.image.size());
    event.written = true;
    events_.tell(event.serial);
}

// Writes the deletes that no trigger has told of yet: rows displaced by REPLACE, and a delete whose own trigger is still to come.
void Capture::write_displaced() {
    std::vector<RowEvent>& events = events_.all();
    for (size_t i = 0; i < events.size(); ++i) {
        if (events[i].operation != SQLITE_DELETE || !events[i].settled || events[i].written) continue;
        write_delete(events[i]);
        // What happened after it comes after it in the log.
        for (size_t later = i + 1; later < events.size(); ++later) {
            if (events[later].file == events[i].file) ++events[later].happened;
        }
    }
}

void Capture::log_insert(const Call& call, uint64_t happened, std::string_view key) {
    log(*call.file, happened, [&](std::string& out, uint64_t moved) {
        begin_op(out, LogKind::insert, moved, call.table->id);
        out += key;
    });
}

void Capture::insert(sqlite3_value** values, int count) {
    const Call call = read_call(values, count, false, true);
    size_t bytes = 0;
    for (uint32_t i = 0; i < call.count; ++i)
        bytes += checked_size(view_of(call.new_values[i]), call.table->table, call.from + i);
    if (call.from == 0) {
        key_.clear();
        put_key(key_, call, false);
        write_displaced();
        RowEvent event;
        take_event(SQLITE_INSERT, call, event);
        events_.drop_displaced_by(event);
        log_insert(call, event.happened, key_);
    }
    call.file->count_bytes(bytes);
}

void Capture::log_erase(const Call& call, uint64_t happened) {
    size_t bytes = 0;
    log(*call.file, happened, [&](std::string& out, uint64_t moved) {
        if (!call.table->is_wide()) {
            begin_op(out, LogKind::erase, moved, call.table->id);
        } else {
            begin_op(out, LogKind::erase_slice, moved, call.table->id);
            std::string key;
            put_key(key, call, true);
            put_bytes(out, key);
            put_varint(out, call.from);
        }
        for (uint32_t i = 0; i < call.count; ++i) {
            const ValueView value = view_of(call.old_values[i]);
            bytes += checked_size(value, call.table->table, call.from + i);
            put_value(out, value);
        }
    });
    call.file->count_bytes(bytes);
}

void Capture::update(sqlite3_value** values, int count) {
    const Call call = read_call(values, count, true, true);
    key_.clear();
    old_key_.clear();
    put_key(key_, call, false);
    put_key(old_key_, call, true);
    uint64_t happened = call.file->operations();
    if (call.from == 0) {
        write_displaced();
        RowEvent event;
        take_event(SQLITE_UPDATE, call, event);
        events_.drop_displaced_by(event);
        happened = event.happened;
    }
    if (key_ != old_key_) {  // another row, then: compared by bytes, whatever the collation
        log_erase(call, happened);
        if (call.last) log_insert(call, call.file->operations(), key_);
        return;
    }
    size_t bytes = 0;
    bool changed = false;
    for (uint32_t i = 0; i < call.count; ++i)
        changed = changed || !(view_of(call.old_values[i]) == view_of(call.new_values[i]));
    if (!changed) return;
    log(*call.file, happened, [&](std::string& out, uint64_t moved) {
        begin_op(out, LogKind::update, moved, call.table->id);
        put_bytes(out, key_);
        for (uint32_t i = 0; i < call.count; ++i) {
            const ValueView before = view_of(call.old_values[i]);
            const ValueView after = view_of(call.new_values[i]);
            if (before == after) continue;
            bytes += checked_size(before, call.table->table, call.from + i) + checked_size(after, call.table->table, call.from + i);
            put_varint(out, call.from + i);
            put_value(out, before);
            put_value(out, after);
        }
    });
    call.file->count_bytes(bytes);
}

void Capture::erase(sqlite3_value** values, int count) {
    const Call call = read_call(values, count, true, false);
    uint64_t happened = call.file->operations();
    if (call.from == 0) {
        key_.clear();
        put_key(key_, call, true);
        RowEvent event;
        if (events_.take_delete(*call.table, key_, event)) {
            if (event.written) return;
            happened = event.happened;
        } else {
            events_.tell_newest_delete(*call.table);  // the hook could not read its key
        }
    }
    log_erase(call, happened);
}

LogContext Capture::context(const CaptureFile::State& state) {
    LogContext context;
    context.id = world_.random->id<TransactionId>();
    context.seen = state.seen;
    context.seen_time = state.seen_time;
    context.wall = world_.clock->wall();
    context.boot = world_.clock->boot();
    context.boot_id = world_.clock->boot_id();
    context.subject = subject_;
    if (world_.on_write) world_.on_write();
    return context;
}

void Capture::existing_rows(const Table& table) {
    CaptureFile* file = find_file("main");
    CaptureFile::KnownTable* known = file != nullptr ? file->find(table.name) : nullptr;
    if (known == nullptr) throw Error(ErrorCode::internal, fmt::format("table {} is not in the list of synced tables", table.name));
    std::string columns;
    for (const Column& column : table.columns)
        columns += (columns.empty() ? "" : ", ") + sqlite::quote_identifier(column.name);
    sqlite::Statement rows(db_, fmt::format("SELECT {} FROM main.{}", columns, sqlite::quote_identifier(table.name)), false);
    std::vector<sqlite3_value*> values(table.columns.size());
    while (rows.step()) {
        key_.clear();
        size_t bytes = 0;
        for (size_t i = 0; i < values.size(); ++i)
            bytes += checked_size(rows.value(static_cast<int>(i)), table, i);
        for (const uint32_t column : table.key) {
            const ValueView value = rows.value(static_cast<int>(column));
            if (value.is_null())
                throw Error(ErrorCode::null_key, fmt::format("table {} holds a row whose key is NULL", table.name),
                            "give every row a key before the table is synced");
            put_value(key_, value);
        }
        Call call;
        call.file = file;
        call.table = known;
        log_insert(call, file->operations(), key_);
        file->count_bytes(bytes);
    }
}

// --- registration ---

namespace {

using Method = void (Capture::*)(sqlite3_value**, int);

template <Method method>
void call_capture(sqlite3_context* context, int count, sqlite3_value** values) {
    auto* capture = static_cast<Capture*>(sqlite3_user_data(context));
    if (capture->applying()) return;
    try {
        if (count < 5) throw Error(ErrorCode::usage, "the capture functions are for triggers made by Tombolo");
        (capture->*method)(values, count);
    } catch (const Error& error) {
        sqlite3_result_error(context, error.what(), -1);
        sqlite3_result_error_code(context, result_code(error.code()));
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

void preupdate(void* capture, sqlite3* /*db*/, int operation, const char* schema_name, const char* table_name, sqlite3_int64 old_rowid,
               sqlite3_int64 new_rowid) {
    try {
        static_cast<Capture*>(capture)->before_change(operation, schema_name, table_name, old_rowid, new_rowid);
    } catch (const std::exception&) {
        // The hook cannot fail a statement. The event stays untold, so the row's trigger refuses the write.
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
    create_function(db, "tombolo_capture_insert", -1, call_capture<&Capture::insert>, capture, nullptr);
    create_function(db, "tombolo_capture_update", -1, call_capture<&Capture::update>, capture, nullptr);
    create_function(db, "tombolo_capture_delete", -1, call_capture<&Capture::erase>, capture, nullptr);
    register_close_notice(db, capture);
    register_participant(db, capture);
    sqlite3_preupdate_hook(db, preupdate, capture);
}

void set_applying(sqlite3* db, bool applying) { capture_of(db).set_applying(applying); }
void set_subject(sqlite3* db, std::optional<std::string> subject) { capture_of(db).set_subject(std::move(subject)); }

void forget_tables(sqlite3* db) {
    if (Capture* capture = find_capture(db)) capture->forget_tables();
}

void capture_existing_rows(sqlite::Connection& db, const Table& table) { capture_of(db.handle()).existing_rows(table); }

}  // namespace tombolo::device
