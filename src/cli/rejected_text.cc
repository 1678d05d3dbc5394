#include "cli/rejected_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "cli/output.h"
#include "client/json.h"
#include "device/rejected.h"
#include "model/record.h"

namespace tombolo::cli {

namespace {

using client::JsonWriter;

constexpr const char* expected_reason = "a row that arrived from the hub stands in its way; the hub has not decided yet";

void put_key(JsonWriter& json, const ChangeView& change) {
    std::vector<ValueView> key;
    decode_record(change.key, key);
    json.begin_object();
    for (size_t i = 0; i < key.size() && i < change.table->key.size(); ++i)
        json.key(change.table->columns[change.table->key[i]].name).value(key[i]);
    json.end_object();
}

enum class Side { value, base };
void put_cells(JsonWriter& json, const ChangeView& change, Side side) {
    const bool none = side == Side::value ? change.kind == ChangeKind::erase : change.kind == ChangeKind::insert;
    if (none) {
        json.null();
        return;
    }
    json.begin_object();
    for (const CellView& cell : change.cells)
        json.key(change.table->columns[cell.column].name).value(side == Side::value ? cell.value : cell.base);
    json.end_object();
}

// The hub's row: null where it has none.
void put_theirs(JsonWriter& json, device::Replica& replica, const ChangeView& change) {
    std::vector<Value> values;
    if (!device::read_hub_row(replica.db(), replica.schema(), *change.table, change.key, values)) {
        json.null();
        return;
    }
    json.begin_object();
    for (size_t i = 0; i < values.size(); ++i)
        json.key(change.table->columns[i].name).value(values[i]);
    json.end_object();
}

void put_entry(JsonWriter& json, device::Replica& replica, const device::Entry& entry, bool whole) {
    const SiteId site = replica.record().site;
    const auto string = [&](const std::string& text) -> JsonWriter& { return json.string(text); };
    const std::optional<Verdict>& verdict = entry.verdict;
    json.begin_object().key("id").string(rejection_id(site, entry.header.number));
    json.key("reason").string(verdict ? verdict->reason : expected_reason);
    json.key("code").optional(verdict ? std::optional(std::string(to_string(verdict->code))) : std::nullopt, string);
    const bool depends = verdict && verdict->depends_on.value != 0;
    json.key("depends_on").optional(depends ? std::optional(rejection_id(site, verdict->depends_on)) : std::nullopt, string);
    json.key("expected").boolean(entry.state == device::EntryState::expected);
    json.key("changes").begin_array();
    const std::unique_ptr<ChangeSource> changes = replica.outbox().changes(entry.header.number);
    while (const ChangeView* change = changes->next()) {
        json.begin_object().key("table").string(change->table->name);
        put_key(json.key("key"), *change);
        json.key("kind").string(kind_text(change->kind));
        put_cells(json.key("values"), *change, Side::value);
        if (whole) {
            put_cells(json.key("base"), *change, Side::base);
            put_theirs(json.key("theirs"), replica, *change);
        }
        json.end_object();
    }
    json.end_array().end_object();
}

std::string value_text(const ValueView& value) {
    JsonWriter json;
    json.value(value);
    return json.take();
}

std::string key_text(const ChangeView& change) {
    JsonWriter json;
    put_key(json, change);
    return json.take();
}

std::string change_text(device::Replica& replica, const ChangeView& change) {
    std::vector<Value> theirs;
    const bool exists = device::read_hub_row(replica.db(), replica.schema(), *change.table, change.key, theirs);
    Rows rows;
    rows.columns = {"column", "base", "written", "theirs"};
    for (const CellView& cell : change.cells) {
        Row row{Value(change.table->columns[cell.column].name), Value(""), Value(""), Value("")};
        if (change.kind != ChangeKind::insert) row[1] = Value(value_text(cell.base));
        if (change.kind != ChangeKind::erase) row[2] = Value(value_text(cell.value));
        if (exists && cell.column < theirs.size()) row[3] = Value(value_text(theirs[cell.column]));
        rows.rows.push_back(std::move(row));
    }
    return fmt::format("{}\n{}", exists ? "" : " (the hub has no such row)", table_text(rows));
}

}  // namespace

std::string rejection_id(const SiteId& site, TransactionNumber number) { return fmt::format("{}/{}", to_hex(site.view()), number.value); }

std::string_view kind_text(ChangeKind kind) { return kind == ChangeKind::insert ? "insert" : kind == ChangeKind::update ? "update" : "delete"; }

std::string rejections_json(device::Replica& replica, const std::vector<device::Entry>& entries) {
    JsonWriter json;
    json.begin_array();
    for (const device::Entry& entry : entries)
        put_entry(json, replica, entry, false);
    return json.end_array().take();
}

std::string rejection_json(device::Replica& replica, const device::Entry& entry) {
    JsonWriter json;
    put_entry(json, replica, entry, true);
    return json.take();
}

std::string rejections_table(device::Replica& replica, const std::vector<device::Entry>& entries) {
    if (entries.empty()) return "nothing is rejected\n";
    const SiteId site = replica.record().site;
    Rows rows;
    rows.columns = {"id", "rows", "code", "reason"};
    for (const device::Entry& entry : entries) {
        const bool decided = entry.verdict.has_value();
        rows.rows.push_back({Value(rejection_id(site, entry.header.number)), Value(entry.changes),
                             decided ? Value(to_string(entry.verdict->code)) : Value("expected"),
                             decided ? Value(entry.verdict->reason) : Value(expected_reason)});
    }
    return table_text(rows);
}

std::string rejection_text(device::Replica& replica, const device::Entry& entry) {
    std::string text = fmt::format(
        "{}  {}\n", rejection_id(replica.record().site, entry.header.number),
        entry.verdict ? fmt::format("{}: {}", to_string(entry.verdict->code), entry.verdict->reason) : fmt::format("expected: {}", expected_reason));
    const std::unique_ptr<ChangeSource> changes = replica.outbox().changes(entry.header.number);
    for (size_t position = 1; const ChangeView* change = changes->next(); ++position) {
        text += fmt::format("\n{}. {} {} {}", position, kind_text(change->kind), change->table->name, key_text(*change));
        text += change_text(replica, *change);
    }
    return text;
}

}  // namespace tombolo::cli
