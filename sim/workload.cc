#include "sim/workload.h"

namespace tombolo::sim {

// A statement that a constraint refuses is part of life: the transaction goes on without it.
void Workload::attempt(sqlite::Connection& db, std::string_view sql, const std::vector<Value>& values) {
    sqlite::Statement& statement = db.cached(sql);
    const sqlite::ResetGuard guard(statement);
    for (size_t i = 0; i < values.size(); ++i)
        statement.bind(static_cast<int>(i) + 1, values[i]);
    std::string outcome;
    try {
        statement.run();
        if (say_) outcome = std::to_string(db.changes()) + " rows";
    } catch (const Error& error) {
        if (error.code() != ErrorCode::constraint) throw;
        outcome = "refused";
    }
    if (!say_) return;
    for (size_t i = 0; i < values.size(); ++i)
        statement.bind(static_cast<int>(i) + 1, values[i]);
    char* text = sqlite3_expanded_sql(statement.handle());
    say_("    " + std::string(text).substr(0, 160) + "   -- " + outcome);
    sqlite3_free(text);
}

// Runs `body` as one transaction and records it. If the disk dies in it, whether it was committed is known only after the restart.
template <typename Body>
void Workload::commit(DeviceNode& device, const Body& body) {
    sqlite::Connection& db = device.application();
    const TransactionNumber before = device.replica().outbox().last().first;
    Unknown& attempt_record = unknown_[device.index()];
    attempt_record = {};
    attempt_record.written.device = device.index();
    attempt_record.written.number = before.next();
    attempt_record.private_rows = history_.private_rows[device.index()];
    try {
        db.execute("BEGIN IMMEDIATE");
        if (say_) say_("device " + std::to_string(device.index()) + " begins " + std::to_string(attempt_record.written.number.value));
        body(db, attempt_record);
        const bool undo = random_.chance(60);
        db.execute(undo ? "ROLLBACK" : "COMMIT");
        if (say_ && undo) say_("    ROLLBACK");
    } catch (const Error&) {
        if (device.disk().dead()) throw;
        if (db.in_transaction()) db.execute("ROLLBACK");
        unknown_.erase(device.index());
        return;
    }
    settle_unknown(device);
    if (!device.disk().dead()) device.event([](device::Driver& driver) { driver.local_commit(); });
}

void Workload::settle_unknown(DeviceNode& device) {
    const auto found = unknown_.find(device.index());
    if (found == unknown_.end()) return;
    const auto [number, id] = device.replica().outbox().last();
    if (number == found->second.written.number) {
        found->second.written.id = id;
        history_.committed(found->second.written);
        history_.private_rows[device.index()] = found->second.private_rows;
    }
    unknown_.erase(found);
}

bool Workload::settle_rejection(DeviceNode& device) {
    const std::vector<device::Entry> rejected = device.replica().outbox().list(device::EntryState::rejected);
    if (rejected.empty()) return false;
    const TransactionNumber number = rejected[random_.below(rejected.size())].header.number;
    const uint64_t kind = random_.below(10);
    const bool with_dependants = random_.chance(500);
    Unknown& attempt_record = unknown_[device.index()];
    attempt_record = {};
    attempt_record.private_rows = history_.private_rows[device.index()];
    if (const Written* old = history_.find(device.index(), number)) attempt_record.written.deltas = old->deltas;
    attempt_record.written.device = device.index();
    attempt_record.written.number = device.replica().outbox().last().first.next();
    const std::string who = "device " + std::to_string(device.index()) + ": ";
    try {
        const std::unique_ptr<device::Replica> elsewhere = device.open_elsewhere();
        if (kind < 3) {
            for (const TransactionNumber ended : elsewhere->discard(number, with_dependants)) {
                if (say_) say_(who + "discards " + std::to_string(ended.value));
            }
        } else {
            const TransactionNumber now = elsewhere->retry(number, kind < 5 ? any_correction(*elsewhere, number) : std::vector<Correction>());
            if (say_) say_(who + "retries " + std::to_string(number.value) + " as " + std::to_string(now.value));
        }
    } catch (const Error& error) {
        if (device.disk().dead()) throw;
        unknown_.erase(device.index());
        if (error.code() != ErrorCode::usage && error.code() != ErrorCode::constraint) throw;
        if (say_) say_(who + error.what());
        return false;
    }
    settle_unknown(device);
    if (!device.disk().dead()) device.event([](device::Driver& driver) { driver.local_commit(); });
    return true;
}

// For the first change of a table that has a column nothing hangs on.
std::vector<Correction> Workload::any_correction(device::Replica& replica, TransactionNumber number) {
    const auto changes = replica.outbox().changes(number);
    for (size_t position = 1; const ChangeView* change = changes->next(); ++position) {
        if (change->kind == ChangeKind::erase) continue;
        for (const char* column : {"address", "title", "name"}) {
            if (!change->table->find_column(column)) continue;
            return {{std::to_string(position) + "." + column, "corrected" + std::to_string(++counter_)}};
        }
    }
    return {};
}

void Workload::first_rows(DeviceNode& device) {
    commit(device, [](sqlite::Connection& db, Unknown&) {
        db.execute("INSERT INTO account(id) VALUES ('a0'), ('a1'); INSERT INTO pair(id, token) VALUES ('x', 'start'), ('y', 'start')");
    });
}

void Workload::transaction(DeviceNode& device) {
    const uint64_t kind = random_.below(10);
    if (kind == 0) {
        commit(device, [&](sqlite::Connection& db, Unknown&) { pair(db); });
    } else if (kind <= 2) {
        commit(device, [&](sqlite::Connection& db, Unknown& record) { account(db, record.written); });
    } else if (kind <= 4) {
        private_item(device);
    } else {
        commit(device, [&](sqlite::Connection& db, Unknown& record) {
            for (uint64_t n = 1 + random_.below(4); n > 0; --n)
                statement(db, record.written);
        });
    }
}

void Workload::statement(sqlite::Connection& db, Written&) {
    const bool nested = random_.chance(150);
    if (nested) db.execute("SAVEPOINT inner_step");
    switch (random_.below(8)) {
        case 0:
        case 1:
        case 2: shared_item(db); break;
        case 3:
        case 4: document(db); break;
        case 5: email(db); break;
        default: family(db); break;
    }
    if (nested) db.execute(random_.chance(500) ? "ROLLBACK TO inner_step; RELEASE inner_step" : "RELEASE inner_step");
}

Value Workload::any_value() {
    switch (random_.below(7)) {
        case 0: return {};
        case 1: return static_cast<int64_t>(random_.number());
        case 2: return static_cast<int64_t>(random_.below(5));
        case 3: return static_cast<double>(random_.between(-1000, 1000)) / 7;
        case 4: return std::string("text \0 with NUL", 15);
        case 5: return Value::blob(std::string(random_.below(random_.chance(20) ? 20000 : 40), 'b'));
        default: return "v" + std::to_string(++counter_);
    }
}

void Workload::shared_item(sqlite::Connection& db) {
    const std::string id = pick("item", 8);
    switch (random_.below(6)) {
        case 0:
            attempt(db, "INSERT INTO item(id, title, body, n) VALUES (?1, ?2, ?3, ?4)",
                    {id, "t" + std::to_string(++counter_), any_value(), static_cast<int64_t>(random_.below(9))});
            break;
        case 1: attempt(db, "INSERT OR REPLACE INTO item(id, title) VALUES (?1, ?2)", {id, "r" + std::to_string(++counter_)}); break;
        case 2: attempt(db, "DELETE FROM item WHERE id = ?1", {id}); break;
        case 3: attempt(db, "UPDATE item SET title = ?2, n = n + 1 WHERE id = ?1", {id, "u" + std::to_string(++counter_)}); break;
        case 4: attempt(db, "UPDATE item SET body = ?2 WHERE id = ?1", {id, any_value()}); break;
        default: attempt(db, "UPDATE OR IGNORE item SET id = ?2 WHERE id = ?1", {id, pick("item", 8)}); break;
    }
}

// Sets, JSON objects and texts, edited a little each; now and then something that is none.
void Workload::document(sqlite::Connection& db) {
    const std::string id = pick("item", 8);
    const auto number = static_cast<int64_t>(random_.below(9));
    switch (random_.below(10)) {
        case 0:
        case 1: attempt(db, "UPDATE item SET tags = json_insert(coalesce(tags, '[]'), '$[#]', ?2) WHERE id = ?1", {id, pick("tag", 9)}); break;
        case 2: attempt(db, "UPDATE item SET tags = json_remove(tags, '$[0]') WHERE id = ?1 AND tags IS NOT NULL", {id}); break;
        case 3:
        case 4:
            attempt(db, "UPDATE item SET details = json_set(coalesce(details, '{}'), '$.' || ?2, ?3) WHERE id = ?1", {id, pick("key", 5), number});
            break;
        case 5:
            attempt(db, "UPDATE item SET details = json_remove(details, '$.' || ?2) WHERE id = ?1 AND details IS NOT NULL", {id, pick("key", 5)});
            break;
        case 6:
        case 7:
            attempt(db, "UPDATE item SET notes = coalesce(substr(notes, 1, ?2), '') || ?3 || coalesce(substr(notes, ?2 + 1), '') WHERE id = ?1",
                    {id, 5 * number, " word" + std::to_string(++counter_)});
            break;
        case 8: attempt(db, "UPDATE item SET notes = substr(notes, 1, ?2) || substr(notes, ?2 + 7) WHERE id = ?1", {id, 3 * number}); break;
        default:
            if (random_.chance(100)) attempt(db, "UPDATE OR IGNORE item SET tags = ?2, notes = ?2 WHERE id = ?1", {id, any_value()});
            break;
    }
}

void Workload::account(sqlite::Connection& db, Written& written) {
    const std::string id = pick("a", 2);
    const int64_t delta = random_.between(-20, 20);
    attempt(db, "UPDATE account SET total = total + ?2 WHERE id = ?1", {id, delta});
    if (db.changes() == 1 && delta != 0) written.deltas[id] += delta;
    if (random_.chance(300)) attempt(db, "UPDATE account SET label = ?2 WHERE id = ?1", {id, any_value()});
}

void Workload::email(sqlite::Connection& db) {
    const std::string id = pick("mail", 5);
    const std::string address = pick("address", 4);
    switch (random_.below(4)) {
        case 0: attempt(db, "INSERT INTO email(id, address) VALUES (?1, ?2)", {id, address}); break;
        case 1: attempt(db, "UPDATE email SET address = ?2 WHERE id = ?1", {id, address}); break;
        case 2: attempt(db, "UPDATE OR REPLACE email SET address = ?2 WHERE id = ?1", {id, address}); break;
        default: attempt(db, "DELETE FROM email WHERE id = ?1", {id}); break;
    }
}

void Workload::family(sqlite::Connection& db) {
    const std::string parent = pick("p", 3);
    const std::string child = pick("c", 6);
    switch (random_.below(5)) {
        case 0: attempt(db, "INSERT OR IGNORE INTO parent(id, name) VALUES (?1, ?2)", {parent, "n" + std::to_string(++counter_)}); break;
        case 1: attempt(db, "INSERT INTO child(id, parent, name) VALUES (?1, ?2, 'kid')", {child, parent}); break;
        case 2: attempt(db, "DELETE FROM parent WHERE id = ?1", {parent}); break;
        case 3: attempt(db, "UPDATE child SET parent = ?2 WHERE id = ?1", {child, parent}); break;
        default: attempt(db, "UPDATE child SET name = ?2 WHERE id = ?1", {child, "k" + std::to_string(++counter_)}); break;
    }
}

void Workload::pair(sqlite::Connection& db) {
    const std::string token = "token" + std::to_string(++counter_);
    attempt(db, "UPDATE pair SET token = ?1 WHERE id = 'x'", {token});
    attempt(db, "UPDATE pair SET token = ?1 WHERE id = 'y'", {token});
}

void Workload::private_item(DeviceNode& device) {
    const std::string id = "private" + std::to_string(device.index()) + pick(":", 4);
    const std::string title = "mine" + std::to_string(++counter_);
    const bool erase = random_.chance(200);
    commit(device, [&](sqlite::Connection& db, Unknown& record) {
        if (erase) {
            attempt(db, "DELETE FROM item WHERE id = ?1", {id});
            record.private_rows.erase(id);
        } else {
            attempt(db, "INSERT INTO item(id, title) VALUES (?1, ?2) ON CONFLICT(id) DO UPDATE SET title = excluded.title", {id, title});
            record.private_rows[id] = title;
        }
    });
}

}  // namespace tombolo::sim
