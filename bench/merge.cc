// What merging costs: one cell under each policy, a long text, and a hub that takes writes whose authors had not seen each other's.
#include "bench/local_pair.h"
#include "bench/scratch.h"
#include "bench/writer.h"
#include "merge/policies.h"
#include "merge/three_way.h"
#include "sqlite/expression.h"

namespace {

using namespace tombolo;

// --- one cell ---

struct Cell {
    const char* name;
    ColumnPolicy policy;
    Value base, mine, theirs;
};

// Both sides changed the value, and neither had seen the other.
std::vector<Cell> make_cells() {
    const std::string tags = R"(["bank","garden","invoice","kitchen","letter","train","window","write"])";
    const std::string object = R"({"colour":"red","size":{"height":10,"width":20},"note":"call the bank about the invoice","count":7})";
    const std::string note = "call the bank about the invoice, then write the letter back before the team meeting on friday";
    return {{"lww", ColumnPolicy::lww, 1, 2, 3},
            {"hub", ColumnPolicy::hub, 1, 2, 3},
            {"device", ColumnPolicy::device, 1, 2, 3},
            {"manual", ColumnPolicy::manual, 1, 2, 3},
            {"counter", ColumnPolicy::counter, 1, 2, 3},
            {"max", ColumnPolicy::max, 1, 2, 3},
            {"min", ColumnPolicy::min, 1, 2, 3},
            {"set of 8", ColumnPolicy::set, tags, R"(["fence",)" + tags.substr(1), R"(["bank"])"},
            {"json of 100 bytes", ColumnPolicy::json, object, R"({"colour":"blue","size":{"height":10,"width":20},"count":7})",
             R"({"colour":"red","size":{"height":11,"width":20},"note":"call the bank","count":8})"},
            {"text of 90 bytes", ColumnPolicy::text, note, "please " + note, note + " at noon"},
            {"sql", ColumnPolicy::sql, 1, 2, 3}};
}

void measure_cell(const Cell& cell) {
    Table table;
    table.name = "t";
    table.columns = {{"id", "TEXT"}, {"n", "INTEGER", ColumnPolicy::sql, "max(mine, theirs)"}};
    table.key = {0};
    sqlite::ScratchExpressions expressions;
    const std::vector<ValueView> mine = {ValueView::text("k"), cell.mine}, theirs = {ValueView::text("k"), cell.theirs};
    const std::function<std::optional<Value>()> expression = [&] { return expressions.evaluate({table, 1, cell.base, mine, theirs}); };
    const merge::Situation situation{
        .stored = cell.theirs, .base = cell.base, .arriving = cell.mine, .unseen = true, .later = true, .expression = &expression};
    constexpr double enough = 300;  // milliseconds
    size_t merges = 0;
    double spent = 0;
    for (size_t batch = 1000; spent < enough; merges += batch) {
        spent += bench::milliseconds([&] {
            for (size_t i = 0; i < batch; ++i)
                merge::decide(cell.policy, situation);
        });
    }
    std::printf("%-50s %12.0f merges/s\n", (std::string("one cell: ") + cell.name).c_str(), static_cast<double>(merges) / spent * 1000);
    std::fflush(stdout);
}

// --- a long text ---

// `edits` places, evenly spread from `first` on, get a word more.
std::string edit(const std::string& base, size_t edits, size_t first, const std::string& word) {
    std::string out;
    const size_t step = base.size() / edits;
    size_t from = 0;
    for (size_t i = 0; i < edits; ++i) {
        const size_t at = base.find(' ', i * step + first);
        if (at == std::string::npos) break;
        out += base.substr(from, at - from) + " " + word + std::to_string(i);
        from = at;
    }
    return out + base.substr(from);
}

void measure_text() {
    std::string base;
    for (bench::TaskMaker maker; base.size() < size_t{100} << 10;)
        base += maker.make().title + ", " + maker.make().note + ".\n";
    const std::string mine = edit(base, 1000, 10, "mine"), theirs = edit(base, 1000, 60, "theirs");
    std::vector<double> times;
    for (int i = 0; i < bench::rounds; ++i)
        times.push_back(bench::milliseconds([&] { merge::merge_texts(base, mine, theirs, true); }));
    std::printf("%-50s %12.1f ms\n", "a text of 100 KiB, 1,000 edits on each side", bench::median(times));
    std::fflush(stdout);
}

// --- a hub ---

// One site writes a cell of each row, then another does; measured is the second. `unseen`: it knew nothing of the first.
double take_writes(const bench::Scratch& scratch, const std::vector<bench::Task>& tasks, ColumnPolicy policy, bool unseen) {
    scratch.remove("space.db");
    bench::LocalHub hub(scratch.file("space.db"), policy);
    bench::Writer one(hub), other(hub);
    one.insert(tasks);
    const Cursor before{hub.store().state().epoch, hub.store().state().head};
    constexpr size_t rows_per_transaction = 1000;
    const auto write_all = [&](bench::Writer& writer, int64_t priority) {
        for (size_t i = 0; i < tasks.size(); i += rows_per_transaction) {
            std::vector<std::string> ids;
            for (size_t n = i; n < std::min(i + rows_per_transaction, tasks.size()); ++n)
                ids.push_back(tasks[n].id);
            writer.set_priority(ids, priority);
        }
    };
    write_all(one, 7);
    if (unseen) other.seen = before;
    return bench::milliseconds([&] { write_all(other, 8); });
}

}  // namespace

int main() {
    for (const Cell& cell : make_cells())
        measure_cell(cell);
    measure_text();
    const bench::Scratch scratch;
    const std::vector<bench::Task> tasks = bench::make_tasks(100'000);
    for (const auto& [name, policy] : {std::pair{"lww", ColumnPolicy::lww}, std::pair{"counter", ColumnPolicy::counter},
                                       std::pair{"max", ColumnPolicy::max}, std::pair{"manual", ColumnPolicy::manual}}) {
        bench::compare(
            std::string("hub: 100,000 concurrent cell writes, ") + name, 2, [&] { return take_writes(scratch, tasks, policy, false); },
            [&] { return take_writes(scratch, tasks, policy, true); }, 3, {"seen", "unseen"});
    }
}
