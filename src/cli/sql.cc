// `tombolo sql`: any SQL on a device file, captured.
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <iterator>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/output.h"
#include "client/device_file.h"
#include "client/drop_guard.h"
#include "client/session_lock.h"
#include "sqlite/rows.h"

namespace tombolo::cli {

namespace {

std::string read_input() { return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()}; }

// The first statement of `script`, which moves behind it; empty where only white space and comments were left.
sqlite::Statement take_statement(sqlite::Connection& db, std::string_view& script) {
    while (!script.empty()) {
        sqlite3_stmt* raw = nullptr;
        const char* tail = nullptr;
        const int rc = sqlite3_prepare_v2(db.handle(), script.data(), static_cast<int>(script.size()), &raw, &tail);
        if (rc != SQLITE_OK) sqlite::throw_error(db.handle(), rc, "run the script");
        script.remove_prefix(static_cast<size_t>(tail - script.data()));
        if (raw != nullptr) return sqlite::Statement(raw);
    }
    return {};
}

// The rows of the last statement that has columns.
Rows run_script(sqlite::Connection& db, client::DropGuard& guard, std::string_view script) {
    if (script.find('\0') != std::string_view::npos) throw Error(ErrorCode::sql, "the script holds a NUL byte", "write it as x'00' or char(0)");
    Rows last;
    while (sqlite::Statement statement = take_statement(db, script)) {
        guard.check(db);
        Rows rows = sqlite::read_rows(statement);
        if (!rows.columns.empty()) last = std::move(rows);
    }
    if (db.in_transaction()) {
        throw Error(ErrorCode::sql, "the script ended inside a transaction, which was rolled back", "end it with COMMIT");
    }
    return last;
}

int run(const DeviceArguments& device, const std::string& sql) {
    device.check();
    const std::string script = sql == "-" ? read_input() : sql;
    client::DropGuard guard;
    sqlite::Connection db = client::open_device_file(device.file(), std::chrono::milliseconds(limits::busy_timeout / limits::millisecond));
    client::set_checkpoints(db, !client::told_by_holder(device.path));
    guard.watch(db);
    const Rows rows = run_script(db, guard, script);  // on an error the connection rolls back as it closes
    db.close();
    if (device.json) {
        print_line(json_text(rows));
    } else if (!rows.columns.empty()) {
        fmt::print("{}", table_text(rows));
    }
    return exit_ok;
}

}  // namespace

void add_sql(CLI::App& app, Action& chosen) {
    CLI::App* command = app.add_subcommand("sql", "Run SQL on a device file; changes to synced tables are queued");
    auto device = std::make_shared<DeviceArguments>();
    auto sql = std::make_shared<std::string>();
    device->add_to(*command);
    command->add_option("SQL", *sql, "one or more statements, or - to read them from standard input")->required();
    device->add_json_to(*command);
    command->callback([=, &chosen] { chosen = [=] { return run(*device, *sql); }; });
}

}  // namespace tombolo::cli
