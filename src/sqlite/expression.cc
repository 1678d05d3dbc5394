#include "sqlite/expression.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace tombolo::sqlite {

namespace {

// No name that an expression would use.
constexpr std::string_view result_name = "=";

int give_up(void*) { return 1; }

// It holds one table and reads nothing else; what could be dear is bounded.
Connection open_scratch() {
    Connection db = Connection::open(":memory:");
    sqlite3* handle = db.handle();
    for (const int off : {SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_ENABLE_TRIGGER,
                          SQLITE_DBCONFIG_ENABLE_VIEW})
        sqlite3_db_config(handle, off, 0, nullptr);
    sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, static_cast<int>(limits::value_bytes_max));
    sqlite3_limit(handle, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100);
    sqlite3_progress_handler(handle, limits::expression_steps_max, give_up, nullptr);
    return db;
}

std::string named(std::string_view side, const Column& column) { return quote_identifier(fmt::format("{}_{}", side, column.name)); }

// The names an expression may use, each with the type of its column.
std::string names_sql(const Table& table, uint32_t column) {
    const auto typed = [](const std::string& name, const Column& like) {
        return like.type.empty() ? name : fmt::format("{} {}", name, quote_identifier(like.type));
    };
    std::string sql;
    for (const char* name : {"base", "mine", "theirs"})
        sql += fmt::format("{}{}", sql.empty() ? "" : ", ", typed(name, table.columns[column]));
    for (const Column& other : table.columns)
        sql += fmt::format(", {}, {}", typed(named("mine", other), other), typed(named("theirs", other), other));
    return sql;
}

std::string result_sql(const Table& table, uint32_t column) {
    const Column& of = table.columns[column];
    return fmt::format("{} {} {} AS (\n{}\n) STORED", quote_identifier(result_name), of.type.empty() ? "" : quote_identifier(of.type),
                       of.required ? "NOT NULL" : "", of.expression);
}

size_t count_names(const Table& table) { return 3 + 2 * table.columns.size(); }

std::string insert_sql(const Table& table) {
    std::string values;
    for (size_t i = 0; i < count_names(table); ++i)
        values += i == 0 ? "?" : ", ?";
    return fmt::format("INSERT INTO scratch VALUES ({}) RETURNING {}", values, quote_identifier(result_name));
}

// SQLite's words, of somebody who never made a generated column.
std::string explained(std::string message) {
    for (const char* words : {"generated columns", "a generated column"}) {
        const size_t at = message.find(words);
        if (at != std::string::npos) message.replace(at, std::string_view(words).size(), "an sql policy");
    }
    return message;
}

// Runs one statement; SQLite's complaint, if any.
std::string complaint(Connection& db, const std::string& sql) {
    sqlite3_stmt* raw = nullptr;
    const char* rest = nullptr;
    const int prepared = sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &raw, &rest);
    Statement statement(raw);
    if (prepared != SQLITE_OK) return explained(sqlite3_errmsg(db.handle()));
    if (*rest != '\0') return "it is more than one expression";
    const int rc = statement.step_raw();
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? "" : explained(sqlite3_errmsg(db.handle()));
}

// SQLite 3.40 does not hold generated columns to the types of a STRICT table.
bool fits(const Table& table, const Column& column, const ValueView& value) {
    if (!table.strict || value.is_null() || equal_names(column.type, "ANY")) return true;
    switch (value.type()) {
        case ValueType::integer: return equal_names(column.type, "INT") || equal_names(column.type, "INTEGER");
        case ValueType::real: return equal_names(column.type, "REAL");
        case ValueType::text: return equal_names(column.type, "TEXT");
        default: return equal_names(column.type, "BLOB");
    }
}

}  // namespace

std::string ScratchExpressions::find_mistake(const Table& table, uint32_t column) {
    const std::string& expression = table.columns[column].expression;
    if (expression.size() > limits::expression_bytes_max)
        return fmt::format("it has {} bytes, more than the {} an expression may have", expression.size(), limits::expression_bytes_max);
    Connection db = open_scratch();
    const std::string names = names_sql(table, column);
    // As a query first: an expression that closes the parenthesis around it is none, and would pass as a part of a table.
    std::string mistake = complaint(db, fmt::format("CREATE TABLE names({})", names));
    if (mistake.empty()) mistake = complaint(db, fmt::format("SELECT (\n{}\n) FROM names", expression));
    if (mistake.empty()) mistake = complaint(db, fmt::format("CREATE TABLE scratch({}, {})", names, result_sql(table, column)));
    if (!mistake.empty()) return mistake;
    // What only shows when it runs, whatever the values: date('now'). Other failures depend on the values.
    std::string nothing = "NULL";
    for (size_t i = 1; i < count_names(table); ++i)
        nothing += ", NULL";
    mistake = complaint(db, fmt::format("INSERT INTO scratch VALUES ({})", nothing));
    return mistake.find("non-deterministic") != std::string::npos ? mistake : "";
}

ScratchExpressions::Prepared ScratchExpressions::prepare(const Table& table, uint32_t column) {
    Prepared prepared;
    prepared.expression = table.columns[column].expression;
    prepared.columns = table.columns.size();
    if (!find_mistake(table, column).empty()) return prepared;
    prepared.db = open_scratch();
    prepared.db.execute(
        fmt::format("CREATE TABLE scratch({}, {}) {}", names_sql(table, column), result_sql(table, column), table.strict ? "STRICT" : ""));
    prepared.insert = prepared.db.prepare(insert_sql(table));
    prepared.clear = prepared.db.prepare("DELETE FROM scratch");
    return prepared;
}

ScratchExpressions::Prepared& ScratchExpressions::prepared(const Table& table, uint32_t column) {
    Prepared& known = prepared_[fmt::format("{}.{}", table.name, column)];
    if (known.expression != table.columns[column].expression || known.columns != table.columns.size()) known = prepare(table, column);
    return known;
}

std::optional<Value> ScratchExpressions::evaluate(const Clash& clash) {
    try {
        Prepared& use = prepared(clash.table, clash.column);
        if (!use.insert || clash.mine.size() != use.columns || clash.theirs.size() != use.columns) return std::nullopt;
        const ResetGuard guard(use.insert);
        int index = 0;
        for (const ValueView& value : {clash.base, clash.mine[clash.column], clash.theirs[clash.column]})
            use.insert.bind_static(++index, value);
        for (size_t i = 0; i < use.columns; ++i) {
            use.insert.bind_static(++index, clash.mine[i]);
            use.insert.bind_static(++index, clash.theirs[i]);
        }
        if (!use.insert.step()) return std::nullopt;
        Value result(use.insert.value(0));
        use.insert.reset();
        use.clear.run();
        if (!fits(clash.table, clash.table.columns[clash.column], result)) return std::nullopt;
        return result;
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace tombolo::sqlite
