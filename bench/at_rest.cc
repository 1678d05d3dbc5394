// What a device file costs once everything is synced, in pages in use, against the same rows in plain SQLite.
#include "bench/local_pair.h"
#include "bench/scratch.h"

int main() {
    using namespace tombolo;
    const bench::Scratch scratch;
    const std::vector<bench::Task> tasks = bench::make_tasks(100'000);
    bench::plain_insert(scratch, tasks);
    sqlite::Connection plain = sqlite::Connection::open(scratch.file("plain.db"));
    const auto pages = static_cast<double>(bench::pages_in_use(plain));

    bench::LocalHub hub(":memory:");
    bench::LocalDevice writer(hub, scratch.file("a.db"));
    bench::LocalDevice reader(hub, scratch.file("b.db"));
    writer.sync();  // gets the table
    {
        sqlite::Connection application = writer.open_captured();
        bench::insert_tasks(application, tasks);
    }
    writer.sync();
    reader.sync();
    if (writer.replica().record().cursor != reader.replica().record().cursor) throw Error(ErrorCode::internal, "the devices are not in sync");
    bench::report("pages in use after upload of 100,000 rows", "pages", pages, static_cast<double>(bench::pages_in_use(writer.replica().db())), 1.02);
    bench::report("pages in use after download of 100,000 rows", "pages", pages, static_cast<double>(bench::pages_in_use(reader.replica().db())),
                  1.02);
}
