// A hub in memory and devices that speak its protocol in bytes, for tests. The devices keep rows in a map; they do what a device
// must with checkpoints (spool, apply whole, own transactions first), and nothing clever.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "hub/hub.h"
#include "model/record.h"
#include "store/sqlite_store.h"
#include "wire/codec.h"
#include "wire/fragment.h"
#include "wire/rows.h"
#include "wire/version.h"

namespace tombolo::hub {

struct ManualClock : world::Clock {
    WallTime wall() override { return now; }
    BootTime boot() override { return now; }
    BootId boot_id() override { return BootId{{1}}; }
    int64_t now = 1000 * limits::second;
};

struct CountingRandom : world::Random {
    void fill(void* bytes, size_t size) override {
        for (size_t i = 0; i < size; ++i) {
            state = state * 1103515245 + 12345;
            static_cast<unsigned char*>(bytes)[i] = static_cast<unsigned char>(state >> 16);
        }
    }
    uint32_t state = 1;
};

inline constexpr const char* scene_schema = "CREATE TABLE t(id TEXT PRIMARY KEY, a, b, u TEXT UNIQUE, CHECK (a IS NOT 'forbidden'));";

using Image = std::map<std::string, std::vector<Value>>;  // by key record

class Scene;

// A change as a test writes it down: new values by column, with the values its author saw.
struct TestChange {
    ChangeKind kind = ChangeKind::insert;
    std::string key;
    std::vector<Value> base;    // update, erase
    std::vector<Value> values;  // insert, update
};

struct TestTransaction {
    TransactionHeader header;
    std::vector<TestChange> changes;
};

class TestDevice {
public:
    TestDevice(Scene& scene, uint8_t name) : scene_(scene) { site.bytes = {name}; }

    // --- conversation ---
    void connect(bool schema_only = false);
    void cut();
    bool connected() const { return peer != 0; }
    void hear(std::string_view message);
    void receive(const wire::Message& message);
    void send(const wire::Message& message);

    // --- writing; a transaction is made and, when connected, pushed ---
    TestTransaction& begin();
    void insert(std::string id, Value a, Value b = nullptr, Value u = nullptr);
    void update(std::string id, size_t column, Value value);
    void erase(std::string id);
    void push_last() { push(pending.back()); }
    void push(const TestTransaction& transaction, size_t changes_per_part = 1000000);
    void push_all();

    Image view() const;  // what an application would see
    const Verdict* verdict(uint64_t number) const;
    static std::string key(const std::string& id) { return encode_record(std::vector<Value>{id}); }

    SiteId site;
    PeerId peer = 0;
    Cursor cursor;
    uint64_t last_number = 0;
    TransactionId last_id;
    std::deque<TestTransaction> pending;
    Image rows;  // at the cursor
    std::vector<wire::CheckpointPart> spool;
    std::vector<Verdict> notices;
    std::vector<wire::BaseRequest> base_requests;
    std::vector<Verdict> covered;
    std::optional<wire::Welcome> welcome;
    std::optional<wire::Refuse> refuse;
    size_t rows_received = 0;
    size_t parts_received = 0;
    size_t fragments_received = 0;
    std::string arriving;  // fragments so far
    uint64_t pongs = 0;
    bool resuming = true;  // tells the hub about spooled parts

private:
    void apply(const wire::CheckpointEnd& end);
    static void apply_change(Image& image, const TestChange& change);

    Scene& scene_;
};

class Scene {
public:
    explicit Scene(HubOptions options = {}, const std::string& path = ":memory:") : hub(std::move(options), clock) {
        auto made = store::open_sqlite_store(path, random);
        made->update_schema(scene_schema);
        hub.add_space("main", std::move(made));
    }
    store::Store& store() { return hub.find_space("main")->store(); }
    const Table& table() { return store().schema().tables[0]; }
    TestDevice& device(uint8_t name) {
        auto& slot = devices[name];
        if (!slot) slot = std::make_unique<TestDevice>(*this, name);
        return *slot;
    }
    // Carries out what the hub wants done: messages reach their devices at once. Returns whether there were any.
    bool deliver() {
        const std::vector<Action> actions = hub.take_actions();
        for (const Action& action : actions) {
            for (auto& [name, device] : devices) {
                if (device->peer != action.peer) continue;
                if (action.message) {
                    device->hear(*action.message);
                } else {
                    device->peer = 0;
                }
            }
        }
        return !actions.empty();
    }
    void commit() {
        clock.now += limits::millisecond;
        hub.commit();
    }
    // Until nothing happens any more.
    void settle() {
        bool busy = true;
        while (busy) {
            busy = deliver();
            if (hub.wants_commit()) {
                commit();
                busy = true;
            }
            for (auto& [name, device] : devices) {
                if (device->connected()) hub.room(device->peer, 0);
            }
            busy = deliver() || busy;
        }
    }
    Image hub_rows();

    ManualClock clock;
    CountingRandom random;
    Hub hub;
    std::map<uint8_t, std::unique_ptr<TestDevice>> devices;
};

// --- TestDevice ---

inline void TestDevice::connect(bool schema_only) {
    welcome.reset();
    refuse.reset();
    peer = scene_.hub.open("");
    wire::Hello hello;
    hello.protocol = wire::protocol_version;
    hello.program = "test";
    hello.space = "main";
    hello.site = site;
    hello.last_number = {last_number};
    hello.last_id = last_id;
    hello.cursor = cursor;
    hello.schema_only = schema_only;
    if (resuming && !spool.empty()) hello.resume = wire::Resume{spool.back().complete, spool.back().target, spool.back().position};
    send(hello);
}

inline void TestDevice::cut() {
    scene_.hub.closed(peer);
    peer = 0;
}

inline void TestDevice::send(const wire::Message& message) {
    const std::string encoded = wire::encode(message);
    if (!wire::needs_fragments(encoded)) return scene_.hub.receive(peer, encoded);
    wire::Fragmenter fragments;
    for (fragments.add(encoded); !fragments.done();)
        scene_.hub.receive(peer, fragments.next());
}

inline void TestDevice::hear(std::string_view message) {
    const auto fragment = wire::read_fragment(message);
    if (!fragment) return receive(wire::decode(message, limits::message_bytes_max));
    ++fragments_received;
    arriving += fragment->bytes;
    if (fragment->last) receive(wire::decode(std::exchange(arriving, {}), limits::message_bytes_max));
}

inline void TestDevice::receive(const wire::Message& message) {
    if (const auto* hello = std::get_if<wire::Welcome>(&message)) {
        welcome = *hello;
        if (!hello->resumed) spool.clear();
    } else if (const auto* no = std::get_if<wire::Refuse>(&message)) {
        refuse = *no;
    } else if (const auto* notice = std::get_if<wire::VerdictNotice>(&message)) {
        notices.push_back(notice->verdict);
    } else if (const auto* part = std::get_if<wire::CheckpointPart>(&message)) {
        ++parts_received;
        spool.push_back(*part);
    } else if (const auto* end = std::get_if<wire::CheckpointEnd>(&message)) {
        apply(*end);
    } else if (const auto* request = std::get_if<wire::BaseRequest>(&message)) {
        base_requests.push_back(*request);
    } else if (const auto* pong = std::get_if<wire::Pong>(&message)) {
        pongs += pong->nonce;
    }
}

inline void TestDevice::apply(const wire::CheckpointEnd& end) {
    const bool rebuild = !spool.empty() && spool.front().rebuild;
    if (rebuild) rows.clear();
    ASSERT_EQ(end.from.value, rebuild ? 0 : cursor.seq.value);
    for (const Verdict& verdict : end.verdicts) {
        covered.push_back(verdict);
        for (auto it = pending.begin(); it != pending.end(); ++it) {
            if (it->header.number != verdict.number) continue;
            ASSERT_EQ(it->header.id, verdict.id);
            // Plainly accepted: what it wrote stands, and may come without its rows. Anything else: the rows it changed come.
            if (verdict.kind == VerdictKind::accepted && !rebuild) {
                for (const TestChange& change : it->changes)
                    apply_change(rows, change);
            }
            pending.erase(it);
            break;
        }
    }
    for (const wire::CheckpointPart& part : spool) {
        wire::RowReader reader(scene_.store().schema(), part.rows);
        while (const wire::RowView* row = reader.next()) {
            ++rows_received;
            if (row->gone) {
                rows.erase(std::string(row->key));
            } else {
                rows[std::string(row->key)] = std::vector<Value>(row->values.begin(), row->values.end());
            }
        }
    }
    spool.clear();
    cursor = end.to;
    if (connected()) send(wire::Applied{cursor});
}

inline void TestDevice::apply_change(Image& image, const TestChange& change) {
    if (change.kind == ChangeKind::erase) {
        image.erase(change.key);
    } else if (change.kind == ChangeKind::insert) {
        image[change.key] = change.values;
    } else if (const auto row = image.find(change.key); row != image.end()) {
        for (size_t i = 0; i < change.values.size(); ++i) {
            if (!(change.values[i] == change.base[i])) row->second[i] = change.values[i];
        }
    }
}

inline Image TestDevice::view() const {
    Image image = rows;
    for (const TestTransaction& transaction : pending) {
        for (const TestChange& change : transaction.changes)
            apply_change(image, change);
    }
    return image;
}

inline TestTransaction& TestDevice::begin() {
    TestTransaction transaction;
    transaction.header.number = {++last_number};
    last_id = scene_.random.id<TransactionId>();
    transaction.header.id = last_id;
    transaction.header.seen = cursor;
    transaction.header.written_at = scene_.clock.now;
    pending.push_back(transaction);
    return pending.back();
}

inline void TestDevice::insert(std::string id, Value a, Value b, Value u) {
    pending.back().changes.push_back({ChangeKind::insert, key(id), {}, {Value(id), std::move(a), std::move(b), std::move(u)}});
}
inline void TestDevice::update(std::string id, size_t column, Value value) {
    const std::vector<Value> base = view().at(key(id));
    std::vector<Value> values = base;
    values[column] = std::move(value);
    pending.back().changes.push_back({ChangeKind::update, key(id), base, values});
}
inline void TestDevice::erase(std::string id) { pending.back().changes.push_back({ChangeKind::erase, key(id), view().at(key(id)), {}}); }

inline void TestDevice::push(const TestTransaction& transaction, size_t changes_per_part) {
    wire::PushPart part;
    part.number = transaction.header.number;
    part.first = true;
    part.header = transaction.header;
    wire::ChangeWriter writer;
    for (size_t i = 0; i < transaction.changes.size(); ++i) {
        const TestChange& change = transaction.changes[i];
        ChangeView view;
        view.table = &scene_.table();
        view.kind = change.kind;
        view.key = change.key;
        for (uint32_t column = 0; column < 4; ++column) {
            const ValueView base = change.base.empty() ? ValueView{} : change.base[column].view();
            const ValueView value = change.values.empty() ? ValueView{} : change.values[column].view();
            if (change.kind != ChangeKind::update || !(base == value)) view.cells.push_back({column, base, value});
        }
        writer.add(view);
        if ((i + 1) % changes_per_part == 0 && i + 1 < transaction.changes.size()) {
            part.rows = writer.take();
            send(part);
            part.first = false;
        }
    }
    part.rows = writer.take();
    part.last = true;
    send(part);
}

inline void TestDevice::push_all() {
    for (const TestTransaction& transaction : pending) {
        if (transaction.header.number > welcome->last_number) push(transaction);
    }
}

inline const Verdict* TestDevice::verdict(uint64_t number) const {
    for (const Verdict& verdict : covered) {
        if (verdict.number.value == number) return &verdict;
    }
    return nullptr;
}

inline Image Scene::hub_rows() {
    struct Collector : store::RowVisitor {
        Image image;
        bool row(const Table& table, Seq, const std::vector<ValueView>& values, const RowMeta&) override {
            image[encode_record(std::vector<ValueView>{values[table.key[0]]})] = std::vector<Value>(values.begin(), values.end());
            return true;
        }
        bool gone(const Table&, std::string_view, const std::vector<ValueView>&, const RowMeta&) override { return true; }
    } collector;
    std::string position;
    store().scan_rows(table(), Seq{}, store().state().head, position, collector);
    return collector.image;
}

}  // namespace tombolo::hub
