// A hub in a map, for tests of merge: transactions in, verdicts and rows out as text.
//
//   Scene hub(table);
//   hub.commit(by(1).insert({"k", 10}))          "accepted"
//   hub.commit(by(2).seen(0).update("k", 1, 10, 11))   …
//   hub.show("k")                                "alive 'k' 11 | …"
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "merge/merge.h"
#include "model/record.h"

namespace tombolo::merge::testing {

inline std::string text_of(const ValueView& v) {
    switch (v.type()) {
        case ValueType::null: return "NULL";
        case ValueType::integer: return std::to_string(v.as_integer());
        case ValueType::real: return "r" + std::to_string(v.as_real());
        case ValueType::text: return "'" + std::string(v.bytes()) + "'";
        case ValueType::blob: return "x'" + std::string(v.bytes()) + "'";
    }
    return "?";
}

inline std::string key_of(const Value& key) { return encode_record(Row{key}); }

// Changes that own their bytes. The key is column 0 of every table here.
class Changes final : public ChangeSource {
public:
    struct Change {
        ChangeKind kind;
        bool over_own_delete;
        std::string key;
        std::vector<uint32_t> columns;
        Row base, values;
    };
    std::vector<Change> list;
    const Table* table = nullptr;

    void rewind() override { at_ = 0; }
    const ChangeView* next() override {
        if (at_ == list.size()) return nullptr;
        const Change& change = list[at_++];
        view_ = {table, change.kind, change.over_own_delete, change.key, {}};
        for (size_t i = 0; i < change.columns.size(); ++i)
            view_.cells.push_back({change.columns[i], change.base[i], change.values[i]});
        return &view_;
    }

private:
    size_t at_ = 0;
    ChangeView view_;
};

// One transaction, built link by link.
struct By {
    Writer writer;
    Changes changes;

    By seen(uint64_t seq) && { return writer.seen.value = seq, std::move(*this); }
    By at(HubTime stamp) && { return writer.stamp = stamp, std::move(*this); }
    By retry() && { return writer.retry = true, std::move(*this); }
    By insert(Row values) && { return std::move(*this).add(ChangeKind::insert, false, values[0], all(values), Row(values.size()), values); }
    By insert_over_delete(Row base, Row values) && { return std::move(*this).add(ChangeKind::insert, true, values[0], all(values), base, values); }
    By update(Value key, uint32_t column, Value base, Value value) && {
        return std::move(*this).add(ChangeKind::update, false, std::move(key), {column}, {std::move(base)}, {std::move(value)});
    }
    By update(Value key, std::vector<uint32_t> columns, Row base, Row values) && {
        return std::move(*this).add(ChangeKind::update, false, std::move(key), std::move(columns), std::move(base), std::move(values));
    }
    // Keeps the row, writes nothing.
    By touch(Value key) && { return std::move(*this).add(ChangeKind::update, false, std::move(key), {}, {}, {}); }
    By erase(Row base) && { return std::move(*this).add(ChangeKind::erase, false, base[0], all(base), base, Row(base.size())); }

private:
    static std::vector<uint32_t> all(const Row& row) {
        std::vector<uint32_t> columns;
        for (uint32_t i = 0; i < row.size(); ++i)
            columns.push_back(i);
        return columns;
    }
    By add(ChangeKind kind, bool over, const Value& key, std::vector<uint32_t> columns, Row base, Row values) && {
        changes.list.push_back({kind, over, key_of(key), std::move(columns), std::move(base), std::move(values)});
        return std::move(*this);
    }
};

// Stamp 10 × site unless `at` says otherwise; seen 0: knew nothing.
inline By by(uint64_t site) {
    By transaction;
    transaction.writer.site.value = site;
    transaction.writer.stamp = static_cast<HubTime>(10 * site);
    return transaction;
}

class Scene final : public Rows, public History {
public:
    explicit Scene(Table table) : table_(std::move(table)) {}
    const Table& table() const { return table_; }

    // Commits at the next seq. A rejected transaction takes one too and leaves the rows as they were.
    std::string commit(By transaction) {
        transaction.writer.seq = head_ = head_.next();
        transaction.writer.number.value = 100 + head_.value;
        transaction.changes.table = &table_;
        const auto before = rows_;
        told.clear();
        aside.clear();
        meetings.clear();
        Outcome outcome = merge_transaction(*this, transaction.changes, transaction.writer, this, expressions);
        if (!outcome.rejected()) return std::string(to_string(outcome.kind));
        rows_ = before;
        return "rejected " + std::string(to_string(outcome.code)) + ": " + outcome.reason;
    }

    std::string show(const Value& key) const {
        const auto found = rows_.find(key_of(key));
        if (found == rows_.end()) return "unknown";
        std::string out = found->second.existence == Existence::alive ? "alive" : "dead";
        for (const Value& value : found->second.values)
            out += " " + text_of(value);
        return out;
    }
    // touch site@seq/other, then each cell's mark; "-" where the row is one tuple
    std::string marks(const Value& key) const {
        const RowMeta& meta = rows_.at(key_of(key)).meta;
        std::string out = mark(meta.touch);
        if (meta.cells.empty()) return out + " -";
        for (const WriteMark& cell : meta.cells)
            out += " " + mark(cell);
        return out;
    }
    // The open conflicts of a row, oldest first: "a: 12 over 10 by 3@4" (site, seq). A deleted row's image is shown as its values.
    std::string open(const Value& key) const {
        std::string out;
        for (const Candidate& candidate : rows_.at(key_of(key)).candidates)
            out += (out.empty() ? "" : ", ") + text(candidate);
        return out;
    }
    // What the newest transaction told the history: "opened a: …, resolved a: …"
    std::string told;
    // Which values it put aside: "a: 12 over 10 by 3, now 11 by 2" (sites). And what its cells met: "a lost 2, row waits 3 as @5".
    std::string aside, meetings;
    const RowState& row(const Value& key) const { return rows_.at(key_of(key)); }
    Seq head() const { return head_; }
    size_t finds = 0, writes = 0;
    Expressions* expressions = nullptr;

    Existence find(const Table&, std::string_view key, RowState& state) override {
        ++finds;
        const auto found = rows_.find(key);
        state = found == rows_.end() ? RowState{} : found->second;
        return state.existence;
    }
    void write(const Table&, std::string_view key, Existence, const RowState& after) override {
        ++writes;
        rows_[std::string(key)] = after;
    }
    std::vector<RowName> dead_by(Seq death) override {
        std::vector<RowName> names;
        for (const auto& [key, state] : rows_) {
            if (state.existence == Existence::dead && state.meta.death.seq == death) names.push_back({&table_, key});
        }
        return names;
    }
    void opened(const Table&, std::string_view, const Candidate& candidate) override { tell("opened", candidate); }
    void closed(const Table&, std::string_view, const Candidate& candidate, Closing why) override {
        constexpr const char* words[] = {"resolved", "equal", "folded", "orphaned"};
        tell(words[static_cast<size_t>(why)], candidate);
    }
    void put_aside(const Table&, std::string_view, const PutAside& a) override {
        aside += (aside.empty() ? "" : ", ") + table_.columns[a.column].name + ": " + text_of(Value(a.value)) + " over " + text_of(Value(a.base)) +
                 " by " + std::to_string(a.site.value) + ", now " + text_of(Value(a.stored)) + " by " + std::to_string(a.stored_site.value);
    }
    void met(const Table&, std::string_view, const Meeting& m) override {
        meetings += (meetings.empty() ? "" : ", ") + (m.column == Candidate::row_itself ? std::string("row") : table_.columns[m.column].name) + " " +
                    std::string(to_string(m.fate)) + " " + std::to_string(m.other.value);
        if (m.candidate.value != 0) meetings += " as @" + std::to_string(m.candidate.value);
    }
    bool is_hidden(const Table&, std::string_view key) override { return hidden == key; }
    std::string hidden;

private:
    void tell(const std::string& word, const Candidate& candidate) { told += (told.empty() ? "" : ", ") + word + " " + text(candidate); }
    std::string text(const Candidate& c) const {
        const std::string author = " by " + std::to_string(c.site.value) + "@" + std::to_string(c.seq.value);
        if (c.column != Candidate::row_itself) return table_.columns[c.column].name + ": " + text_of(c.value) + " over " + text_of(c.base) + author;
        std::string out = "deletion of";
        std::vector<ValueView> image;
        decode_record(c.base.bytes(), image);
        for (const ValueView& value : image)
            out += " " + text_of(value);
        return out + author;
    }
    static std::string mark(const WriteMark& m) {
        return std::to_string(m.site.value) + "@" + std::to_string(m.seq.value) + "/" + std::to_string(m.other.value);
    }

    Table table_;
    std::map<std::string, RowState, std::less<>> rows_;
    Seq head_;
};

// t(k PRIMARY KEY, a, b), both of the given policy.
inline Table table_with(ColumnPolicy policy) {
    Table table;
    table.name = "t";
    table.columns = {{"k", "TEXT", ColumnPolicy::lww}, {"a", "", policy}, {"b", "", policy}};
    table.key = {0};
    return table;
}

// The row (k, 10, 20), which site 1 inserted at seq 1 with stamp 1.
inline Scene with_row(Table table) {
    Scene hub(std::move(table));
    hub.commit(by(1).at(1).insert({"k", 10, 20}));
    return hub;
}
inline Scene with_row(ColumnPolicy policy) { return with_row(table_with(policy)); }

}  // namespace tombolo::merge::testing
