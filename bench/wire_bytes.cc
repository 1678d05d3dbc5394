// Bytes that travel for 100,000 rows, each way, against zstd -3 of the same rows as CSV.
#include <zstd.h>

#include "bench/local_pair.h"
#include "bench/scratch.h"

int main() {
    using namespace tombolo;
    const bench::Scratch scratch;
    const std::vector<bench::Task> tasks = bench::make_tasks(100'000);
    const std::string csv = bench::to_csv(tasks);
    std::string packed(ZSTD_compressBound(csv.size()), '\0');
    const auto packed_kib = static_cast<double>(ZSTD_compress(packed.data(), packed.size(), csv.data(), csv.size(), 3)) / 1024;

    bench::LocalHub hub(":memory:");
    bench::LocalDevice writer(hub, scratch.file("a.db"));
    bench::LocalDevice reader(hub, scratch.file("b.db"));
    writer.sync();
    {
        sqlite::Connection application = writer.open_captured();
        bench::insert_tasks(application, tasks);
    }
    writer.bytes_up = 0;
    writer.sync();
    reader.sync();
    bench::report("bytes up for 100,000 rows, zstd -3 of their CSV", "KiB", packed_kib, static_cast<double>(writer.bytes_up) / 1024, 1.1);
    bench::report("bytes down for 100,000 rows, zstd -3 of their CSV", "KiB", packed_kib, static_cast<double>(reader.bytes_down) / 1024, 1.1);
}
