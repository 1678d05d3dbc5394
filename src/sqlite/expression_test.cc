#include "sqlite/expression.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/limits.h"
#include "sqlite/inspect.h"

namespace tombolo::sqlite {
namespace {

// One table and its `sql` column, the last one.
class ExpressionTest : public testing::Test {
protected:
    void make(const std::string& create, const std::string& expression) {
        db_ = Connection::open(":memory:");
        db_.execute(create);
        table_ = read_table(db_, "main", "t");
        table_.columns.back().policy = ColumnPolicy::sql;
        table_.columns.back().expression = expression;
        expressions_ = {};
    }
    uint32_t column() const { return static_cast<uint32_t>(table_.columns.size() - 1); }
    std::string mistake() const { return ScratchExpressions::find_mistake(table_, column()); }
    // `mine` and `theirs` end with the two values of the column.
    std::optional<Value> evaluate(const Value& base, const std::vector<Value>& mine, const std::vector<Value>& theirs) {
        const std::vector<ValueView> arriving(mine.begin(), mine.end());
        const std::vector<ValueView> stored(theirs.begin(), theirs.end());
        return expressions_.evaluate({table_, column(), base, arriving, stored});
    }
    std::optional<Value> evaluate(const Value& base, const Value& mine, const Value& theirs) {
        std::vector<Value> arriving(table_.columns.size()), stored(table_.columns.size());
        arriving.back() = mine;
        stored.back() = theirs;
        return evaluate(base, arriving, stored);
    }

    Connection db_;
    Table table_;
    ScratchExpressions expressions_;
};

constexpr const char* plain = "CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER, \"the x\" TEXT, status TEXT)";

TEST_F(ExpressionTest, GivesWhatSqlMakesOfTheTwoWrites) {
    make(plain, "CASE WHEN mine = 'done' OR theirs = 'done' THEN 'done' ELSE coalesce(base, '') || theirs END");
    EXPECT_EQ(mistake(), "");
    EXPECT_EQ(evaluate("open", "done", "late"), Value("done"));
    EXPECT_EQ(evaluate("open", "late", "done"), Value("done"));
    EXPECT_EQ(evaluate("open", "late", "lost"), Value("openlost"));
    EXPECT_EQ(evaluate({}, "late", "lost"), Value("lost"));
}

TEST_F(ExpressionTest, KnowsTheOtherColumnsOfBothRows) {
    make(plain, "iif(mine_n > theirs_n, mine, theirs) || \"mine_the x\" || theirs_ID");
    EXPECT_EQ(mistake(), "");
    EXPECT_EQ(evaluate("", {"k", 10, "+", "a"}, {"k", 9, "-", "b"}), Value("a+k"));
    EXPECT_EQ(evaluate("", {"k", 9, "+", "a"}, {"k", 10, "-", "b"}), Value("b+k"));
}

TEST_F(ExpressionTest, ComparesAndStoresAsTheColumnsDo) {
    make("CREATE TABLE t(id TEXT PRIMARY KEY, n TEXT)", "mine = 5");
    EXPECT_EQ(evaluate("", "5", "6"), Value("1"));  // TEXT on both sides of =, and a TEXT in the end
    make("CREATE TABLE t(id TEXT PRIMARY KEY, x REAL)", "1");
    EXPECT_EQ(evaluate(0.5, 0.5, 0.25), Value(1.0));
    make("CREATE TABLE t(id TEXT PRIMARY KEY, x)", "mine");
    for (const Value& value : {Value(), Value(int64_t{-3}), Value(1.0), Value("1"), Value(std::string("a\0b", 3)), Value::blob("")})
        EXPECT_EQ(evaluate({}, value, 7), value);
    make("CREATE TABLE t(id TEXT PRIMARY KEY, n VARCHAR(10) NOT NULL)", "mine + theirs");
    EXPECT_EQ(evaluate("", "5", "6"), Value("11"));
}

TEST_F(ExpressionTest, AFailureOrAWrongTypeIsNoValue) {
    make("CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER)", "abs(mine)");
    EXPECT_EQ(evaluate(0, -3, 1), Value(3));
    EXPECT_EQ(evaluate(0, std::numeric_limits<int64_t>::min(), 1), std::nullopt);
    EXPECT_EQ(evaluate(0, -4, 1), Value(4));  // and it goes on afterwards
    make("CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER)", "mine / theirs");
    EXPECT_EQ(evaluate(0, 4, 0), Value());
    make("CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER NOT NULL)", "mine / theirs");
    EXPECT_EQ(evaluate(0, 4, 0), std::nullopt);
    EXPECT_EQ(evaluate(0, 4, 2), Value(2));
    make("CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER) STRICT", "mine || 'x'");
    EXPECT_EQ(evaluate(0, 4, 2), std::nullopt);
    make("CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER) STRICT", "mine || ''");
    EXPECT_EQ(evaluate(0, 4, 2), Value(4));
    const std::pair<const char*, Value> strict[] = {{"INT", 1}, {"REAL", 0.5}, {"TEXT", "a"}, {"BLOB", Value::blob("a")}, {"ANY", "1"}};
    for (const auto& [type, value] : strict) {
        make(std::string("CREATE TABLE t(id TEXT PRIMARY KEY, x ") + type + ") STRICT", "mine");
        EXPECT_EQ(evaluate({}, value, {}), value) << type;
        table_.columns.back().expression = "iif(typeof(theirs) = 'blob', 'text', x'00')";
        const Value theirs = value.type() == ValueType::blob ? value : Value();
        const auto refused = evaluate({}, value, theirs);
        EXPECT_EQ(refused.has_value(), type == std::string("ANY")) << type;
    }
    make("CREATE TABLE t(id TEXT PRIMARY KEY, d TEXT)", "json_patch(mine, theirs)");
    EXPECT_EQ(evaluate("{}", R"({"a":1})", R"({"b":2})"), Value(R"({"a":1,"b":2})"));
    EXPECT_EQ(evaluate("{}", "{", "{}"), std::nullopt);
}

TEST_F(ExpressionTest, MistakesAreFoundBeforehand) {
    const std::pair<std::string, std::string> wrong[] = {
        {"", "near \")\": syntax error"},
        {"mine ||", "near \")\": syntax error"},
        {"colour", "no such column: colour"},
        {"\"colour\"", "no such column: colour"},
        {"mine_colour", "no such column: mine_colour"},
        {"nope(mine)", "no such function: nope"},
        {"(SELECT 1)", "subqueries prohibited in an sql policy"},
        {"count(mine)", "misuse of aggregate function count()"},
        {"?1", "parameters prohibited in an sql policy"},
        {"random()", "non-deterministic functions prohibited in an sql policy"},
        {"last_insert_rowid()", "non-deterministic functions prohibited in an sql policy"},
        {"date('now')", "non-deterministic use of date() in an sql policy"},
        {"mine) FROM names; SELECT (1", "it is more than one expression"},
        {"mine /* and so on", "incomplete input"},
    };
    for (const auto& [expression, complaint] : wrong) {
        make(plain, expression);
        EXPECT_EQ(mistake(), complaint) << expression;
        EXPECT_EQ(evaluate("", "a", "b"), std::nullopt) << expression;
    }
    for (const char* expression : {"1), (2", "1) STORED, x AS (2", "CURRENT_TIMESTAMP", "load_extension('x')", "rowid", "readfile('/etc/passwd')"}) {
        make(plain, expression);
        EXPECT_NE(mistake(), "") << expression;
        EXPECT_EQ(evaluate("", "a", "b"), std::nullopt) << expression;
    }
    make(plain, std::string(limits::expression_bytes_max, ' ') + "1");
    EXPECT_EQ(mistake(), "it has 10001 bytes, more than the 10000 an expression may have");
    make(plain, "mine -- a comment");
    EXPECT_EQ(mistake(), "");
}

TEST_F(ExpressionTest, TheTimeOfNowIsRefusedEvenIfItComesAsAValue) {
    make(plain, "date(mine)");
    EXPECT_EQ(evaluate("", "2020-02-02 12:00", ""), Value("2020-02-02"));
    EXPECT_EQ(evaluate("", "now", ""), std::nullopt);
}

TEST_F(ExpressionTest, WhatWouldBeDearIsCutShort) {
    make(plain, "hex(zeroblob(100000000))");
    EXPECT_EQ(evaluate("", "a", "b"), std::nullopt);
    make(plain, "theirs LIKE mine");
    EXPECT_EQ(evaluate("", std::string(1000, '%') + "b", std::string(1000, 'a')), std::nullopt);
    EXPECT_EQ(evaluate("", "a%", "ab"), Value("1"));
}

TEST_F(ExpressionTest, ANewExpressionTakesThePlaceOfTheOld) {
    make(plain, "mine");
    EXPECT_EQ(evaluate("", "a", "b"), Value("a"));
    table_.columns.back().expression = "theirs";
    EXPECT_EQ(evaluate("", "a", "b"), Value("b"));
}

}  // namespace
}  // namespace tombolo::sqlite
