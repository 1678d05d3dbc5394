// 100 changed rows fetched from a large space and from a small one: what it costs must follow the change, not the space.
#include "bench/processes.h"
#include "bench/scratch.h"
#include "bench/writer.h"

namespace {

using namespace tombolo;

constexpr size_t changed_rows = 100;
constexpr int times = 15;

// One space and a device that has all of it.
class Side {
public:
    Side(const bench::Scratch& scratch, std::string name, size_t rows) : scratch_(scratch), name_(std::move(name)) {
        bench::TaskMaker maker;
        std::vector<bench::Task> tasks;
        for (size_t i = 0; i < rows; ++i) {
            tasks.push_back(maker.make());
            if (i % (rows / changed_rows) == 0) ids_.push_back(tasks.back().id);
        }
        bench::LocalHub hub(space());
        bench::Writer(hub).insert(tasks);
        bench::LocalDevice(hub, device()).sync();
        bench::require_rows(device(), rows);
    }

    double catch_up() {
        change();
        const bench::HubProcess hub(space());
        redirect(hub.url());
        const double spent = bench::in_process([&] { return bench::sync_device(device(), hub.url()); });
        sqlite::Connection db = sqlite::Connection::open(device());
        if (db.query_integer("SELECT priority FROM tasks WHERE id = " + sqlite::quote_text(ids_.back())) != priority_)
            throw Error(ErrorCode::internal, "the device did not catch up");
        return spent;
    }

private:
    std::string space() const { return scratch_.file(name_ + "-space.db"); }
    std::string device() const { return scratch_.file(name_ + "-device.db"); }
    void change() {
        bench::LocalHub hub(space());
        bench::Writer(hub).set_priority(ids_, ++priority_);
    }
    // The hub listens on another port each time.
    void redirect(const std::string& url) const {
        sqlite::Connection db = sqlite::Connection::open(device());
        db.prepare("UPDATE tombolo_device SET hub = ?1").with(url).run();
    }

    const bench::Scratch& scratch_;
    std::string name_;
    std::vector<std::string> ids_;
    int64_t priority_ = 100;
};

}  // namespace

int main(int count, char** arguments) {
    const size_t rows = count > 1 ? std::stoul(arguments[1]) : 1'000'000;
    const bench::Scratch scratch;
    Side small(scratch, "small", 1000);
    Side large(scratch, "large", rows);
    bench::compare(
        "100 changed rows, space of " + std::to_string(rows) + " and of 1,000", 2, [&] { return small.catch_up(); }, [&] { return large.catch_up(); },
        times, {"small", "large"});
}
