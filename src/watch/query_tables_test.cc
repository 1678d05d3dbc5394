#include "watch/query_tables.h"

#include <gtest/gtest.h>

#include <set>

namespace tombolo::watch {
namespace {

class QueryTablesTest : public testing::Test {
protected:
    QueryTablesTest() {
        db_.execute(
            "CREATE TABLE tasks(id INTEGER PRIMARY KEY, title, tags); CREATE TABLE lists(id INTEGER PRIMARY KEY, name);"
            "CREATE VIEW open AS SELECT tasks.id, name FROM tasks JOIN lists USING (id);"
            "CREATE VIRTUAL TABLE notes USING fts5(body);"
            "CREATE VIRTUAL TABLE found USING fts5(title, content='tasks', content_rowid='id');");
    }

    // Of those that one would write to.
    std::set<std::string> tables(const std::string& sql) {
        const QueryTables tables = prepare_query(db_, sql).tables;
        EXPECT_FALSE(tables.everything) << sql;
        std::set<std::string> known;
        for (const char* name : {"tasks", "lists", "notes_content", "notes_data", "found_data", "found_docsize"}) {
            if (tables.names.count(name) != 0) known.insert(name);
        }
        return known;
    }
    bool reads_everything(const std::string& sql) { return prepare_query(db_, sql).tables.everything; }

    sqlite::Connection db_ = sqlite::Connection::open(":memory:");
};

using Names = std::set<std::string>;

TEST_F(QueryTablesTest, tables_views_and_subqueries) {
    EXPECT_EQ(tables("SELECT title FROM tasks"), Names{"tasks"});
    EXPECT_EQ(tables("SELECT count(*) FROM tasks"), Names{"tasks"});
    EXPECT_EQ(tables("SELECT 1 FROM tasks"), Names{"tasks"});
    EXPECT_EQ(tables("SELECT * FROM open"), (Names{"tasks", "lists"}));
    EXPECT_EQ(tables("SELECT 1 FROM open"), (Names{"tasks", "lists"}));
    EXPECT_EQ(tables("SELECT EXISTS (SELECT 1 FROM lists)"), Names{"lists"});
    EXPECT_EQ(tables("SELECT id FROM tasks UNION SELECT id FROM lists"), (Names{"tasks", "lists"}));
    EXPECT_EQ(tables("SELECT 1"), Names{});
}

TEST_F(QueryTablesTest, common_table_expressions_and_json) {
    EXPECT_EQ(tables("WITH c AS (SELECT id FROM tasks) SELECT count(*) FROM c, lists"), (Names{"tasks", "lists"}));
    EXPECT_EQ(tables("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n"), Names{});
    EXPECT_EQ(tables("WITH c(i) AS (VALUES (1)) SELECT count(*) FROM c"), Names{});
    EXPECT_EQ(tables("SELECT value FROM tasks, json_each(tasks.tags)"), Names{"tasks"});
}

TEST_F(QueryTablesTest, a_virtual_table_stands_for_those_that_hold_its_rows) {
    EXPECT_EQ(tables("SELECT * FROM notes WHERE notes MATCH 'x'"), (Names{"notes_content", "notes_data"}));
    EXPECT_EQ(tables("SELECT rowid FROM found('x')"), (Names{"tasks", "found_data", "found_docsize"}));
}

TEST_F(QueryTablesTest, what_no_name_tells_is_everything) {
    EXPECT_TRUE(reads_everything("SELECT * FROM pragma_table_info('tasks')"));
    EXPECT_TRUE(reads_everything("SELECT count(*) FROM pragma_table_info('tasks')"));
    EXPECT_FALSE(reads_everything("SELECT name FROM sqlite_schema"));
}

TEST_F(QueryTablesTest, what_writes_or_has_no_rows_is_refused) {
    for (const char* sql : {"DELETE FROM tasks", "INSERT INTO tasks(id) VALUES (1) RETURNING id", "BEGIN", "ATTACH ':memory:' AS other", "",
                            "PRAGMA journal_mode = DELETE", "CREATE TABLE x(a)"}) {
        try {
            prepare_query(db_, sql);
            ADD_FAILURE() << sql;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::usage) << sql;
        }
    }
}

}  // namespace
}  // namespace tombolo::watch
