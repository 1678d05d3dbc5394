#include "cli/demo_conflicts.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <iostream>
#include <string>
#include <vector>

#include "cli/demo_stage.h"
#include "cli/output.h"
#include "client/device_file.h"
#include "sqlite/connection.h"
#include "tombolo/value.h"

namespace tombolo::cli {

namespace {

// One cell that both devices write, neither having seen the other's.
struct CellClash {
    const char* column;
    const char* policy;  // as in hub.toml
    const char* meaning;
    const char* before;
    const char* a_wrote;
    const char* b_wrote;
};
constexpr CellClash cell_clashes[] = {
    {"title", R"("lww")", "the later write wins", "Buy milk", "Buy oat milk", "Buy soy milk"},
    {"owner", R"("hub")", "the first to arrive stays", "nobody", "Ann", "Bob"},
    {"place", R"("device")", "the last to arrive wins", "Rome", "Oslo", "Bern"},
    {"votes", R"("counter")", "increments add up", "10", "11", "15"},
    {"best", R"("max")", "the greater stays", "10", "30", "20"},
    {"lowest", R"("min")", "the smaller stays", "10", "7", "8"},
    {"tags", R"("set")", "all that was added, less what was removed", R"(["home"])", R"(["home","food"])", R"(["cheap"])"},
    {"options", R"("json")", "member by member", R"({"color":"red"})", R"({"color":"red","size":2})", R"({"color":"blue"})"},
    {"notes", R"("text")", "both sides' edits", "the cat sat", "the big cat sat", "the cat sat down"},
    {"state", R"({ sql = "CASE WHEN mine = 'done' OR theirs = 'done' THEN 'done' ELSE mine END" })", "an SQL expression: done stays done", "open",
     "done", "waiting"},
    {"price", R"("manual")", "a person is asked", "10", "12", "9"},
};

// What both do to rows, table by table.
struct RowClash {
    const char* table;
    const char* setting;  // in hub.toml
    const char* meaning;
    const char* a_did;
    const char* b_did;
    const char* a_sql;
    const char* b_sql;
    const char* outcome_sql;
};
constexpr RowClash row_clashes[] = {
    {"kept", R"(delete = "update-wins")", "an update wins over a deletion", "deleted it", "wrote 'new'", "DELETE FROM kept",
     "UPDATE kept SET v = 'new'", "SELECT coalesce((SELECT 'the row, with ' || v FROM kept), 'no row')"},
    {"dropped", R"(delete = "delete-wins")", "the deletion wins", "deleted it", "wrote 'new'", "DELETE FROM dropped", "UPDATE dropped SET v = 'new'",
     "SELECT coalesce((SELECT 'the row, with ' || v FROM dropped), 'no row')"},
    {"doubted", R"(delete = "manual")", "a person is asked", "deleted it", "wrote 'new'", "DELETE FROM doubted", "UPDATE doubted SET v = 'new'",
     "SELECT coalesce((SELECT 'the row, with ' || v FROM doubted), 'no row')"},
    {"taken", R"(insert = "reject")", "the second is rejected, and kept", "inserted 2: 'a'", "inserted 2: 'b'", "INSERT INTO taken VALUES (2, 'a')",
     "INSERT INTO taken VALUES (2, 'b')", "SELECT 'the row, with ' || v FROM taken WHERE id = 2"},
    {"joined", R"(insert = "merge")", "cell by cell, as two updates", "inserted 2: 'a'", "inserted 2: 'b'", "INSERT INTO joined VALUES (2, 'a')",
     "INSERT INTO joined VALUES (2, 'b')", "SELECT 'the row, with ' || v FROM joined WHERE id = 2"},
    {"mails", "", "UNIQUE: the second is rejected, and kept", "inserted 'x@y'", "inserted 'x@y'", "INSERT INTO mails VALUES (2, 'x@y')",
     "INSERT INTO mails VALUES (3, 'x@y')", "SELECT group_concat(id || ': ' || v, ', ') FROM mails WHERE id > 1"},
};

class Act {
public:
    void run() {
        say_step("Two devices disagree in every way there is. Each edits offline, A first; then both sync.");
        for (const std::string& device : {a_, b_})
            run_command({"init", device, "--hub", hub_.url()});
        edit(a_, first_rows());
        sync();
        edit(a_, edits(&CellClash::a_wrote, &RowClash::a_sql));
        edit(b_, edits(&CellClash::b_wrote, &RowClash::b_sql));
        sync();
        show();
        settle();
        hub_.stop();
    }

private:
    static std::string schema() {
        std::string columns;
        for (const CellClash& clash : cell_clashes)
            columns += fmt::format(", {} {}", clash.column, is_number(clash.before) ? "INTEGER" : "TEXT");
        std::string sql = fmt::format("CREATE TABLE task(id INT PRIMARY KEY{});\n", columns);
        for (const RowClash& clash : row_clashes)
            sql += fmt::format("CREATE TABLE {}(id INT PRIMARY KEY, v TEXT{});\n", clash.table, *clash.setting == '\0' ? " UNIQUE" : "");
        return sql;
    }

    static std::string config() {
        std::string toml = "[tables.task.columns]\n";
        for (const CellClash& clash : cell_clashes)
            toml += fmt::format("{} = {}\n", clash.column, clash.policy);
        for (const RowClash& clash : row_clashes)
            toml += fmt::format("[tables.{}]\n{}\n", clash.table, clash.setting);
        return toml;
    }

    static bool is_number(std::string_view text) { return text.find_first_not_of("0123456789") == std::string_view::npos; }

    static std::string first_rows() {
        std::string values = "1";
        for (const CellClash& clash : cell_clashes)
            values += ", " + sqlite::quote_text(clash.before);
        std::string sql = fmt::format("INSERT INTO task VALUES ({});", values);
        for (const RowClash& clash : row_clashes)
            sql += fmt::format("INSERT INTO {} VALUES (1, 'old');", clash.table);
        return sql;
    }

    static std::string edits(const char* CellClash::*written, const char* RowClash::*done) {
        std::string assignments;
        for (const CellClash& clash : cell_clashes)
            assignments += fmt::format("{}{} = {}", assignments.empty() ? "" : ", ", clash.column, sqlite::quote_text(clash.*written));
        std::string sql = fmt::format("UPDATE task SET {};", assignments);
        for (const RowClash& clash : row_clashes)
            sql += fmt::format("{};", clash.*done);
        return sql;
    }

    static void edit(const std::string& device, const std::string& sql) { run_command({"sql", device, sql}); }

    // Until both know everything.
    void sync() const {
        for (const std::string& device : {a_, b_, a_})
            run_command({"sync", device, "--once"});
    }

    // What both devices have: Error where they differ.
    std::string outcome(const std::string& sql) const {
        const std::string here = client::open_device_file_read_only(a_).query_text(sql);
        if (client::open_device_file_read_only(b_).query_text(sql) != here)
            throw Error(ErrorCode::internal, "the devices differ after they synced", "this is a bug in Tombolo; please report it");
        return here;
    }
    std::string task(std::string_view column) const { return outcome(fmt::format("SELECT {} FROM task", sqlite::quote_identifier(column))); }

    void show() const {
        Rows table{{"policy", "which means", "before", "A wrote", "B wrote", "everybody has"}, {}};
        const auto add = [&](std::initializer_list<std::string> cells) {
            Row& row = table.rows.emplace_back();
            for (const std::string& cell : cells)
                row.emplace_back(cell);
        };
        for (const CellClash& clash : cell_clashes) {
            const std::string policy = clash.policy[0] == '"' ? std::string(clash.policy + 1, std::strlen(clash.policy) - 2) : "sql";
            add({policy, clash.meaning, clash.before, clash.a_wrote, clash.b_wrote, task(clash.column)});
        }
        for (const RowClash& clash : row_clashes)
            add({clash.setting, clash.meaning, clash.a_sql[0] == 'D' ? "old" : "", clash.a_did, clash.b_did, outcome(clash.outcome_sql)});
        std::string text = table_text(table);
        for (size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
            say(text.substr(0, end));
        say(fmt::format("\n  B's two inserts that were refused wait at B: tombolo rejected B. Waiting for a person: {}.",
                        count_text(open_conflicts(), "conflict")));
    }

    int64_t open_conflicts() const {
        return client::open_device_file_read_only(a_).query_integer("SELECT count(*) FROM tombolo_conflict WHERE resolved_at IS NULL");
    }

    void settle() {
        say_step("The price: 10 before, A wrote 12 (stored), B wrote 9 (waits). Settled on A, offline; it travels like any write.");
        const std::string price = ask();
        const std::string id =
            client::open_device_file_read_only(a_).query_text("SELECT id FROM tombolo_conflict WHERE resolved_at IS NULL AND column_name = 'price'");
        if (price == "12" || price == "9") {
            run_command({"conflicts", a_, "resolve", id, "--take", price == "9" ? "mine" : "theirs"});
        } else {
            run_command({"conflicts", a_, "resolve", id, "--set", "price=" + price});
        }
        sync();
        say(fmt::format("the price is {} everywhere; still waiting: {} (was the row of \"doubted\" to go?)", task("price"),
                        count_text(open_conflicts(), "conflict")));
    }

    // On a terminal the user decides; elsewhere B's price is taken.
    static std::string ask() {
        if (isatty(STDIN_FILENO) == 0 || !stdout_is_terminal()) {
            say("nobody is at a terminal, so B's is taken");
            return "9";
        }
        std::string answer;
        do {
            fmt::print("  Which price is right? 12, 9, or another number: ");
            std::fflush(stdout);
            if (!std::getline(std::cin, answer)) return "9";
        } while (answer.empty() || answer.size() > 9 || !is_number(answer));
        return answer;
    }

    ScratchFolder folder_;
    DemoHub hub_{folder_, "conflicts", schema(), config()};
    const std::string a_ = folder_.file("conflicts-a.db");
    const std::string b_ = folder_.file("conflicts-b.db");
};

}  // namespace

void demo_conflicts() { Act().run(); }

}  // namespace tombolo::cli
