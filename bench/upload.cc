// A device that wrote 100,000 rows offline comes online: from connecting until the hub's durable answer is here.
#include "bench/processes.h"
#include "bench/scratch.h"

namespace {

using namespace tombolo;

double upload(const std::string& path, const std::string& url, const std::vector<bench::Task>& tasks) {
    bench::sync_device(path, url);  // gets the table
    Database db = Database::open(path);
    const Receipt receipt = db.write([&](Transaction& transaction) {
        for (const bench::Task& task : tasks) {
            transaction.exec("INSERT INTO tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6)", task.id, task.title, task.done, task.priority, task.note,
                             task.updated_at);
        }
    });
    Session session;
    return bench::milliseconds([&] {
        session = db.connect({.hub = url, .token = {}, .ca_file = {}});
        const auto decision = receipt.wait(bench::patience);
        if (!decision || decision->verdict != VerdictKind::accepted) throw Error(ErrorCode::internal, "the hub did not take the rows");
    });
}

}  // namespace

int main() {
    const bench::Scratch scratch;
    const std::vector<bench::Task> tasks = bench::make_tasks(100'000);
    bench::compare(
        "upload of 100,000 rows until the durable answer", 3, [&] { return bench::plain_insert(scratch, tasks); },
        [&] {
            scratch.remove("space.db");
            scratch.remove("device.db");
            const bench::HubProcess hub(scratch.file("space.db"));
            return bench::in_process([&] { return upload(scratch.file("device.db"), hub.url(), tasks); });
        });
}
