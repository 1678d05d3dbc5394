#include "device/freeze.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"
#include "merge/edit_text.h"
#include "model/record.h"

namespace tombolo::device {

namespace {

std::string name_completed(uint64_t number, std::string_view row) {
    std::string name;
    put_fixed64(name, number);
    name.append(row);
    return name;
}

bool contains(const std::vector<uint64_t>& sorted, uint64_t value) { return std::binary_search(sorted.begin(), sorted.end(), value); }

}  // namespace

Freeze::Freeze(sqlite::Connection& db, const Schema& schema, Outbox& outbox, ExistenceIndex& existence)
    : db_(db), schema_(schema), outbox_(outbox), dependence_(db, schema, outbox, existence) {}

size_t Freeze::run() {
    for (uint64_t number = newest_logged(db_, UINT64_MAX); number != 0; number = newest_logged(db_, number))
        numbers_.push_back(number);
    std::reverse(numbers_.begin(), numbers_.end());
    dependence_.begin(numbers_.front());
    if (numbers_.size() > 1) complete_inserts();
    for (const uint64_t number : numbers_)
        freeze_one(number);
    db_.execute("DELETE FROM main.tombolo_log");
    return numbers_.size();
}

// --- what inserted rows held ---

void Freeze::complete_inserts() {
    std::unordered_map<std::string, Undone> later;  // rows as they were before the transactions walked so far
    for (auto number = numbers_.rbegin(); number != numbers_.rend(); ++number) {
        LogReader log(db_, *number);
        if (log.only_inserts() && later.empty()) continue;
        const bool oldest = *number == numbers_.front();
        std::vector<uint64_t> hashes;
        while (const LogOp* op = log.next()) {
            const std::string_view key = key_of_op(table_of_op(schema_, *op), *op, key_buffer_);
            if (op->kind != LogKind::insert || later.count(name_row(op->table_id, key)) != 0) hashes.push_back(hash_row(op->table_id, key));
        }
        std::sort(hashes.begin(), hashes.end());
        for (auto& [row, net] : gather(log, hashes)) {
            Reader name(row);
            const uint64_t table_id = name.varint();
            const Table& table = schema_.tables[table_id - 1];
            const auto known = later.find(row);
            if (net.exists && (net.inserted || table.whole_rows) && known != later.end()) {
                std::vector<Value> values;
                if (known->second.whole) {
                    values.resize(table.columns.size());
                } else {
                    for (const ValueView& value : present_row(table, name.rest()))
                        values.emplace_back(value);
                }
                for (const auto& [column, value] : known->second.cells)
                    values[column] = value;
                completed_[name_completed(*number, row)] = encode_record(values);
            }
            if (oldest) continue;
            if (!net.existed) {
                later.erase(row);
                continue;
            }
            Undone& undone = later[row];
            if (net.inserted || !net.exists) {
                undone.whole = true;
                undone.cells.clear();
            }
            for (auto& [column, value] : net.base)
                undone.cells[column] = std::move(value);
        }
    }
}

// Nets of the rows whose hash is in `hashes` (sorted).
RowNets Freeze::gather(LogReader& log, const std::vector<uint64_t>& hashes) {
    RowNets nets;
    log.rewind();
    while (const LogOp* op = log.next()) {
        const Table& table = table_of_op(schema_, *op);
        const std::string_view key = key_of_op(table, *op, key_buffer_);
        if (contains(hashes, hash_row(op->table_id, key))) nets[name_row(op->table_id, key)].add(table, *op);
    }
    log.rewind();
    return nets;
}

const std::vector<ValueView>& Freeze::present_row(const Table& table, std::string_view key) {
    sqlite::Statement& select = select_row_[&table];
    if (!select) {
        std::string columns;
        std::string where;
        for (const Column& column : table.columns)
            columns += (columns.empty() ? "" : ", ") + sqlite::quote_identifier(column.name);
        for (size_t i = 0; i < table.key.size(); ++i)
            where += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", sqlite::quote_identifier(table.columns[table.key[i]].name), i + 1);
        select = db_.prepare(fmt::format("SELECT {} FROM main.{} WHERE {}", columns, sqlite::quote_identifier(table.name), where));
    }
    select.reset();
    Reader in(key);
    for (int i = 1; !in.at_end(); ++i)
        select.bind(i, read_value(in));
    row_.clear();
    if (select.step()) {
        for (int i = 0; i < select.column_count(); ++i)
            row_.push_back(select.value(i));
        std::string found;
        for (const uint32_t column : table.key)
            put_value(found, row_[column]);
        if (found == key) return row_;
    }
    throw Error(ErrorCode::corrupt, fmt::format("a row of {} that was inserted here has gone, and no delete was captured", table.name),
                "the table was changed behind Tombolo's back, perhaps with writable_schema or with the triggers dropped");
}

const std::vector<ValueView>& Freeze::row_at_end(const Table& table, uint64_t table_id, std::string_view key) {
    if (completed_.empty()) return present_row(table, key);
    const auto completed = completed_.find(name_completed(writing_.number, name_row(table_id, key)));
    if (completed == completed_.end()) return present_row(table, key);
    row_.clear();
    TOMBOLO_ASSERT(decode_record(completed->second, row_));
    return row_;
}

// --- one transaction ---

std::vector<uint64_t> Freeze::rows_changed_twice(LogReader& log) {
    std::vector<uint64_t> hashes;
    if (log.only_inserts()) return hashes;
    hashes.reserve(log.size());
    while (const LogOp* op = log.next()) {
        const std::string_view key = key_of_op(table_of_op(schema_, *op), *op, key_buffer_);
        hashes.push_back(hash_row(op->table_id, key));
    }
    log.rewind();
    std::sort(hashes.begin(), hashes.end());
    std::vector<uint64_t> twice;
    for (size_t i = 1; i < hashes.size(); ++i) {
        if (hashes[i] == hashes[i - 1] && (twice.empty() || twice.back() != hashes[i])) twice.push_back(hashes[i]);
    }
    return twice;
}

void Freeze::freeze_one(uint64_t number) {
    writing_ = {};
    writing_.number = number;
    LogReader log(db_, number);
    const std::vector<uint64_t> twice = rows_changed_twice(log);
    RowNets nets;
    if (!twice.empty()) nets = gather(log, twice);
    std::string key_buffer;
    while (const LogOp* op = log.next()) {
        const Table& table = table_of_op(schema_, *op);
        const std::string_view key = key_of_op(table, *op, key_buffer);
        if (!twice.empty() && contains(twice, hash_row(op->table_id, key))) {
            RowNet& net = nets.at(name_row(op->table_id, key));
            if (!net.taken) write_net(table, op->table_id, key, net);
            net.taken = true;
            continue;
        }
        switch (op->kind) {
            case LogKind::insert: write_insert(table, op->table_id, key); break;
            case LogKind::update:
            case LogKind::keep: write_cells(table, op->table_id, key, *op); break;
            case LogKind::erase: write_erase(table, op->table_id, key, *op); break;
        }
    }
    flush_part();
    write_entry(log.context());
    dependence_.add(number, std::move(writing_.made_or_ended));
}

void Freeze::write_net(const Table& table, uint64_t table_id, std::string_view key, const RowNet& net) {
    if (!net.existed && !net.exists) return;
    if (!net.existed) return write_insert(table, table_id, key);
    change_.table = &table;
    change_.key = key;
    change_.over_own_delete = false;
    change_.cells.clear();
    if (!net.exists) {
        change_.kind = ChangeKind::erase;
        for (uint32_t i = 0; i < table.columns.size(); ++i) {
            const auto base = net.base.find(i);
            change_.cells.push_back({i, base != net.base.end() ? base->second.view() : ValueView{}, {}});
        }
        return write(table_id);
    }
    change_.kind = ChangeKind::update;
    const std::vector<ValueView>* row = net.inserted ? &row_at_end(table, table_id, key) : nullptr;
    for (const auto& [column, base] : net.base) {
        const ValueView value = row != nullptr ? (*row)[column] : net.last.at(column).view();
        if (!(base.view() == value) || net.kept_cells.count(column) != 0) change_.cells.push_back({column, base.view(), value});
    }
    if (change_.cells.empty() && !net.kept) return;
    complete_whole_row(table_id, row);
    write(table_id);
}

// An update, whose cells tell base and value; or cells that were written as they are, which tell their value once.
void Freeze::write_cells(const Table& table, uint64_t table_id, std::string_view key, const LogOp& op) {
    change_.table = &table;
    change_.kind = ChangeKind::update;
    change_.key = key;
    change_.over_own_delete = false;
    change_.cells.clear();
    for (Reader in = op.rest; !in.at_end();) {
        const auto column = static_cast<uint32_t>(in.varint());
        const ValueView base = read_value(in);
        const ValueView value = op.kind == LogKind::keep ? base : read_value(in);
        if (in.failed() || column >= table.columns.size())
            throw Error(ErrorCode::corrupt, "the log of local writes cannot be read", "restore the file from a backup");
        change_.cells.push_back({column, base, value});
    }
    complete_whole_row(table_id, nullptr);
    write(table_id);
}

// An update of a row that is decided as a whole carries the cells that it left alone, too: should it win, they win with it.
// `row`: as it is at the transaction's end, if known.
void Freeze::complete_whole_row(uint64_t table_id, const std::vector<ValueView>* row) {
    const Table& table = *change_.table;
    const auto of_whole = [&](const CellView& cell) { return table.is_of_whole(cell.column); };
    if (std::none_of(change_.cells.begin(), change_.cells.end(), of_whole)) return;
    if (row == nullptr) row = &row_at_end(table, table_id, change_.key);
    std::vector<CellView> cells;
    for (uint32_t column = 0; column < row->size(); ++column) {
        const auto written = std::find_if(change_.cells.begin(), change_.cells.end(), [&](const CellView& cell) { return cell.column == column; });
        if (written != change_.cells.end()) {
            cells.push_back(*written);
        } else if (table.is_of_whole(column)) {
            cells.push_back({column, (*row)[column], (*row)[column]});
        }
    }
    change_.cells = std::move(cells);
}

void Freeze::write_erase(const Table& table, uint64_t table_id, std::string_view key, const LogOp& op) {
    change_.table = &table;
    change_.kind = ChangeKind::erase;
    change_.key = key;
    change_.over_own_delete = false;
    change_.cells.clear();
    Reader in = op.rest;
    for (uint32_t i = 0; i < table.columns.size(); ++i)
        change_.cells.push_back({i, in.at_end() ? ValueView{} : read_value(in), {}});
    write(table_id);
}

void Freeze::write_insert(const Table& table, uint64_t table_id, std::string_view key) {
    change_.table = &table;
    change_.kind = ChangeKind::insert;
    change_.key = key;
    change_.over_own_delete = false;
    change_.cells.clear();
    const std::vector<ValueView>& row = row_at_end(table, table_id, key);
    for (uint32_t i = 0; i < table.columns.size(); ++i)
        change_.cells.push_back({i, {}, i < row.size() ? row[i] : ValueView{}});
    dependence_.complete_insert(table_id, change_);
    write(table_id);
}

void Freeze::write(uint64_t table_id) {
    dependence_.find_needs(table_id, change_, writing_.depends);
    if (change_.kind != ChangeKind::update) writing_.made_or_ended.push_back(hash_row(table_id, change_.key));
    if (change_.kind == ChangeKind::update) take_edits();
    writer_.add(change_);
    ++writing_.changes;
    if (writer_.size() >= limits::part_bytes_target) flush_part();
}

// Of a text that merges, what was done to it goes out, where that is shorter than the text before and after.
void Freeze::take_edits() {
    edits_.clear();
    for (CellView& cell : change_.cells) {
        if (change_.table->columns[cell.column].policy != ColumnPolicy::text) continue;
        if (cell.base.type() != ValueType::text || cell.value.type() != ValueType::text) continue;
        std::optional<std::string> edit = merge::edit_text(cell.base.bytes(), cell.value.bytes());
        if (edit) cell.edit = edits_.emplace_back(std::move(*edit));
    }
}

void Freeze::flush_part() {
    if (writer_.empty()) return;
    const std::string rows = writer_.take();
    sqlite::Statement& insert = db_.cached("INSERT INTO main.tombolo_part(number, part, rows) VALUES (?1, ?2, ?3)");
    const sqlite::ResetGuard guard(insert);
    insert.bind(1, writing_.number).bind(2, static_cast<int64_t>(writing_.parts)).bind_static(3, ValueView::blob(rows)).step();
    ++writing_.parts;
    writing_.bytes += static_cast<int64_t>(rows.size());
}

void Freeze::write_entry(const LogContext& context) {
    Entry entry;
    entry.header.number.value = writing_.number;
    entry.header.id = context.id;
    entry.header.seen = context.seen;
    entry.header.written_at = hub_time_of(db_, context);
    entry.header.depends = distinct_needs(std::move(writing_.depends));
    entry.subject = context.subject;
    entry.changes = writing_.changes;
    entry.bytes = writing_.bytes;
    entry.written_at = context.wall;
    entry.seen_time = context.seen_time;
    outbox_.add(entry);
    db_.cached("UPDATE main.tombolo_device SET last_number = ?1, last_id = ?2").with(writing_.number, ValueView::blob(context.id.view())).run();
}

}  // namespace tombolo::device
