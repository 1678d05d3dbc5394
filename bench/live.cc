// One edit on device A, visible on device B, both connected: 500 edits, one after the other. Each edit waits for a flush to disk on
// A (what is sent survives a loss of power), at the hub (before it answers) and on B; one flush is measured beside them.
#include <fcntl.h>
#include <time.h>

#include <atomic>

#include "bench/processes.h"
#include "bench/scratch.h"

namespace {

using namespace tombolo;

constexpr int edits = 500;
constexpr int warm_up = 20;
constexpr double target_p50 = 2;
constexpr double target_p99 = 10;

// Of the machine, the same in every process.
double now_ms() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

struct Seen {
    int64_t priority = -1;
    double at = 0;
};

// Device B: tells each new value as soon as a query of the application shows it.
void watch(const std::string& path, const std::string& url, const bench::Pipe& seen) {
    Database db = Database::open(path);
    Session session = db.connect({.hub = url, .token = {}, .ca_file = {}});
    session.sync_once(bench::patience);
    int64_t last = -1;
    session.on_status([&](const Status&) {
        const Rows rows = db.query("SELECT priority FROM tasks WHERE id = 'one'");
        const int64_t priority = rows.rows.at(0).at(0).as_integer();
        if (std::exchange(last, priority) != priority) seen.put(Seen{priority, now_ms()});
    });
    pause();
}

// Appends to a file as a write-ahead log grows, and flushes it.
class Disk {
public:
    explicit Disk(const std::string& path) : file_(open(path.c_str(), O_CREAT | O_RDWR, 0600)) {}
    ~Disk() { close(file_); }
    double flush() {
        const std::string page(8192, 'x');
        return bench::milliseconds([&] {
            if (write(file_, page.data(), page.size()) < 0 || fdatasync(file_) != 0) throw Error(ErrorCode::io, "cannot flush");
        });
    }

private:
    int file_;
};

struct Figures {
    std::vector<double> edit;
    std::vector<double> flush;
};

Figures edit(const std::string& path, const std::string& url, const bench::Pipe& seen, Disk& disk) {
    Database db = Database::open(path);
    Session session = db.connect({.hub = url, .token = {}, .ca_file = {}});
    session.sync_once(bench::patience);
    Figures figures;
    for (int i = 0; i < warm_up + edits; ++i) {
        const double begin = now_ms();
        db.exec("UPDATE tasks SET priority = ?1 WHERE id = 'one'", 1000 + i);
        Seen answer;
        while (answer.priority != 1000 + i)
            answer = seen.get<Seen>();
        if (i >= warm_up) figures.edit.push_back(answer.at - begin);
        figures.flush.push_back(disk.flush());
    }
    return figures;
}

void print(const char* what, double value, double target) {
    std::printf("%-50s %9.2f ms  target %.1f ms  %s\n", what, value, target, bench::met(value, target));
}

}  // namespace

int main() {
    const bench::Scratch scratch;
    const std::string a = scratch.file("a.db");
    const std::string b = scratch.file("b.db");
    const bench::HubProcess hub(scratch.file("space.db"));
    bench::in_process([&] {
        bench::sync_device(a, hub.url());
        Database db = Database::open(a);
        db.exec("INSERT INTO tasks VALUES ('one', 'the only one', 0, 0, '', 0)");
        return 0.0;
    });
    bench::in_process([&] { return bench::sync_device(a, hub.url()); });

    const bench::Pipe seen;
    const bench::Process watcher([&] { watch(b, hub.url(), seen); });
    Disk disk(scratch.file("flushed"));
    const Figures figures = edit(a, hub.url(), seen, disk);
    const double flush = bench::median(figures.flush);
    std::printf("%-50s %9.2f ms  p99 %.2f ms\n", "one flush to disk (8 KiB, fdatasync), p50", flush, bench::percentile(figures.flush, 0.99));
    print("edit on A visible on B beyond one flush, p50", bench::median(figures.edit) - flush, target_p50);
    print("edit on A visible on B beyond one flush, p99", bench::percentile(figures.edit, 0.99) - flush, target_p99);
    std::printf("%-50s %9.2f ms  p99 %.2f ms\n", "  in all, p50", bench::median(figures.edit), bench::percentile(figures.edit, 0.99));
}
