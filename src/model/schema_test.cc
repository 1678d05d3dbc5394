#include "model/schema.h"

#include <gtest/gtest.h>

namespace tombolo {
namespace {

Table tasks() {
    Table table;
    table.name = "tasks";
    table.columns = {{"id", "TEXT"}, {"title", "TEXT"}, {"done", "INTEGER"}};
    table.key = {0};
    return table;
}

TEST(Schema, names_are_found_whatever_their_case_but_only_in_ascii) {
    Schema schema;
    schema.tables = {tasks()};
    ASSERT_NE(schema.find("TASKS"), nullptr);
    EXPECT_EQ(schema.find("TASKS")->find_column("Title"), 1u);
    EXPECT_EQ(schema.find("tasks")->find_column("titles"), std::nullopt);
    EXPECT_EQ(schema.find("task"), nullptr);
    EXPECT_FALSE(equal_names("\xC3\x84", "\xC3\xA4"));
}

TEST(Schema, differences_are_told_in_a_sentence) {
    const Table hub = tasks();
    Table device = tasks();
    EXPECT_EQ(describe_difference(device, hub), "");
    device.columns[1].name = "TITLE";
    EXPECT_EQ(describe_difference(device, hub), "");

    device.columns[2].type = "TEXT";
    EXPECT_EQ(describe_difference(device, hub), "column tasks.done is TEXT here, but INTEGER at the hub");
    device = tasks();
    device.columns.pop_back();
    EXPECT_EQ(describe_difference(device, hub), "table tasks has no column done here, but the hub has");
    device = tasks();
    device.columns.push_back({"note", "TEXT"});
    EXPECT_EQ(describe_difference(device, hub), "table tasks has a column note here that the hub does not have");
    device = tasks();
    device.key = {1};
    EXPECT_EQ(describe_difference(device, hub), "table tasks has another primary key here than at the hub");
    device.key = {0, 1};
    EXPECT_EQ(describe_difference(device, hub), "table tasks has another primary key here than at the hub");
}

TEST(Schema, a_table_knows_its_key_columns) {
    EXPECT_TRUE(tasks().is_key(0));
    EXPECT_FALSE(tasks().is_key(1));
}

}  // namespace
}  // namespace tombolo
