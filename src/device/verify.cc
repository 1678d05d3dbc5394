#include "device/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "device/pending_rows.h"
#include "model/digest.h"
#include "model/record.h"
#include "wire/codec.h"
#include "wire/rows.h"

namespace tombolo::device {

namespace {

// A moment at which every local write is in the outbox: nothing is written to the file, as far as this connection sees, while it lasts.
class Moment {
public:
    explicit Moment(Replica& replica) {
        for (;;) {
            reading_.emplace(replica.db());
            if (replica.outbox().log_is_empty()) return;
            reading_.reset();
            sqlite::WriteTransaction freezing(replica.db());
            replica.outbox().freeze();
            freezing.commit();
        }
    }

private:
    std::optional<sqlite::ReadTransaction> reading_;
};

// The hub's rows as this device knows them, in the hub's column order: the tables with what is pending taken away.
class RowsBelow {
public:
    explicit RowsBelow(Replica& replica)
        : replica_(replica),
          moment_(replica),
          rows_(replica.db(), nullptr),
          pending_(replica.db(), replica.schema(), replica.outbox(), rows_, index_) {
        std::vector<Entry> entries;
        std::vector<TransactionNumber> shown;
        replica_.outbox().for_each([&](const Entry& entry) {
            entries.push_back(entry);
            if (entry.state == EntryState::pending) shown.push_back(entry.header.number);
        });
        pending_.load(entries);
        std::set<std::string> to_derive;
        for (const Entry& entry : entries) {
            for (const std::string& row : pending_.rows_of(entry.header.number)) {
                if (!pending_.read_stored(row, below_[row])) to_derive.insert(row);
            }
        }
        for (auto& [row, state] : pending_.derive(to_derive, shown))
            below_[row] = std::move(state);
    }

    // visit(key, values in the hub's order)
    template <typename Visit>
    void for_each(const Table& hub_table, const Visit& visit) {
        const Table& here = *replica_.schema().find(hub_table.name);
        std::vector<uint32_t> order;
        std::string columns;
        for (const Column& column : here.columns)
            columns += (columns.empty() ? "" : ", ") + sqlite::quote_identifier(column.name);
        for (const Column& column : hub_table.columns)
            order.push_back(here.find_column(column.name).value());
        sqlite::Statement read = replica_.db().prepare(fmt::format("SELECT {} FROM main.{}", columns, sqlite::quote_identifier(here.name)));
        std::vector<ValueView> values(order.size());
        while (read.step()) {
            std::string key;
            for (const uint32_t column : here.key)
                put_value(key, read.value(static_cast<int>(column)));
            if (below_.count(row_name(replica_.schema(), here, key)) != 0) continue;
            for (size_t i = 0; i < order.size(); ++i)
                values[i] = read.value(static_cast<int>(order[i]));
            visit(key, values);
        }
        for (const auto& [row, state] : below_) {
            if (&table_of(replica_.schema(), row) != &here || state.existence != Existence::alive) continue;
            for (size_t i = 0; i < order.size(); ++i)
                values[i] = state.values[order[i]];
            visit(std::string(key_in(row)), values);
        }
    }

private:
    Replica& replica_;
    Moment moment_;
    TableRows rows_;
    PendingIndex index_;
    PendingRows pending_;
    std::map<std::string, RowState> below_;
};

std::vector<std::pair<std::string, Value>> named(const Table& table, const std::vector<Value>& values) {
    std::vector<std::pair<std::string, Value>> cells;
    for (size_t i = 0; i < values.size(); ++i)
        cells.emplace_back(table.columns[i].name, values[i]);
    return cells;
}

}  // namespace

wire::VerifyRequest Verification::begin() {
    answers_.clear();
    to_ask_.clear();
    asking_rows_ = false;
    found_ = {};
    found_.equal = true;
    return {++nonce_, {}, {}};
}

void Verification::answered(const wire::VerifyAnswer& answer) {
    if (answer.nonce == nonce_ && !result_) answers_.push_back(answer);
}

std::optional<wire::VerifyRequest> Verification::proceed(Seq cursor) {
    if (answers_.empty() || !answers_.back().last || result_) return std::nullopt;
    return judge(cursor);
}

std::optional<wire::VerifyRequest> Verification::judge(Seq cursor) {
    const Seq seq = answers_.front().seq;
    if (cursor < seq) return std::nullopt;  // the checkpoint that brings us there is on its way
    const bool torn = std::any_of(answers_.begin(), answers_.end(), [&](const wire::VerifyAnswer& answer) { return answer.seq != seq; });
    if (cursor > seq || torn || (asking_rows_ && seq != found_.seq)) return begin();
    found_.seq = seq;
    if (asking_rows_) {
        compare_rows();
        to_ask_.pop_back();
    } else {
        compare_digests();
    }
    answers_.clear();
    if (!to_ask_.empty()) return ask_for_rows();
    result_ = found_;
    return std::nullopt;
}

wire::VerifyRequest Verification::ask_for_rows() {
    asking_rows_ = true;
    return {++nonce_, to_ask_.back().first, to_ask_.back().second};
}

void Verification::compare_digests() {
    const Schema& hub = replica_.hub_schema();
    RowsBelow below(replica_);
    for (const wire::TableDigest& theirs : answers_.front().digests) {
        const Table* table = hub.find(theirs.table);
        if (table == nullptr || theirs.sums.size() != digest_buckets)
            throw Error(ErrorCode::protocol, "the hub's digest of table " + theirs.table + " is malformed");
        std::vector<uint64_t> sums(digest_buckets);
        uint64_t rows = 0;
        below.for_each(*table, [&](const std::string& key, const std::vector<ValueView>& values) {
            sums[digest_bucket(key)] += digest(encode_record(values));
            ++rows;
        });
        found_.rows += std::max(rows, theirs.rows);
        std::vector<uint32_t> different;
        for (uint32_t bucket = 0; bucket < digest_buckets; ++bucket) {
            if (sums[bucket] != theirs.sums[bucket]) different.push_back(bucket);
        }
        if (different.empty()) continue;
        found_.equal = false;
        to_ask_.emplace_back(table->name, std::move(different));
    }
}

void Verification::compare_rows() {
    const Table& table = *replica_.hub_schema().find(to_ask_.back().first);
    RowsByKey here = rows_here(table, to_ask_.back().second);
    RowsByKey hub = rows_at_hub();
    std::set<std::string> keys;
    for (const auto& [key, row] : here)
        keys.insert(key);
    for (const auto& [key, row] : hub)
        keys.insert(key);
    for (const std::string& key : keys) {
        const auto mine = here.find(key);
        const auto theirs = hub.find(key);
        if (mine != here.end() && theirs != hub.end() && mine->second.record == theirs->second.record) continue;
        Difference difference;
        difference.table = table.name;
        std::vector<ValueView> key_values;
        decode_record(key, key_values);
        for (size_t i = 0; i < key_values.size(); ++i)
            difference.key.emplace_back(table.columns[table.key[i]].name, Value(key_values[i]));
        if (mine != here.end()) difference.here = named(table, mine->second.values);
        if (theirs != hub.end()) difference.hub = named(table, theirs->second.values);
        found_.differences.push_back(std::move(difference));
    }
}

Verification::RowsByKey Verification::rows_here(const Table& table, const std::vector<uint32_t>& buckets) {
    RowsByKey rows;
    RowsBelow below(replica_);
    below.for_each(table, [&](const std::string& key, const std::vector<ValueView>& values) {
        if (!std::binary_search(buckets.begin(), buckets.end(), digest_bucket(key))) return;
        Row& row = rows[key];
        row.record = encode_record(values);
        for (const ValueView& value : values)
            row.values.emplace_back(value);
    });
    return rows;
}

Verification::RowsByKey Verification::rows_at_hub() const {
    RowsByKey rows;
    for (const wire::VerifyAnswer& answer : answers_) {
        wire::RowReader reader(replica_.hub_schema(), answer.rows);
        while (const wire::RowView* view = reader.next()) {
            Row& row = rows[std::string(view->key)];
            row.record = encode_record(view->values);
            for (const ValueView& value : view->values)
                row.values.emplace_back(value);
        }
    }
    return rows;
}

}  // namespace tombolo::device
