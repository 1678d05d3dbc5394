// Writes seeds for the fuzz targets: DIR/wire and DIR/rows.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "fuzz_schema.h"
#include "model/record.h"
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

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: fuzz_corpus DIR\n";
        return 2;
    }
    const std::filesystem::path folder(argv[1]);
    std::filesystem::create_directories(folder / "wire");
    std::filesystem::create_directories(folder / "rows");
    write_messages(folder / "wire", std::make_index_sequence<std::variant_size_v<wire::Message>>());
    write_full_messages(folder / "wire");
    write_rows(folder / "rows");
    return 0;
}
