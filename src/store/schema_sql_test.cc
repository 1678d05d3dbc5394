#include "store/schema_sql.h"

#include <gtest/gtest.h>

#include "store/table_definition.h"
#include "tombolo/error.h"

namespace tombolo::store {
namespace {

std::string refusal(std::string_view sql) {
    try {
        read_schema_sql(sql);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::schema);
        return error.what();
    }
    return {};
}

TEST(SchemaSql, ReadsTablesAndKeepsStatements) {
    const DeclaredSchema schema = read_schema_sql(R"sql(
        -- what we do
        CREATE TABLE IF NOT EXISTS tasks(id TEXT PRIMARY KEY DEFAULT (tombolo_uuid()), title TEXT, upper_title TEXT GENERATED ALWAYS AS (upper(title)));
        CREATE INDEX tasks_title ON tasks(title);
        CREATE TRIGGER t AFTER INSERT ON tasks BEGIN SELECT 1; SELECT 2; END;
        CREATE VIEW v AS SELECT * FROM tasks;
        CREATE VIRTUAL TABLE search USING fts5(title);
    )sql");
    ASSERT_EQ(schema.schema.tables.size(), 1U);
    EXPECT_EQ(schema.schema.tables[0].columns.size(), 2U) << "generated columns never travel";
    EXPECT_EQ(schema.schema.statements.size(), 5U);
    EXPECT_TRUE(schema.find(ObjectKind::virtual_table, "search"));
    EXPECT_TRUE(schema.warnings.empty());
}

TEST(SchemaSql, RefusesWithTheName) {
    EXPECT_NE(refusal("CREATE TABLE log(line TEXT)").find("log"), std::string::npos) << "no primary key";
    EXPECT_NE(refusal("CREATE TABLE tombolo_x(id TEXT PRIMARY KEY)").find("tombolo_x"), std::string::npos);
    EXPECT_NE(refusal("CREATE TABLE t(id TEXT PRIMARY KEY, tombolo_seq)").find("tombolo_seq"), std::string::npos);
    EXPECT_NE(refusal("CREATE TABLE t(id TEXT PRIMARY KEY); INSERT INTO t VALUES (1)").find("INSERT"), std::string::npos);
    EXPECT_NE(refusal("CREATE TEMP TABLE t(id TEXT PRIMARY KEY)").find("TEMP"), std::string::npos);
    EXPECT_NE(refusal("CREATE TABLE t(id TEXT PRIMARY KEY, p TEXT REFERENCES nowhere)").find("nowhere"), std::string::npos);
    EXPECT_NE(refusal("CREATE TABLE t(id TEXT PRIMARY KEY").find("incomplete"), std::string::npos);
}

TEST(SchemaSql, SeesThroughSpellingOnly) {
    EXPECT_EQ(normalize_sql("Create  TABLE /* x */ \"T\"( a\n INT -- y\n)"), "create table \"T\" ( a int )");
    const auto definition =
        parse_table_definition("CREATE TABLE t(a TEXT CHECK (a IN ('x,)', 'y')), \"b,c\" INT, PRIMARY KEY (a, \"b,c\")) WITHOUT ROWID");
    ASSERT_EQ(definition.columns.size(), 2U);
    EXPECT_EQ(definition.columns[1].text, "\"b,c\" INT");
    EXPECT_EQ(definition.constraints.size(), 1U);
    EXPECT_EQ(definition.options, "without rowid");
}

TEST(SchemaSql, FindsAdditions) {
    const auto before = read_schema_sql("CREATE TABLE t(id TEXT PRIMARY KEY, CHECK (id <> ''))");
    const auto after =
        read_schema_sql("create table t(id text primary key, note TEXT DEFAULT 'n', CHECK (id <> '')); CREATE TABLE u(id TEXT PRIMARY KEY)");
    const SchemaAddition addition = find_additions(before, after);
    ASSERT_EQ(addition.columns.size(), 1U);
    EXPECT_EQ(addition.columns[0].definition, "note TEXT DEFAULT 'n'");
    EXPECT_EQ(addition.tables.size(), 1U);
    EXPECT_THROW(find_additions(after, before), Error);
    EXPECT_THROW(find_additions(before, read_schema_sql("CREATE TABLE t(id TEXT PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP, CHECK (id <> ''))")),
                 Error);
}

}  // namespace
}  // namespace tombolo::store
