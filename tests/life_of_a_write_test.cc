// One UPDATE walked by hand from the device that made it to another one, and its confirmation back, on one thread, printing what it
// looks like at each station. Clock and chance stand still, so the text is always the same: it is the page
// docs/internals/life-of-a-write.md.
//
//   life_of_a_write_test PAGE              compares with the first fenced block of PAGE; exit 1 and both lines where they differ
//   life_of_a_write_test PAGE --update     writes the block
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "device/capture.h"
#include "device/log_record.h"
#include "device/replica.h"
#include "device/session.h"
#include "hub/hub.h"
#include "model/record.h"
#include "store/sqlite_store.h"
#include "wire/codec.h"
#include "wire/rows.h"

namespace tombolo {

namespace {

constexpr const char* schema_sql = "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER NOT NULL DEFAULT 0);";
constexpr int64_t midnight = 1767225600 * limits::second;  // 2026-01-01T00:00:00Z, when the walk begins

// --- a world that stands still ---

class Clock : public world::Clock {
public:
    Clock(const int64_t& time, int64_t wall_error) : time_(time), wall_error_(wall_error) {}
    WallTime wall() override { return time_ + wall_error_; }
    BootTime boot() override { return time_ - midnight; }
    BootId boot_id() override { return BootId{{0xB0}}; }

private:
    const int64_t& time_;  // everybody's true time
    int64_t wall_error_;
};

struct Random : world::Random {
    void fill(void* bytes, size_t size) override {
        for (size_t i = 0; i < size; ++i)
            static_cast<unsigned char*>(bytes)[i] = ++next;
    }
    unsigned char next = 0;
};

class ScratchFolder {
public:
    ScratchFolder() : path_((std::filesystem::temp_directory_path() / "tombolo-life-XXXXXX").string()) {
        if (mkdtemp(path_.data()) == nullptr) throw Error(ErrorCode::io, "could not make a scratch folder");
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

// --- text ---

std::string show(const ValueView& value) {
    switch (value.type()) {
        case ValueType::null: return "NULL";
        case ValueType::integer: return std::to_string(value.as_integer());
        case ValueType::real: return fmt::format("{}", value.as_real());
        case ValueType::text: return fmt::format("'{}'", value.bytes());
        case ValueType::blob: return fmt::format("x'{}'", to_hex(value.bytes()));
    }
    return {};
}

std::string show_record(std::string_view record) {
    std::vector<ValueView> values;
    if (!decode_record(record, values)) return "?";
    std::string out;
    for (const ValueView& value : values)
        out += (out.empty() ? "" : ", ") + show(value);
    return out;
}

// Time of day: everything here happens on the first second of 2026.
std::string show_time(HubTime time) { return fmt::format("00:00:{:09.6f}", static_cast<double>(time - midnight) / 1e6); }

std::string show_mark(const WriteMark& mark) {
    return fmt::format("(site {}, seq {}, other {}, stamp {})", mark.site.value, mark.seq.value, mark.other.value, show_time(mark.stamp));
}

std::string show_verdict(const Verdict& verdict) {
    return fmt::format("transaction {} {}, seq {}, stamp {}", verdict.number.value, to_string(verdict.kind), verdict.seq.value,
                       show_time(verdict.stamp));
}

class Page {
public:
    void station(std::string_view title) { text_ += fmt::format("{}{}. {}\n", text_.empty() ? "" : "\n", ++stations_, title); }
    void line(std::string_view name, std::string_view value) { text_ += fmt::format("   {:<11} {}\n", name, value); }
    void hex(std::string_view name, std::string_view bytes) {
        constexpr size_t bytes_per_line = 32;
        for (size_t at = 0; at < bytes.size(); at += bytes_per_line)
            line(at == 0 ? name : "", to_hex(bytes.substr(at, bytes_per_line)));
    }
    const std::string& text() const { return text_; }

private:
    std::string text_;
    int stations_ = 0;
};

// --- those who take part ---

class Device {
public:
    Device(const std::string& path, SiteId site, const int64_t& time, int64_t wall_error, Random& random) : clock_(time, wall_error) {
        world_.clock = &clock_;
        world_.random = &random;
        application = sqlite::Connection::open(path);
        application.execute("PRAGMA journal_mode = WAL");
        device::Replica::create(application);
        // Made by SQLite's own chance: put fixed ones in their place, before anybody has seen them.
        application.prepare("UPDATE tombolo_device SET site = ?1, capture_tag = 7").bind_blob(1, site.view()).run();
        device::register_capture(application.handle(), world_);
        replica = std::make_unique<device::Replica>(sqlite::Connection::open(path), world_);
        replica->set_hub("ws://hub.example", "main", std::nullopt);
        session = std::make_unique<device::Session>(*replica, clock_, device::Session::Options{});
    }

    std::string row() {
        sqlite::Statement find = application.prepare("SELECT id, title, done FROM tasks");
        if (!find.step()) return "none";
        return fmt::format("{}, {}, {}", show(find.value(0)), show(find.value(1)), show(find.value(2)));
    }
    int64_t count(const std::string& table) { return application.query_integer("SELECT count(*) FROM " + table); }
    std::string cursor() { return fmt::format("seq {}", replica->record().cursor.seq.value); }

    sqlite::Connection application;  // the application's own; the replica has another one
    std::unique_ptr<device::Replica> replica;
    std::unique_ptr<device::Session> session;
    hub::PeerId peer = 0;

private:
    Clock clock_;
    device::CaptureWorld world_;
};

struct FirstRow : store::RowVisitor {
    bool row(const Table& table, Seq, const std::vector<ValueView>& found, const RowMeta& found_meta) override {
        for (const ValueView& value : found)
            values += (values.empty() ? "" : ", ") + show(value);
        done = found_meta.cell(table.find_column("done").value());
        title = found_meta.cell(table.find_column("title").value());
        return false;
    }
    bool gone(const Table&, std::string_view, const std::vector<ValueView>&, const RowMeta&) override { return true; }
    std::string values;
    WriteMark title, done;
};

class Scene {
public:
    Scene()
        : hub_clock_(time, 0),
          hub({}, hub_clock_),
          phone(folder_.file("phone.db"), SiteId{{0xA1}}, time, -3600 * limits::second, random_),
          laptop(folder_.file("laptop.db"), SiteId{{0xB2}}, time, 0, random_) {
        auto store = store::open_sqlite_store(":memory:", random_);
        store->update_schema(schema_sql);
        hub.add_space("main", std::move(store));
        for (Device* device : {&phone, &laptop}) {
            device->peer = hub.open("main");
            device->session->opened();
        }
        settle();
    }

    // Everything is said and answered, until nobody has anything to say.
    void settle() {
        bool busy = true;
        while (busy) {
            busy = false;
            for (Device* device : {&phone, &laptop}) {
                for (const std::string& message : device->session->take_messages()) {
                    hub.receive(device->peer, message);
                    busy = true;
                }
            }
            if (hub.wants_commit()) hub.commit();
            for (const hub::Action& action : hub.take_actions()) {
                (action.peer == phone.peer ? phone : laptop).session->received(*action.message);
                busy = true;
            }
        }
    }

    FirstRow hub_row() {
        store::Store& store = hub.find_space("main")->store();
        FirstRow found;
        std::string position;
        store.scan_rows(store.schema().tables[0], Seq{0}, store.state().head, position, found);
        return found;
    }
    const Schema& schema() { return hub.find_space("main")->store().schema(); }

    int64_t time = midnight;

private:
    ScratchFolder folder_;
    Random random_;
    Clock hub_clock_;

public:
    hub::Hub hub;
    Device phone;
    Device laptop;
};

// --- messages ---

std::string show_meta(const RowMeta& meta) {
    return fmt::format("born of site {} at seq {}; touch {}", meta.birth.site.value, meta.birth.seq.value, show_mark(meta.touch));
}

void print_changes(Page& page, const Schema& schema, std::string_view rows) {
    wire::ChangeReader changes(schema, rows);
    while (const ChangeView* change = changes.next()) {
        page.line("change",
                  fmt::format("{} of {} {}", change->kind == ChangeKind::update ? "update" : "other", change->table->name, show_record(change->key)));
        for (const CellView& cell : change->cells)
            page.line("", fmt::format("{}: {} over base {}", change->table->columns[cell.column].name, show(cell.value), show(cell.base)));
    }
}

void print_rows(Page& page, const Schema& schema, std::string_view rows) {
    wire::RowReader reader(schema, rows);
    while (const wire::RowView* row = reader.next()) {
        std::string values;
        for (const ValueView& value : row->values)
            values += (values.empty() ? "" : ", ") + show(value);
        page.line("row", fmt::format("{} {}", row->table->name, values));
        page.line("its meta", show_meta(row->meta));
    }
}

void print_message(Page& page, const Schema& schema, std::string_view bytes) {
    const wire::Message message = wire::decode(bytes, limits::message_bytes_max);
    page.line("message", fmt::format("{}, {} bytes", wire::name(message), bytes.size()));
    page.hex("", bytes);
    if (const auto* push = std::get_if<wire::PushPart>(&message)) {
        print_changes(page, schema, push->rows);
    } else if (const auto* notice = std::get_if<wire::VerdictNotice>(&message)) {
        page.line("verdict", show_verdict(notice->verdict));
    } else if (const auto* part = std::get_if<wire::CheckpointPart>(&message)) {
        print_rows(page, schema, part->rows);
    } else if (const auto* end = std::get_if<wire::CheckpointEnd>(&message)) {
        page.line("takes", fmt::format("the device from seq {} to seq {}", end->from.value, end->to.seq.value));
        for (const Verdict& verdict : end->verdicts)
            page.line("verdict", show_verdict(verdict));
    } else if (const auto* applied = std::get_if<wire::Applied>(&message)) {
        page.line("cursor", fmt::format("seq {}", applied->cursor.seq.value));
    }
}

// --- the walk ---

void print_log_row(Page& page, Device& device) {
    sqlite::Statement log = device.application.prepare("SELECT position, body FROM tombolo_log");
    if (!log.step()) throw Error(ErrorCode::internal, "nothing was captured");
    page.line("position", fmt::format("{} << {} | {}", log.number(0) >> device::position_index_bits, device::position_index_bits,
                                      log.number(0) % (uint64_t{1} << device::position_index_bits)));
    page.hex("body", log.blob(1));
    Reader in(log.blob(1));
    device::LogContext context;
    device::LogOp op;
    if (!read_context(in, context) || !read_op(in, op)) throw Error(ErrorCode::internal, "the log row does not read");
    page.line("context", fmt::format("id {}, seen seq {}", to_hex(context.id.view()), context.seen.seq.value));
    page.line("", fmt::format("wall clock {} µs (an hour slow), boot clock {} µs", context.wall, context.boot));
    const auto column = op.rest.varint();
    const ValueView old_value = read_value(op.rest);
    const ValueView new_value = read_value(op.rest);
    page.line("operation", fmt::format("update of table {}, key {}: column {} was {}, became {}", op.table_id, show_record(op.key), column,
                                       show(old_value), show(new_value)));
}

void print_frozen(Page& page, Device& device) {
    const auto entry = device.replica->outbox().next_after({1});
    const TransactionHeader& header = entry.value().header;
    page.line("log", fmt::format("{} rows", device.count("tombolo_log")));
    page.line("outbox", fmt::format("transaction {}, seen seq {}, written at {} on the hub's clock", header.number.value, header.seen.seq.value,
                                    show_time(header.written_at)));
    page.hex("part", device.replica->outbox().part(header.number, 0).value());
}

void print_hub_row(Page& page, const FirstRow& row) {
    page.line("row", row.values);
    page.line("title", show_mark(row.title));
    page.line("done", show_mark(row.done));
}

std::string only(const std::vector<std::string>& messages) {
    if (messages.size() != 1) throw Error(ErrorCode::internal, fmt::format("{} messages where one was expected", messages.size()));
    return messages[0];
}

std::string walk() {
    Page page;
    Scene scene;
    Device& phone = scene.phone;
    Device& laptop = scene.laptop;
    phone.application.execute("INSERT INTO tasks(id, title) VALUES ('t1', 'water the plants')");
    phone.session->local_commit();
    scene.settle();

    page.station("Before: phone, laptop and hub hold the same row");
    page.line("phone", fmt::format("{}; cursor {}", phone.row(), phone.cursor()));
    page.line("laptop", fmt::format("{}; cursor {}", laptop.row(), laptop.cursor()));
    print_hub_row(page, scene.hub_row());

    scene.time += 250 * limits::millisecond;
    phone.application.execute("UPDATE tasks SET done = 1 WHERE id = 't1'");
    page.station("Capture: the UPDATE on the phone, and what its own transaction queued");
    page.line("phone", phone.row());
    print_log_row(page, phone);

    scene.time += 10 * limits::millisecond;
    phone.session->local_commit();
    page.station("Outbox: the session freezes the log");
    print_frozen(page, phone);

    const std::string push = only(phone.session->take_messages());
    page.station("Wire: what the phone sends");
    print_message(page, scene.schema(), push);

    scene.time += 30 * limits::millisecond;
    scene.hub.receive(phone.peer, push);
    page.station("Hub: the transaction waits for the next group commit");
    page.line("answers", fmt::format("{} so far", scene.hub.take_actions().size()));
    page.line("row", scene.hub_row().values);

    scene.time += 5 * limits::millisecond;
    scene.hub.commit();
    page.station("Merge and store: nobody else wrote the cell since seq 1, so it applies");
    print_hub_row(page, scene.hub_row());

    const std::vector<hub::Action> actions = scene.hub.take_actions();
    page.station("Verdict: what the hub tells the phone at once, and what the laptop is fed");
    for (const hub::Action& action : actions) {
        page.line("to", action.peer == phone.peer ? "phone" : "laptop");
        print_message(page, scene.schema(), *action.message);
    }

    scene.time += 30 * limits::millisecond;
    for (const hub::Action& action : actions)
        (action.peer == phone.peer ? phone : laptop).session->received(*action.message);
    page.station("Apply on the laptop: one SQLite transaction");
    page.line("laptop", fmt::format("{}; cursor {}", laptop.row(), laptop.cursor()));
    print_message(page, scene.schema(), only(laptop.session->take_messages()));

    page.station("Confirmation on the phone: no row came, its own stands; the outbox entry is gone");
    const device::SessionNews news = phone.session->take_news();
    page.line("phone", fmt::format("{}; cursor {}", phone.row(), phone.cursor()));
    page.line("noticed", show_verdict(news.noticed.back()));
    page.line("covered", show_verdict(news.covered.back()));
    page.line("outbox", fmt::format("{} entries, {} parts", phone.count("tombolo_outbox"), phone.count("tombolo_part")));
    print_message(page, scene.schema(), only(phone.session->take_messages()));
    return page.text();
}

// --- the page ---

constexpr std::string_view fence = "```text\n";

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(ErrorCode::not_found, "cannot read " + path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Where the block's text begins and ends in the page.
std::pair<size_t, size_t> find_block(const std::string& page) {
    const size_t begin = page.find(fence);
    const size_t end = begin == std::string::npos ? begin : page.find("```", begin + fence.size());
    if (end == std::string::npos) throw Error(ErrorCode::corrupt, "the page has no block that starts with ```text");
    return {begin + fence.size(), end};
}

int compare(const std::string& expected, const std::string& printed) {
    if (expected == printed) return 0;
    std::istringstream left(expected), right(printed);
    std::string page_line, walk_line;
    for (int number = 1;; ++number) {
        const bool more = static_cast<bool>(std::getline(left, page_line));
        const bool more_here = static_cast<bool>(std::getline(right, walk_line));
        if (more && more_here && page_line == walk_line) continue;
        std::cerr << "line " << number << " of the block differs\n  page: " << (more ? page_line : "(ended)")
                  << "\n  walk: " << (more_here ? walk_line : "(ended)") << "\nrun this program with --update once the walk is right\n";
        return 1;
    }
}

}  // namespace

}  // namespace tombolo

int main(int argc, char** argv) {
    try {
        if (argc < 2) throw tombolo::Error(tombolo::ErrorCode::usage, "usage: life_of_a_write_test PAGE [--update]");
        const std::string page = tombolo::read_file(argv[1]);
        const auto [begin, end] = tombolo::find_block(page);
        const std::string text = tombolo::walk();
        if (argc < 3) return tombolo::compare(page.substr(begin, end - begin), text);
        std::ofstream(argv[1], std::ios::binary) << page.substr(0, begin) << text << page.substr(end);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
