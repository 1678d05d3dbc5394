// What a checkpoint of 100,000 rows costs a device that is empty: unpacking, spooling, applying.
#include "bench/local_pair.h"
#include "bench/scratch.h"
#include "bench/writer.h"

namespace {

using namespace tombolo;

// What a hub says to a new device: Welcome, parts, the end.
std::vector<std::string> record_conversation(const bench::Scratch& scratch, const std::vector<bench::Task>& tasks) {
    bench::LocalHub hub(":memory:");
    bench::Writer(hub).insert(tasks);
    bench::LocalDevice device(hub, scratch.file("recorder.db"));
    device.keep_messages = true;
    device.sync();
    return device.messages;
}

double apply(const bench::Scratch& scratch, const std::vector<std::string>& messages, size_t rows) {
    scratch.remove("device.db");
    bench::LocalHub hub(":memory:");  // never spoken to: clock and randomness
    bench::LocalDevice device(hub, scratch.file("device.db"));
    device::Session session(device.replica(), hub.clock(), {});
    session.opened();
    session.received(messages.front());
    const double spent = bench::milliseconds([&] {
        for (size_t i = 1; i < messages.size(); ++i)
            session.received(messages[i]);
    });
    if (device.replica().db().query_integer("SELECT count(*) FROM tasks") != static_cast<int64_t>(rows))
        throw Error(ErrorCode::internal, "rows are missing");
    return spent;
}

}  // namespace

int main() {
    const bench::Scratch scratch;
    const std::vector<bench::Task> tasks = bench::make_tasks(100'000);
    const std::vector<std::string> messages = record_conversation(scratch, tasks);
    bench::compare(
        "apply 100,000 remote rows to an empty device", 1.3, [&] { return bench::plain_insert(scratch, tasks); },
        [&] { return apply(scratch, messages, tasks.size()); });
}
