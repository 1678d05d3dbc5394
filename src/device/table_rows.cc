#include "device/table_rows.h"

#include <fmt/format.h>

#include "model/record.h"

namespace tombolo::device {

namespace {

using sqlite::quote_identifier;

std::string column_list(const Table& table) {
    std::string list;
    for (const Column& column : table.columns)
        list += (list.empty() ? "" : ", ") + quote_identifier(column.name);
    return list;
}

std::string key_list(const Table& table) {
    std::string list;
    for (const uint32_t column : table.key)
        list += (list.empty() ? "" : ", ") + quote_identifier(table.columns[column].name);
    return list;
}

// The first comparison finds the row by the index, under the column's own collation; the second asks for the very bytes.
std::string key_condition(const Table& table) {
    std::string condition;
    for (size_t i = 0; i < table.key.size(); ++i) {
        const std::string name = quote_identifier(table.columns[table.key[i]].name);
        condition += fmt::format("{}{} = ?{} AND {} = ?{} COLLATE BINARY", i == 0 ? "" : " AND ", name, i + 1, name, i + 1);
    }
    return condition;
}

// "OR ABORT" overrules ON CONFLICT clauses of the table, by which a row that arrives would displace another without a word. It
// overrules those inside triggers too, where they must hold: with triggers it is left out.
std::string insert_sql(const Table& table, std::string_view resolution) {
    std::string places;
    for (size_t i = 0; i < table.columns.size(); ++i)
        places += fmt::format("{}?{}", i == 0 ? "" : ", ", i + 1);
    return fmt::format("INSERT {}INTO main.{}({}) VALUES ({})", resolution, quote_identifier(table.name), column_list(table), places);
}

// Takes the same parameters as the insert. Not an upsert: that finds keys by their collation ('abc' for 'ABC'), and overrules the
// conflict clauses inside triggers.
std::string update_sql(const Table& table, std::string_view resolution) {
    const bool only_keys = table.key.size() == table.columns.size();
    std::string sets;
    std::string condition;
    for (uint32_t i = 0; i < table.columns.size(); ++i) {
        const std::string name = quote_identifier(table.columns[i].name);
        if (only_keys || !table.is_key(i)) sets += fmt::format("{}{} = ?{}", sets.empty() ? "" : ", ", name, i + 1);
        if (table.is_key(i))
            condition += fmt::format("{}{} = ?{} AND {} = ?{} COLLATE BINARY", condition.empty() ? "" : " AND ", name, i + 1, name, i + 1);
    }
    return fmt::format("UPDATE {}main.{} SET {} WHERE {}", resolution, quote_identifier(table.name), sets, condition);
}

}  // namespace

template <typename Values>
std::string key_of(const Table& table, const Values& values) {
    std::string key;
    for (const uint32_t column : table.key)
        put_value(key, values[column]);
    return key;
}
template std::string key_of(const Table&, const std::vector<Value>&);
template std::string key_of(const Table&, const std::vector<ValueView>&);

TableRows::Statements& TableRows::statements(const Table& table) {
    auto& slot = statements_[&table];
    if (slot == nullptr) {
        slot = std::make_unique<Statements>();
        const std::string name = quote_identifier(table.name);
        slot->read = sqlite::Statement(db_.handle(), fmt::format("SELECT {} FROM main.{} WHERE {}", column_list(table), name, key_condition(table)));
        const std::string_view resolution = triggers_ != nullptr && triggers_->running() ? "" : "OR ABORT ";
        slot->insert = sqlite::Statement(db_.handle(), insert_sql(table, resolution));
        slot->update = sqlite::Statement(db_.handle(), update_sql(table, resolution));
        slot->rows_are_new = db_.query_integer(fmt::format("SELECT EXISTS (SELECT 1 FROM main.{})", name)) == 0;
        slot->erase = sqlite::Statement(db_.handle(), fmt::format("DELETE FROM main.{} WHERE {}", name, key_condition(table)));
    }
    return *slot;
}

namespace {
void bind_key(sqlite::Statement& statement, std::string_view key, std::vector<ValueView>& scratch) {
    scratch.clear();
    if (!decode_record(key, scratch)) throw Error(ErrorCode::corrupt, "a row key is not a record");
    for (size_t i = 0; i < scratch.size(); ++i)
        statement.bind(static_cast<int>(i) + 1, scratch[i]);
}
}  // namespace

bool TableRows::read(const Table& table, std::string_view key, std::vector<Value>& values) {
    sqlite::Statement& read = statements(table).read;
    bind_key(read, key, key_views_);
    const sqlite::ResetGuard guard(read);
    if (!read.step()) return false;
    values.clear();
    for (size_t i = 0; i < table.columns.size(); ++i)
        values.emplace_back(read.value(static_cast<int>(i)));
    return true;
}

void TableRows::erase(const Table& table, std::string_view key) {
    sqlite::Statement& erase = statements(table).erase;
    if (!deferred_.empty()) deferred_.erase({&table, std::string(key)});
    bind_key(erase, key, key_views_);
    triggers_->announce_delete(table, key);
    erase.run();
    triggers_->forget_announced();
}

void TableRows::erase_all(const Table& table) {
    triggers_->announce_delete(table, {});
    db_.execute(fmt::format("DELETE FROM main.{}", quote_identifier(table.name)));
    triggers_->forget_announced();
}

// False on a clash: last_message_ says with what.
bool TableRows::try_put(const Table& table, const std::vector<ValueView>& values) {
    Statements& of_table = statements(table);
    const auto run = [&](sqlite::Statement& put) {
        for (size_t i = 0; i < values.size(); ++i)
            put.bind_static(static_cast<int>(i) + 1, values[i]);
        const int code = put.step_raw();
        if (code != SQLITE_DONE) last_message_ = sqlite3_errmsg(db_.handle());
        sqlite3_reset(put.handle());
        if (code != SQLITE_DONE && (code & 0xFF) != SQLITE_CONSTRAINT)
            sqlite::throw_error(db_.handle(), code, "write a row that arrived into table " + table.name);
        return code == SQLITE_DONE;
    };
    if (!of_table.rows_are_new) {
        if (!run(of_table.update)) return false;
        if (db_.changes() != 0) return true;
    }
    return run(of_table.insert);
}

void TableRows::defer(const Table& table, const std::vector<ValueView>& values) {
    std::vector<Value> owned;
    for (const ValueView& value : values)
        owned.emplace_back(value);
    std::string key = key_of(table, owned);
    erase(table, key);
    deferred_.insert_or_assign({&table, std::move(key)}, std::move(owned));
}

std::vector<TableRows::Clash> TableRows::settle() {
    std::vector<Clash> clashes;
    for (const auto& [place, values] : std::exchange(deferred_, {})) {
        const auto& [table, key] = place;
        if (try_put(*table, views(values))) continue;
        clashes.push_back({table, key, find_rivals(*table, views(values), last_message_)});
    }
    return clashes;
}

// SQLite says "UNIQUE constraint failed: t.a, t.b": the rows that hold the same values there are the rivals. Other constraints
// (CHECK, NOT NULL, an expression index) name no columns of this form and have no rival to be found.
std::vector<std::string> TableRows::find_rivals(const Table& table, const std::vector<ValueView>& values, std::string_view message) {
    static constexpr std::string_view prefix = "UNIQUE constraint failed: ";
    if (message.substr(0, prefix.size()) != prefix) return {};
    std::string condition;
    std::vector<ValueView> wanted;
    for (uint32_t i = 0; i < table.columns.size(); ++i) {
        const std::string qualified = table.name + "." + table.columns[i].name;
        const std::string list = fmt::format(", {},", message.substr(prefix.size()));
        if (list.find(fmt::format(" {},", qualified)) == std::string::npos) continue;
        condition += fmt::format("{}{} = ?{}", condition.empty() ? "" : " AND ", quote_identifier(table.columns[i].name), wanted.size() + 1);
        wanted.push_back(values[i]);
    }
    if (wanted.empty()) return {};
    std::vector<std::string> rivals;
    sqlite::Statement find = db_.prepare(fmt::format("SELECT {} FROM main.{} WHERE {}", key_list(table), quote_identifier(table.name), condition));
    for (size_t i = 0; i < wanted.size(); ++i)
        find.bind(static_cast<int>(i) + 1, wanted[i]);
    while (find.step()) {
        std::string key;
        for (int i = 0; i < find.column_count(); ++i)
            put_value(key, find.value(i));
        rivals.push_back(std::move(key));
    }
    return rivals;
}

}  // namespace tombolo::device
