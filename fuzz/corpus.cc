// Writes seeds for the fuzz targets: DIR/wire, DIR/rows and DIR/edits.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "fuzz_schema.h"
#include "model/record.h"
#include "model/text_edit.h"
#include "wire/codec.h"
#include "wire/rows.h"

namespace {

using namespace tombolo;

void write(const std::filesystem::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

template <size_t... type>
void write_messages(const std::filesystem::path& folder, std::index_sequence<type...>) {
    (write(folder / std::to_string(type), wire::encode(std::variant_alternative_t<type, wire::Message>{})), ...);
}

void write_full_messages(const std::filesystem::path& folder) {
    wire::Hello hello;
    hello.resume = wire::Resume{{1}, {2}, "p"};
    write(folder / "resume", wire::encode(hello));
    wire::Welcome welcome;
    welcome.schema = fuzz::schema();
    write(folder / "schema", wire::encode(welcome));
    wire::PushPart part;
    part.first = true;
    part.header.depends = {{1}, {2}};
    part.rows = std::string(1000, 'r');
    write(folder / "compressed", wire::encode(part));
    wire::CheckpointEnd end;
    end.verdicts.resize(3);
    write(folder / "verdicts", wire::encode(end));
}

void write_rows(const std::filesystem::path& folder) {
    const Schema schema = fuzz::schema();
    const Table& tasks = schema.tables[0];
    const Row row{"a", "milk", 1};
    const std::vector<ValueView> values(row.begin(), row.end());
    const std::string key = encode_record(Row{"a"});

    wire::ChangeWriter changes;
    ChangeView insert{&tasks, ChangeKind::insert, true, key, {}};
    for (uint32_t i = 0; i < 3; ++i)
        insert.cells.push_back({i, values[i], values[i]});
    changes.add(insert);
    insert.over_own_delete = false;
    changes.add(insert);
    changes.add({&tasks, ChangeKind::update, false, key, {{2, values[2], {}}}});
    const std::string edit = encode_edit("milk", {{1, "il", "ead"}});
    changes.add({&tasks, ChangeKind::update, false, key, {{1, {}, {}, edit}, {2, values[2], {}}}});
    ChangeView erase = insert;
    erase.kind = ChangeKind::erase;
    changes.add(erase);
    write(folder / "changes", changes.take());

    wire::RowWriter rows;
    RowMeta meta;
    rows.add_row(tasks, values, meta);
    rows.add_row(tasks, values, meta);
    meta.cells.resize(3);
    rows.add_gone(tasks, key, wire::Gone::deleted, meta, &values);
    rows.add_gone(tasks, key, wire::Gone::left_channels, meta, nullptr);
    rows.add_row(schema.tables[1], values, RowMeta{});
    write(folder / "rows", rows.take());
}

void write_edits(const std::filesystem::path& folder) {
    for (const std::string base : {"milk", "a longer text with \u00e9\u20ac in it"}) {
        const std::string edit = encode_edit(base, {{0, base.substr(0, 1), "M"}, {2, "", "\u00e8"}});
        write(folder / std::to_string(base.size()), static_cast<char>(edit.size()) + edit + base);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: fuzz_corpus DIR\n";
        return 2;
    }
    const std::filesystem::path folder(argv[1]);
    std::filesystem::create_directories(folder / "wire");
    std::filesystem::create_directories(folder / "rows");
    std::filesystem::create_directories(folder / "edits");
    write_messages(folder / "wire", std::make_index_sequence<std::variant_size_v<wire::Message>>());
    write_full_messages(folder / "wire");
    write_rows(folder / "rows");
    write_edits(folder / "edits");
    return 0;
}
