// The rows of every benchmark: a to-do list as an application would keep it. Made from a seed, so that all programs mean the same.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "sqlite/connection.h"

namespace tombolo::bench {

inline constexpr const char* tasks_table_sql =
    "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, done INTEGER, priority INTEGER, note TEXT, updated_at INTEGER)";

struct Task {
    std::string id;  // a random UUID in text
    std::string title;
    int64_t done = 0;
    int64_t priority = 0;
    std::string note;
    int64_t updated_at = 0;  // milliseconds

    std::vector<Value> values() const { return {Value(id), Value(title), Value(done), Value(priority), Value(note), Value(updated_at)}; }
};

class TaskMaker {
public:
    explicit TaskMaker(uint64_t seed = 42) : engine_(seed) {}

    Task make() {
        Task task;
        task.id = uuid();
        task.title = words(2 + engine_() % 4);
        task.done = static_cast<int64_t>(engine_() % 2);
        task.priority = static_cast<int64_t>(engine_() % 5);
        task.note = words(engine_() % 12);
        updated_at_ += static_cast<int64_t>(engine_() % 60000);
        task.updated_at = updated_at_;
        return task;
    }

private:
    std::string uuid() {
        std::array<char, 37> text{};
        const uint64_t high = engine_();
        const uint64_t low = engine_();
        std::snprintf(text.data(), text.size(), "%08x-%04x-4%03x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                      static_cast<unsigned>(high >> 16) & 0xFFFF, static_cast<unsigned>(high) & 0xFFF,
                      static_cast<unsigned>(low >> 48 & 0x3FFF) | 0x8000, static_cast<unsigned long long>(low & 0xFFFFFFFFFFFF));
        return {text.data(), 36};
    }

    std::string words(uint64_t count) {
        static constexpr std::array<const char*, 48> vocabulary = {
            "call",   "the",     "bank",   "about",  "invoice", "send",  "report",  "to",     "team",     "before", "friday",  "buy",
            "paint",  "for",     "garden", "fence",  "book",    "train", "tickets", "and",    "hotel",    "write",  "letter",  "back",
            "review", "changes", "fix",    "broken", "window",  "in",    "kitchen", "ask",    "landlord", "when",   "heating", "meeting",
            "notes",  "sort",    "photos", "from",   "summer",  "clean", "bicycle", "repair", "lamp",     "visit",  "dentist", "again"};
        std::string text;
        for (uint64_t i = 0; i < count; ++i) {
            if (i > 0) text += ' ';
            text += vocabulary[engine_() % vocabulary.size()];
        }
        return text;
    }

    std::mt19937_64 engine_;
    int64_t updated_at_ = 1'700'000'000'000;
};

inline std::vector<Task> make_tasks(size_t count, uint64_t seed = 42) {
    TaskMaker maker(seed);
    std::vector<Task> tasks;
    tasks.reserve(count);
    for (size_t i = 0; i < count; ++i)
        tasks.push_back(maker.make());
    return tasks;
}

// One transaction, one prepared statement: the fastest way that SQLite offers.
inline void insert_tasks(sqlite::Connection& db, const std::vector<Task>& tasks) {
    sqlite::Statement insert = db.prepare("INSERT INTO tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    db.execute("BEGIN");
    for (const Task& task : tasks) {
        insert.bind_static(1, ValueView::text(task.id)).bind_static(2, ValueView::text(task.title)).bind(3, task.done).bind(4, task.priority);
        insert.bind_static(5, ValueView::text(task.note)).bind(6, task.updated_at);
        insert.run();
    }
    db.execute("COMMIT");
}

inline std::string to_csv(const std::vector<Task>& tasks) {
    std::string csv = "id,title,done,priority,note,updated_at\n";
    for (const Task& task : tasks) {
        csv += task.id + ',' + task.title + ',' + std::to_string(task.done) + ',' + std::to_string(task.priority) + ',' + task.note + ',' +
               std::to_string(task.updated_at) + '\n';
    }
    return csv;
}

}  // namespace tombolo::bench
