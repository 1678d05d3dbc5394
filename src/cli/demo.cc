// `tombolo demo`: the whole story on real data, each step a process of this same program, as a user would run it.
#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/child_process.h"
#include "cli/command.h"
#include "cli/demo_catalogue.h"
#include "cli/demo_conflicts.h"
#include "cli/demo_stage.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "client/device_file.h"
#include "sqlite/connection.h"

namespace tombolo::cli {

namespace {

constexpr size_t made_up_rows = 60000;
constexpr const char* sync_timeout = "300";  // seconds; a slow disk may take a while for the whole catalogue

double seconds_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string rate(int64_t rows, double seconds) {
    return fmt::format("{} in {:.2f} s ({} a second)", count_text(rows, "row"), seconds,
                       count_text(static_cast<int64_t>(static_cast<double>(rows) / std::max(seconds, 1e-6)), "row"));
}

// Rows named alike on both devices.
const std::string same_ten = "(name, version) IN (SELECT name, version FROM packages WHERE section = 'utils' ORDER BY name, version LIMIT 10)";
const std::string contested = "(name, version) = (SELECT name, version FROM packages WHERE section = 'libs' ORDER BY name, version LIMIT 1)";

class CatalogueAct {
public:
    void run() {
        start_hub();
        load_on_a();
        push_from_a();
        pull_to_b();
        edit_offline();
        converge();
        verify_both();
        hub_->stop();
    }

private:
    void start_hub() {
        say_step("A hub starts, on an SQLite file of its own.");
        hub_ = std::make_unique<DemoHub>(folder_, "hub", std::string(catalogue_table_sql) + ";\n");
        say(fmt::format("listening on {} at {}", hub_->address(), hub_->url()));
    }

    void load_on_a() {
        say_step("Device A is offline, and loads a package catalogue into a plain SQLite table.");
        const double seconds = seconds_of([&] {
            sqlite::Connection db = sqlite::Connection::open(a_);
            db.execute(catalogue_table_sql);
            sqlite::WriteTransaction transaction(db);
            sqlite::Statement insert = db.prepare("INSERT OR IGNORE INTO packages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
            const auto add = [&](const Row& row) {
                for (size_t i = 0; i < row.size(); ++i)
                    insert.bind(static_cast<int>(i) + 1, row[i].view());
                insert.run();
            };
            if (read_package_catalogue(add) == 0) {
                say("this machine has no catalogue ('apt-cache dumpavail' gives nothing), so rows are made up");
                make_catalogue(made_up_rows, add);
            }
            transaction.commit();
            rows_ = db.query_integer("SELECT count(*) FROM packages");
        });
        say("loaded " + rate(rows_, seconds));
        say("queued for the hub " + rate(rows_, seconds_of([&] {
                                             run_command({"init", a_, "--hub", hub_->url(), "--table", "packages", "--offline"});
                                         })));
    }

    // Runs `sync --once` and shows what the device's status says meanwhile.
    double sync(const std::string& device, const std::string& label, const std::function<void(ProgressBar&, const Status&)>& show) const {
        ProgressBar bar(label);
        return seconds_of([&] {
            run_command({"sync", device, "--once", "--timeout", sync_timeout},
                        stdout_is_terminal() ? [&] { show(bar, client::read_status(device)); } : std::function<void()>());
        });
    }
    double push(const std::string& device) const {
        return sync(device, "pushing", [&](ProgressBar& bar, const Status& status) { bar.show(rows_ - status.pending_rows, rows_); });
    }
    double pull(const std::string& device) const {
        return sync(device, "pulling",
                    [](ProgressBar& bar, const Status& status) { bar.show(status.progress.rows_done, status.progress.rows_total); });
    }

    void push_from_a() {
        say_step("A comes online and pushes.");
        say("durable at the hub: " + rate(rows_, push(a_)));
    }

    void pull_to_b() {
        say_step("Device B starts empty and pulls.");
        run_command({"init", b_, "--hub", hub_->url()});
        const double seconds = pull(b_);
        say("received " + rate(count(b_, "SELECT count(*) FROM packages"), seconds));
    }

    // The games and the fonts are each touched by one device only, so that their deletions stand; the contested package is deleted
    // here and edited there.
    void edit_offline() {
        say_step("Both go offline and edit.");
        edit(a_, "A rates every third package 'extra'", "UPDATE packages SET priority = 'extra' WHERE rowid % 3 = 0 AND section NOT LIKE '%fonts'");
        edit(a_, "A deletes the games", "DELETE FROM packages WHERE section LIKE '%games'");
        edit(a_, "A rewrites ten descriptions", "UPDATE packages SET description = 'A says: ' || description WHERE " + same_ten);
        edit(a_, "A deletes one package that B edits", "DELETE FROM packages WHERE " + contested);
        edit(b_, "B doubles the size of every fifth package",
             "UPDATE packages SET installed_size = 2 * installed_size WHERE rowid % 5 = 0 AND section NOT LIKE '%games'");
        edit(b_, "B deletes the fonts", "DELETE FROM packages WHERE section LIKE '%fonts'");
        edit(b_, "B rewrites the same ten descriptions, later", "UPDATE packages SET description = 'B says: ' || description WHERE " + same_ten);
        edit(b_, "B edits the package that A deletes", "UPDATE packages SET priority = 'important' WHERE " + contested);
    }

    static void edit(const std::string& device, std::string_view what, const std::string& sql) {
        sqlite::Connection db = client::open_device_file(device, std::chrono::seconds(10));
        db.execute(sql);
        say(fmt::format("{}: {}", what, count_text(db.changes(), "row")));
    }

    void converge() {
        say_step("Both come back: A, then B, then A again.");
        for (const auto& [name, device] : {std::pair("A", a_), std::pair("B", b_), std::pair("A", a_)}) {
            const Status before = client::read_status(device);
            const double seconds = pull(device);
            const Status after = client::read_status(device);
            say(fmt::format("{} sent {} of {} and came from seq {} to {} in {:.2f} s", name, count_text(before.pending_rows, "changed row"),
                            count_text(before.pending_transactions, "transaction"), before.cursor, after.cursor, seconds));
        }
        say(fmt::format("A and B hold {} and {} now", count_text(count(a_, "SELECT count(*) FROM packages"), "row"),
                        count_text(count(b_, "SELECT count(*) FROM packages"), "row")));
        say(fmt::format("the package that A deleted and B edited is {}: an update wins over a deletion",
                        count(a_, "SELECT count(*) FROM packages WHERE " + contested) == 1 ? "back, on A too" : "gone"));
        say(fmt::format("of the ten rows that both rewrote, {} say B's text on A: the later write won",
                        count(a_, "SELECT count(*) FROM packages WHERE description LIKE 'B says:%'")));
    }

    void verify_both() {
        say_step("Do both hold the hub's rows, bit for bit?");
        for (const auto& [name, device] : {std::pair("A", a_), std::pair("B", b_)}) {
            ChildProcess child({"verify", device});
            const std::string line = child.read_line();
            if (child.wait() != 0)
                throw Error(ErrorCode::internal, fmt::format("device {} differs from its hub: {}", name, line),
                            "this is a bug in Tombolo; please report it");
            say(fmt::format("{} is {}", name, line));
        }
    }

    static int64_t count(const std::string& device, const std::string& sql) { return client::open_device_file_read_only(device).query_integer(sql); }

    ScratchFolder folder_;
    const std::string a_ = folder_.file("a.db");
    const std::string b_ = folder_.file("b.db");
    std::unique_ptr<DemoHub> hub_;
    int64_t rows_ = 0;
};

}  // namespace

void add_demo(CLI::App& app, Action& chosen) {
    CLI::App* command = app.add_subcommand("demo", "Play the main job on real data: a hub, two devices, offline edits, convergence");
    command->callback([&chosen] {
        chosen = [] {
            CatalogueAct().run();
            demo_conflicts();
            say_step("Done.");
            return exit_ok;
        };
    });
}

}  // namespace tombolo::cli
