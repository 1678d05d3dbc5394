#include "wire/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "model/text_edit.h"
#include "tombolo/error.h"
#include "wire/test_values.h"

namespace tombolo::wire {
namespace {

using testing::any_bool;
using testing::any_number;
using testing::any_schema;
using testing::any_time;
using testing::any_value;

// A change that owns its values.
struct OwnChange {
    const Table* table = nullptr;
    ChangeKind kind = ChangeKind::update;
    bool over_own_delete = false;
    std::vector<uint32_t> columns;
    Row bases, values;
    std::vector<std::string> edits;  // empty: none
    std::string key;

    ChangeView view() const {
        ChangeView change{table, kind, over_own_delete, key, {}};
        for (size_t i = 0; i < columns.size(); ++i)
            change.cells.push_back({columns[i], bases[i], values[i], edits[i]});
        return change;
    }
};

std::string key_of(const Table& table, const Row& row) {
    Row key;
    for (const uint32_t column : table.key)
        key.push_back(row[column]);
    return encode_record(key);
}

Row any_row(const Table& table) {
    Row row;
    for (size_t i = 0; i < table.columns.size(); ++i)
        row.push_back(any_value());
    return row;
}

const Table& any_table(const Schema& schema) { return schema.tables[*rc::gen::inRange<size_t>(0, schema.tables.size())]; }

OwnChange any_change(const Table& table) {
    OwnChange change{&table, static_cast<ChangeKind>(*rc::gen::inRange(1, 4)), false, {}, {}, {}, {}, {}};
    const Row base = any_row(table);
    const Row value = any_row(table);
    const bool insert = change.kind == ChangeKind::insert;
    const bool update = change.kind == ChangeKind::update;
    change.over_own_delete = insert && any_bool();
    change.key = key_of(table, insert ? value : base);
    for (uint32_t i = 0; i < table.columns.size(); ++i) {
        if (update && (table.is_key(i) || any_bool())) continue;
        change.columns.push_back(i);
        change.bases.push_back(insert && !change.over_own_delete ? Value() : base[i]);
        change.values.push_back(change.kind == ChangeKind::erase ? Value() : value[i]);
        change.edits.emplace_back();
        if (!update || any_number() % 4 != 0) continue;
        change.edits.back() = encode_edit("a text", {{2, "text", any_bool() ? "word" : ""}});
        change.bases.back() = change.values.back() = {};
    }
    return change;
}

bool same(const ChangeView& a, const ChangeView& b) {
    return a.table == b.table && a.kind == b.kind && a.over_own_delete == b.over_own_delete && a.key == b.key &&
           std::equal(a.cells.begin(), a.cells.end(), b.cells.begin(), b.cells.end(), [](const CellView& x, const CellView& y) {
               return x.column == y.column && x.base == y.base && x.value == y.value && x.edit == y.edit;
           });
}

RowMeta any_meta(const Table& table) {
    RowMeta meta;
    meta.birth = {{any_number()}, {any_number()}};
    meta.birth_stamp = any_time();
    meta.touch = {meta.birth.site, meta.birth.seq, {}, meta.birth_stamp};
    if (any_bool()) return meta;
    meta.touch = {{any_number()}, {any_number()}, {any_number()}, any_time()};
    meta.death = {{any_number()}, {any_number()}};
    if (any_bool()) return meta;
    for (size_t i = 0; i < table.columns.size(); ++i)
        meta.cells.push_back({{any_number()}, {any_number()}, {any_number()}, any_time()});
    return meta;
}

std::vector<ValueView> views(const Row& row) { return {row.begin(), row.end()}; }

// What a reader says to hostile bytes; anything but an Error leaves through the test.
template <typename AnyReader>
ErrorCode code_of(const Schema& schema, std::string_view rows) {
    try {
        AnyReader reader(schema, rows);
        while (reader.next() != nullptr) {
        }
        return ErrorCode::ok;
    } catch (const Error& error) {
        return error.code();
    }
}

bool is_refusal(ErrorCode code) { return code == ErrorCode::protocol || code == ErrorCode::schema; }

Schema schema_with_text() {
    Table table;
    table.name = "t";
    table.columns = {{"id", "TEXT", {}}, {"body", "TEXT", ColumnPolicy::text}};
    table.key = {0};
    return {{table}, {}};
}

std::string any_changes(const Schema& schema) {
    ChangeWriter writer;
    for (int i = *rc::gen::inRange(1, 6); i > 0; --i)
        writer.add(any_change(any_table(schema)).view());
    return writer.take();
}

std::string any_rows(const Schema& schema) {
    RowWriter writer;
    for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
        const Table& table = any_table(schema);
        const Row row = any_row(table);
        const auto image = views(row);
        if (any_bool()) {
            writer.add_row(table, image, any_meta(table));
        } else {
            writer.add_gone(table, key_of(table, row), Gone::deleted, any_meta(table), any_bool() ? &image : nullptr);
        }
    }
    return writer.take();
}

TEST(Changes, AnEditThatIsNoneIsRefused) {
    const Schema schema = schema_with_text();
    const auto rows_with = [&](const std::string& edit) {
        ChangeWriter writer;
        writer.add({&schema.tables[0], ChangeKind::update, false, encode_record(Row{"k"}), {{1, {}, {}, edit}}});
        return writer.take();
    };
    const std::string edit = encode_edit("a text", {{2, "text", "word"}});
    EXPECT_EQ(code_of<ChangeReader>(schema, rows_with(edit)), ErrorCode::ok);
    EXPECT_EQ(code_of<ChangeReader>(schema, rows_with(edit + "x")), ErrorCode::protocol);
    EXPECT_EQ(code_of<ChangeReader>(schema, rows_with(encode_edit("a", {{2, "text", "word"}}))), ErrorCode::protocol);
    std::string form = rows_with(edit);
    form[form.find(edit) - 2] = 2;
    EXPECT_EQ(code_of<ChangeReader>(schema, form), ErrorCode::protocol) << "neither whole nor an edit";
}

TEST(Changes, ComeBackAsTheyWere) {
    ASSERT_TRUE(rc::check([] {
        const Schema schema = any_schema();
        std::vector<OwnChange> changes;
        for (int i = *rc::gen::inRange(0, 12); i > 0; --i)
            changes.push_back(any_change(any_table(schema)));
        ChangeWriter writer;
        for (const OwnChange& change : changes)
            writer.add(change.view());
        RC_ASSERT(writer.empty() == changes.empty());
        const std::string rows = writer.take();
        RC_ASSERT(writer.empty());

        ChangeReader reader(schema, rows);
        for (const OwnChange& change : changes) {
            const ChangeView* read = reader.next();
            RC_ASSERT(read != nullptr);
            RC_ASSERT(same(*read, change.view()));
        }
        RC_ASSERT(reader.next() == nullptr);
        RC_ASSERT(reader.next() == nullptr);
    }));
}

TEST(Rows, ComeBackAsTheyWere) {
    struct Item {
        const Table* table = nullptr;
        bool gone = false;
        bool has_image = false;
        Gone reason = Gone::deleted;
        Row row;
        RowMeta meta;
    };
    ASSERT_TRUE(rc::check([] {
        const Schema schema = any_schema();
        std::vector<Item> items;
        for (int i = *rc::gen::inRange(0, 12); i > 0; --i) {
            const Table& table = any_table(schema);
            Item item{&table, any_bool(), any_bool(), any_bool() ? Gone::deleted : Gone::left_channels, any_row(table), any_meta(table)};
            // Rows of one commit have one meta: let it happen often.
            if (!items.empty() && items.back().table == &table && any_bool()) item.meta = items.back().meta;
            items.push_back(item);
        }
        RowWriter writer;
        for (const Item& item : items) {
            const auto values = views(item.row);
            if (item.gone) {
                writer.add_gone(*item.table, key_of(*item.table, item.row), item.reason, item.meta, item.has_image ? &values : nullptr);
            } else {
                writer.add_row(*item.table, values, item.meta);
            }
        }
        const std::string rows = writer.take();

        RowReader reader(schema, rows);
        for (const Item& item : items) {
            const RowView* read = reader.next();
            RC_ASSERT(read != nullptr);
            RC_ASSERT(read->table == item.table);
            RC_ASSERT(read->gone == item.gone);
            RC_ASSERT(read->key == key_of(*item.table, item.row));
            if (item.gone) RC_ASSERT(read->reason == item.reason);
            if (item.gone) RC_ASSERT(read->has_image == item.has_image);
            RC_ASSERT(read->meta.death == item.meta.death);
            if (item.gone && !item.has_image) continue;
            RC_ASSERT(read->values == views(item.row));
            RC_ASSERT(read->meta == item.meta);
        }
        RC_ASSERT(reader.next() == nullptr);
    }));
}

TEST(Rows, OneMetaForManyRowsIsSentOnce) {
    Schema schema{{{"t", {{"id", "INTEGER", {}}}, {0}, false, {}, {}}}, {}};
    RowMeta meta;
    meta.birth = {{1000}, {1000}};
    meta.birth_stamp = 1'700'000'000'000'000;
    meta.touch = {{1000}, {1000}, {}, meta.birth_stamp};
    RowWriter writer;
    for (int i = 0; i < 1000; ++i)
        writer.add_row(schema.tables[0], {ValueView::integer(i % 100)}, meta);
    EXPECT_LT(writer.take().size(), 3 * 1000U + 40);
}

TEST(Mapping, ColumnsInAnotherOrderAndCaseFindTheirPlace) {
    const Schema theirs{{{"Tasks", {{"Done", "", {}}, {"ID", "", {}}, {"title", "", {}}}, {1}, false, {}, {}}}, {}};
    const Schema ours{{{"tasks", {{"id", "", {}}, {"title", "", {}}, {"note", "", {}}, {"done", "", {}}}, {0}, false, {}, {}}}, {}};
    RowMeta meta;
    meta.cells = {{{1}, {10}, {}, 100}, {{2}, {20}, {}, 200}, {{3}, {30}, {}, 300}};
    RowWriter rows;
    rows.add_row(theirs.tables[0], {ValueView::integer(1), ValueView::text("a"), ValueView::text("milk")}, meta);
    const std::string bytes = rows.take();
    RowReader reader(ours, bytes);
    const RowView* row = reader.next();
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(row->table, &ours.tables[0]);
    EXPECT_EQ(row->key, encode_record(Row{"a"}));
    EXPECT_EQ(row->values, views({"a", "milk", nullptr, 1}));
    EXPECT_EQ(row->meta.cells, (std::vector<WriteMark>{meta.cells[1], meta.cells[2], WriteMark{}, meta.cells[0]}));

    ChangeWriter changes;
    changes.add({&theirs.tables[0], ChangeKind::update, false, encode_record(Row{"a"}), {{0, Value(0), Value(1)}, {2, Value("x"), Value("y")}}});
    changes.add({&theirs.tables[0], ChangeKind::insert, false, encode_record(Row{"b"}), {{0, {}, Value(1)}, {1, {}, Value("b")}, {2, {}, {}}}});
    const std::string sent = changes.take();
    ChangeReader change_reader(ours, sent);
    const ChangeView* update = change_reader.next();
    ASSERT_NE(update, nullptr);
    ASSERT_EQ(update->cells.size(), 2U);
    EXPECT_EQ(update->cells[0].column, 1U);
    EXPECT_EQ(update->cells[0].value, Value("y").view());
    EXPECT_EQ(update->cells[1].column, 3U);
    EXPECT_EQ(update->cells[1].base, Value(0).view());
    const ChangeView* insert = change_reader.next();
    ASSERT_NE(insert, nullptr);
    ASSERT_EQ(insert->cells.size(), 4U);
    EXPECT_EQ(insert->key, encode_record(Row{"b"}));
    EXPECT_EQ(insert->cells[0].value, Value("b").view());
    EXPECT_TRUE(insert->cells[2].value.is_null());
    EXPECT_EQ(insert->cells[3].value, Value(1).view());
}

TEST(Mapping, ACompositeKeyIsPutInKeyOrder) {
    const Schema schema{{{"t", {{"a", "", {}}, {"b", "", {}}, {"c", "", {}}}, {2, 0}, false, {}, {}}}, {}};
    RowWriter writer;
    writer.add_row(schema.tables[0], {ValueView::integer(1), ValueView::integer(2), ValueView::integer(3)}, {});
    const std::string bytes = writer.take();
    RowReader reader(schema, bytes);
    EXPECT_EQ(reader.next()->key, encode_record(Row{3, 1}));
}

TEST(Mapping, WhatTheSchemaDoesNotHaveIsNamed) {
    const Schema theirs{{{"notes", {{"id", "", {}}, {"extra", "", {}}}, {0}, false, {}, {}}}, {}};
    RowWriter writer;
    writer.add_row(theirs.tables[0], {ValueView::integer(1), ValueView::integer(2)}, {});
    const std::string bytes = writer.take();
    const auto complaint = [&bytes](const Schema& schema) {
        try {
            RowReader(schema, bytes).next();
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::schema);
            return std::string(error.what());
        }
        return std::string();
    };
    EXPECT_NE(complaint({}).find("notes"), std::string::npos);
    EXPECT_NE(complaint({{{"notes", {{"id", "", {}}}, {0}, false, {}, {}}}, {}}).find("notes.extra"), std::string::npos);
    const Table other_key{"notes", {{"id", "", {}}, {"extra", "", {}}, {"lang", "", {}}}, {0, 2}, false, {}, {}};
    EXPECT_NE(complaint({{other_key}, {}}).find("lang"), std::string::npos);
}

TEST(Malformed, RowsCutAnywhereAreRefused) {
    ASSERT_TRUE(rc::check([] {
        const Schema schema = any_schema();
        const std::string changes = any_changes(schema);
        for (size_t size = 1; size < changes.size(); ++size) {
            const ErrorCode code = code_of<ChangeReader>(schema, std::string_view(changes).substr(0, size));
            // A cut between two sections leaves something whole.
            RC_ASSERT(is_refusal(code) || changes[size - 1] == 0);
        }
        RC_ASSERT(is_refusal(code_of<ChangeReader>(schema, changes + '\0')));
    }));
}

TEST(Malformed, FlippedBitsDoNoHarm) {
    ASSERT_TRUE(rc::check([] {
        const Schema schema = any_schema();
        std::string changes = any_changes(schema);
        std::string rows = any_rows(schema);
        const auto flip = [](std::string& bytes) {
            const auto bit = *rc::gen::inRange<size_t>(0, bytes.size() * 8);
            bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        };
        flip(changes);
        flip(rows);
        const ErrorCode change_code = code_of<ChangeReader>(schema, changes);
        const ErrorCode row_code = code_of<RowReader>(schema, rows);
        RC_ASSERT(change_code == ErrorCode::ok || is_refusal(change_code));
        RC_ASSERT(row_code == ErrorCode::ok || is_refusal(row_code));
    }));
}

// A section of table t(a, b), key a, with the given items.
std::string section_with(std::string_view items) {
    std::string bytes;
    put_section(bytes, {"t", {{"a", "", {}}, {"b", "", {}}}, {0}, false, {}, {}});
    return bytes.append(items);
}

TEST(Malformed, EachRuleIsKept) {
    const Schema schema{{{"t", {{"a", "", {}}, {"b", "", {}}}, {0}, false, {}, {}}}, {}};
    const auto changes = [&schema](std::string_view items) { return code_of<ChangeReader>(schema, section_with(items)); };
    const auto rows = [&schema](std::string_view items) { return code_of<RowReader>(schema, section_with(items)); };
    using namespace std::string_view_literals;
    EXPECT_EQ(changes("\x02\x01\x11\x01\x01\x12\x13\x00"sv), ErrorCode::ok);                                // an update of b
    EXPECT_EQ(changes("\x02\x01\x11\x01\x00\x12\x13\x00"sv), ErrorCode::protocol);                          // … of the key
    EXPECT_EQ(changes("\x02\x01\x11\x02\x01\x12\x13\x01\x12\x13\x00"sv), ErrorCode::protocol);              // … of b twice
    EXPECT_EQ(changes("\x02\x01\x11\x01\x02\x12\x13\x00"sv), ErrorCode::protocol);                          // … of a third column
    EXPECT_EQ(changes("\x02\x02\x11\x11\x01\x01\x12\x13\x00"sv), ErrorCode::protocol);                      // a key of two values
    EXPECT_EQ(changes("\x02\x00\x01\x01\x12\x13\x00"sv), ErrorCode::protocol);                              // … of none
    EXPECT_EQ(changes("\x01\x11\x12\x00"sv), ErrorCode::ok);                                                // an insert
    EXPECT_EQ(changes("\x01\x05\x12\x00"sv), ErrorCode::protocol);                                          // an unknown value tag
    EXPECT_EQ(changes("\x00"sv), ErrorCode::protocol);                                                      // nothing in the section
    EXPECT_EQ(changes("\x05\x00\x00\x01\x01\x01\x11\x12\x00"sv), ErrorCode::protocol);                      // a row among changes
    EXPECT_EQ(rows("\x05\x00\x00\x01\x01\x02\x11\x12\x00"sv), ErrorCode::ok);                               // a row
    EXPECT_EQ(rows("\x05\x01\x11\x12\x00"sv), ErrorCode::protocol);                                         // the meta of a row that was not there
    EXPECT_EQ(rows("\x01\x11\x12\x00"sv), ErrorCode::protocol);                                             // a change among rows
    EXPECT_EQ(rows("\x06\x01\x01\x01\x01\x11\x00"sv), ErrorCode::ok);                                       // a deleted row
    EXPECT_EQ(rows("\x06\x03\x01\x01\x01\x11\x00"sv), ErrorCode::protocol);                                 // gone for no known reason
    EXPECT_EQ(code_of<RowReader>(schema, "\x01t\x03\x01\x61\x01\x62\x01\x61\x05"sv), ErrorCode::protocol);  // a column named twice
    EXPECT_EQ(code_of<RowReader>(schema, "\x01t\xff\xff\x03"sv), ErrorCode::protocol);                      // more columns than bytes
}

}  // namespace
}  // namespace tombolo::wire
