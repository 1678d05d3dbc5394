// A device that is new fetches 1,000,000 rows: hub process to device process over loopback, until everything is in its tables.
#include "bench/processes.h"
#include "bench/scratch.h"
#include "bench/writer.h"

int main(int count, char** arguments) {
    using namespace tombolo;
    const size_t rows = count > 1 ? std::stoul(arguments[1]) : 1'000'000;
    const bench::Scratch scratch;
    const std::vector<bench::Task> tasks = bench::make_tasks(rows);
    {
        bench::LocalHub hub(scratch.file("space.db"));
        bench::Writer(hub).insert(tasks);
    }
    const bench::HubProcess hub(scratch.file("space.db"));
    const auto sync = [&] {
        scratch.remove("device.db");
        const double spent = bench::in_process([&] { return bench::sync_device(scratch.file("device.db"), hub.url()); });
        bench::require_rows(scratch.file("device.db"), rows);
        return spent;
    };
    bench::compare(
        "first sync of " + std::to_string(rows) + " rows over loopback", 2, [&] { return bench::plain_insert(scratch, tasks); }, sync, 3);
}
