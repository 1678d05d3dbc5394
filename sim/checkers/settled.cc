// Checkers that look when everything is in sync.
#include <fmt/format.h>

#include "base/bytes.h"
#include "device/retired.h"
#include "model/record.h"
#include "sim/checkers/checkers.h"
#include "sqlite/inspect.h"

namespace tombolo::sim {

namespace {
sqlite::Connection open_hub_file(Cluster& cluster) {
    sqlite::OpenOptions options;
    options.vfs = cluster.hub().disk().vfs();
    return sqlite::Connection::open(cluster.hub().path(), options);
}
}  // namespace

std::string dump_tables(sqlite::Connection& db) {
    std::string text;
    for (const char* table : {"account", "child", "email", "item", "pair", "parent"}) {
        std::string columns;
        const Table layout = sqlite::read_table(db, "main", table, sqlite::Defaults::skip);
        for (const Column& column : layout.columns) {
            if (column.name.rfind("tombolo_", 0) != 0) columns += (columns.empty() ? "" : ", ") + sqlite::quote_identifier(column.name);
        }
        sqlite::Statement rows = db.prepare(fmt::format("SELECT {} FROM {} ORDER BY id", columns, table));
        while (rows.step()) {
            text += table;
            for (int i = 0; i < rows.column_count(); ++i) {
                std::string value;
                put_value(value, rows.value(i));
                const bool readable = rows.value(i).type() == ValueType::text && is_valid_utf8(value.substr(1)) && value.size() < 60;
                text += " | " + (readable ? std::string(rows.text(i)) : to_hex(value).substr(0, 200));
            }
            text += "\n";
        }
    }
    return text;
}

namespace {
std::string first_difference(const std::string& here, const std::string& hub) {
    size_t line = 0;
    for (size_t i = 0; i < std::min(here.size(), hub.size()) && here[i] == hub[i]; ++i) {
        if (here[i] == '\n') line = i + 1;
    }
    return "here: " + here.substr(line, here.find('\n', line) - line) + "  hub: " + hub.substr(line, hub.find('\n', line) - line);
}
}  // namespace

void check_convergent(Cluster& cluster) {
    sqlite::Connection hub = open_hub_file(cluster);
    const std::string expected = dump_tables(hub);
    for (const auto& device : cluster.devices()) {
        const std::string here = dump_tables(device->application());
        if (here != expected)
            throw Failure("convergent", fmt::format("device {} differs from the hub; {}", device->index(), first_difference(here, expected)));
    }
}

void check_hub_plus_pending(Cluster& cluster, DeviceNode& device) {
    if (!device.up() || device.disk().dead() || !cluster.hub().up() || !device.replica().outbox().log_is_empty()) return;
    if (device.replica().record().cursor.seq.value != cluster.hub().head()) return;
    if (!device.replica().outbox().list(device::EntryState::pending).empty()) return;
    sqlite::Connection hub = open_hub_file(cluster);
    const std::string expected = dump_tables(hub);
    const std::string here = dump_tables(device.application());
    if (here != expected)
        throw Failure("hub_plus_pending",
                      fmt::format("device {} differs from the hub with nothing pending; {}", device.index(), first_difference(here, expected)));
}

void check_durable(Cluster& cluster) {
    for (const auto& [key, written] : cluster.history().all()) {
        if (!written.verdict)
            throw Failure("durable", fmt::format("transaction {} of device {} has no verdict", written.number.value, written.device));
    }
}

void check_exactly_once(Cluster& cluster) {
    std::map<std::string, int64_t> expected{{"a0", 0}, {"a1", 0}};
    for (const auto& [key, written] : cluster.history().all()) {
        if (written.verdict->kind == VerdictKind::rejected) continue;
        for (const auto& [account, delta] : written.deltas)
            expected[account] += delta;
    }
    sqlite::Connection hub = open_hub_file(cluster);
    for (const auto& [account, total] : expected) {
        sqlite::Statement read = hub.prepare("SELECT total FROM account WHERE id = ?1");
        if (!read.with(account).step()) continue;
        if (read.integer(0) != total)
            throw Failure("exactly_once",
                          fmt::format("account {} holds {}, and its accepted transactions add up to {}", account, read.integer(0), total));
    }
}

void check_nothing_lost(Cluster& cluster) {
    for (const auto& [key, written] : cluster.history().all()) {
        if (written.verdict->kind != VerdictKind::rejected) continue;
        if (device::RetiredNumbers(cluster.devices()[written.device]->application()).find(written.number)) continue;
        const auto entry = cluster.devices()[written.device]->replica().outbox().find(written.number);
        if (!entry || entry->state != device::EntryState::rejected || !entry->verdict) {
            throw Failure("nothing_lost",
                          fmt::format("transaction {} of device {} was rejected, but is not listed", written.number.value, written.device));
        }
    }
}

void check_bounded(Cluster& cluster) {
    for (const auto& device : cluster.devices()) {
        for (const char* table : {"tombolo_log", "tombolo_spool"}) {
            const int64_t left = device->application().query_integer(fmt::format("SELECT count(*) FROM {}", table));
            if (left != 0) throw Failure("bounded", fmt::format("device {} keeps {} rows in {} at rest", device->index(), left, table));
        }
        const int64_t pending = device->application().query_integer("SELECT count(*) FROM tombolo_outbox WHERE state <> 3");
        if (pending != 0) throw Failure("bounded", fmt::format("device {} keeps {} undecided entries at rest", device->index(), pending));
        if (!device->replica().outbox().list(device::EntryState::rejected).empty()) continue;
        const int64_t under = device->application().query_integer("SELECT count(*) FROM tombolo_under");
        if (under != 0) throw Failure("bounded", fmt::format("device {} keeps {} rows below nothing", device->index(), under));
    }
}

}  // namespace tombolo::sim
