// tombolo-sim: the product's own device and hub logic, with real SQLite, under one seed's faults and virtual time.
//
//   tombolo-sim --seed N [--verbose]            one run; prints what broke
//   tombolo-sim --seeds N [--first-seed K]      a campaign; exit 0 when clean
#include <sqlite3.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "sim/cluster.h"

namespace {

using tombolo::sim::Cluster;
using tombolo::sim::Summary;

struct Options {
    uint64_t first = 1;
    uint64_t count = 1;
    bool verbose = false;
    bool twice = false;  // run each seed twice and compare: proves that a seed says everything
};

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string flag = argv[i];
        const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
        if (flag == "--seed") {
            options.first = number();
            options.count = 1;
        } else if (flag == "--seeds") {
            options.count = number();
        } else if (flag == "--first-seed") {
            options.first = number();
        } else if (flag == "--verbose") {
            options.verbose = true;
        } else if (flag == "--twice") {
            options.twice = true;
        } else {
            return false;
        }
    }
    return options.count > 0;
}

bool run_seed(uint64_t seed, const Options& options, Summary& total) {
    try {
        const Summary summary = Cluster(seed, options.verbose).run();
        if (options.twice && Cluster(seed, false).run().trace != summary.trace) {
            std::cout << "seed " << seed << " FAILED determinism: two runs differ\n";
            return false;
        }
        total.events += summary.events;
        total.transactions += summary.transactions;
        total.rejected += summary.rejected;
        total.settled += summary.settled;
        total.merged += summary.merged;
        total.crashes += summary.crashes;
        total.messages += summary.messages;
        total.simulated += summary.simulated;
        return true;
    } catch (const std::exception& failure) {
        std::cout << "seed " << seed << " FAILED " << failure.what() << "\n  again: tombolo-sim --seed " << seed << " --verbose\n";
        return false;
    }
}

// One thread, and nobody asks how much memory SQLite has: locks and counters at each of its allocations are a tenth of the time.
void configure_sqlite() {
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

}  // namespace

int main(int argc, char** argv) {
    configure_sqlite();
    Options options;
    if (!parse(argc, argv, options)) {
        std::cerr << "usage: tombolo-sim [--seed N | --seeds N [--first-seed K]] [--twice] [--verbose]\n";
        return 2;
    }
    const auto start = std::chrono::steady_clock::now();
    Summary total;
    uint64_t failed = 0;
    for (uint64_t seed = options.first; seed < options.first + options.count; ++seed)
        failed += run_seed(seed, options, total) ? 0 : 1;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::cout << options.count << " seeds, " << failed << " failed; " << total.events << " events, " << total.transactions << " transactions ("
              << total.rejected << " rejected, " << total.settled << " of them settled, " << total.merged << " merged), " << total.crashes
              << " crashes, " << total.messages << " messages; " << static_cast<double>(total.simulated) / 1e6 << " s simulated in " << seconds
              << " s\n";
    return failed == 0 ? 0 : 1;
}
