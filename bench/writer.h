// A site that says its changes to a hub without having a file: the quick way to a hub that holds many rows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "bench/local_pair.h"
#include "model/record.h"
#include "wire/codec.h"
#include "wire/rows.h"
#include "wire/version.h"

namespace tombolo::bench {

class Writer {
public:
    explicit Writer(LocalHub& hub) : hub_(hub), table_(hub.store().schema().tables.at(0)) {
        peer_ = hub_.hub().open("main");
        wire::Hello hello;
        hello.protocol = wire::protocol_version;
        hello.program = "bench";
        hello.space = "main";
        hello.site = hub_.random().id<SiteId>();
        hub_.hub().receive(peer_, wire::encode(hello));
        hub_.hub().take_actions();
    }
    ~Writer() { hub_.hub().closed(peer_); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Transactions of ten thousand rows each.
    void insert(const std::vector<Task>& tasks) {
        constexpr size_t rows_per_transaction = 10'000;
        wire::ChangeWriter changes;
        for (size_t i = 0; i < tasks.size(); ++i) {
            const std::vector<Value> values = tasks[i].values();
            ChangeView change = named(ChangeKind::insert, tasks[i].id);
            for (uint32_t column = 0; column < values.size(); ++column)
                change.cells.push_back({column, {}, values[column].view()});
            changes.add(change);
            if ((i + 1) % rows_per_transaction == 0 || i + 1 == tasks.size()) send(changes.take());
        }
    }

    void set_priority(const std::vector<std::string>& ids, int64_t priority) {
        wire::ChangeWriter changes;
        for (const std::string& id : ids) {
            ChangeView change = named(ChangeKind::update, id);
            change.cells.push_back({3, ValueView::integer(0), ValueView::integer(priority)});
            changes.add(change);
        }
        send(changes.take());
    }

    // What the author of the next transactions knew; absent: everything.
    std::optional<Cursor> seen;

private:
    ChangeView named(ChangeKind kind, const std::string& id) {
        ChangeView change;
        change.table = &table_;
        change.kind = kind;
        key_.clear();
        put_value(key_, ValueView::text(id));
        change.key = key_;
        return change;
    }

    void send(std::string rows) {
        wire::PushPart part;
        part.number = {++last_};
        part.first = part.last = true;
        part.header.number = part.number;
        part.header.id = hub_.random().id<TransactionId>();
        part.header.seen = seen.value_or(Cursor{hub_.store().state().epoch, hub_.store().state().head});
        part.header.written_at = hub_.clock().wall();
        part.rows = std::move(rows);
        hub_.hub().receive(peer_, wire::encode(part));
        hub_.hub().commit();
        hub_.hub().take_actions();
        if (hub_.store().newest_verdict({1}).value == 0 && hub_.store().state().head.value == 0)
            throw Error(ErrorCode::internal, "the hub took nothing");
    }

    LocalHub& hub_;
    const Table& table_;
    hub::PeerId peer_ = 0;
    uint64_t last_ = 0;
    std::string key_;
};

}  // namespace tombolo::bench
