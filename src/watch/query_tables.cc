#include "watch/query_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <vector>

namespace tombolo::watch {

namespace {

// What the authorizer is told while a statement is compiled.
struct Heard {
    std::unordered_set<std::string> tables;
    std::unordered_set<std::string> unread;  // no column of them is: tables, or subqueries and CTEs by their name
    bool asks_states = false;                // tombolo_state()
};

int hear(void* told, int action, const char* first, const char* second, const char* schema, const char* /*inner*/) {
    auto* heard = static_cast<Heard*>(told);
    if (action == SQLITE_READ && first != nullptr) (schema != nullptr ? heard->tables : heard->unread).insert(first);
    if (action == SQLITE_FUNCTION && second != nullptr && sqlite3_stricmp(second, "tombolo_state") == 0) heard->asks_states = true;
    return SQLITE_OK;
}

class Hearing {
public:
    explicit Hearing(sqlite::Connection& db) : db_(db) { sqlite3_set_authorizer(db_.handle(), hear, &heard_); }
    ~Hearing() { sqlite3_set_authorizer(db_.handle(), nullptr, nullptr); }
    Hearing(const Hearing&) = delete;
    Hearing& operator=(const Hearing&) = delete;
    const Heard& heard() const { return heard_; }

private:
    sqlite::Connection& db_;
    Heard heard_;
};

struct Defined {
    std::string name;
    std::string sql;  // lower case
    bool is_virtual = false;
};

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::vector<Defined> read_definitions(sqlite::Connection& db) {
    std::vector<Defined> all;
    sqlite::Statement list = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view')");
    while (list.step()) {
        Defined one{std::string(list.text(0)), lower(list.text(1))};
        one.is_virtual = one.sql.rfind("create virtual table", 0) == 0;
        all.push_back(std::move(one));
    }
    return all;
}

bool is_internal(std::string_view name) { return name.rfind("sqlite_", 0) == 0; }
// Their rows come from their arguments.
bool is_pure(std::string_view name) { return name == "json_each" || name == "json_tree" || name == "generate_series"; }
// Kept by SQLite, and changed with the schema alone, which everybody looks at.
bool is_schema(std::string_view name) { return name == "sqlite_master" || name == "sqlite_schema"; }

bool has_word(std::string_view text, std::string_view word) {
    const auto is_part = [&](size_t at) { return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_'); };
    for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
        if ((at == 0 || !is_part(at - 1)) && !is_part(at + word.size())) return true;
    }
    return false;
}

class Resolver {
public:
    explicit Resolver(sqlite::Connection& db) : db_(db), defined_(read_definitions(db)) {}

    QueryTables resolve(const Heard& heard) {
        for (const std::string& name : heard.tables)
            add(name);
        for (const std::string& name : heard.unread) {
            if (is_defined(name) || is_module(name)) add(name);
        }
        if (heard.asks_states) add_own_tables();
        return std::move(result_);
    }

private:
    bool is_defined(const std::string& name) const {
        return std::any_of(defined_.begin(), defined_.end(), [&](const Defined& one) { return one.name == name; });
    }
    bool is_module(const std::string& name) {
        sqlite::Statement ask = db_.prepare("SELECT 1 FROM pragma_module_list WHERE name = ?1");
        return name.rfind("pragma_", 0) == 0 || is_internal(name) || ask.with(name).step();
    }

    void add(const std::string& name) {
        if (is_schema(name) || is_pure(name) || !result_.names.insert(name).second) return;
        const auto found = std::find_if(defined_.begin(), defined_.end(), [&](const Defined& one) { return one.name == name; });
        if (found == defined_.end() || is_internal(name)) {  // no hook tells of it
            result_.everything = true;
        } else if (found->is_virtual) {
            add_named_by(*found);
        }
    }

    // The names of its own tables begin with its own. Too many is no harm.
    void add_named_by(const Defined& of) {
        const std::string prefix = lower(of.name) + "_";
        for (const Defined& other : defined_) {
            const std::string name = lower(other.name);
            if (other.name == of.name || (name.rfind(prefix, 0) != 0 && !has_word(of.sql, name))) continue;
            if (other.sql.rfind("create view", 0) == 0 && result_.names.insert(other.name).second)
                add_named_by(other);
            else
                add(other.name);
        }
    }

    void add_own_tables() {
        for (const Defined& one : defined_) {
            if (one.name.rfind("tombolo_", 0) == 0) add(one.name);
        }
    }

    sqlite::Connection& db_;
    std::vector<Defined> defined_;
    QueryTables result_;
};

}  // namespace

PreparedQuery prepare_query(sqlite::Connection& db, std::string_view sql) {
    PreparedQuery query;
    Heard heard;
    {
        const Hearing hearing(db);
        query.statement = sqlite::Statement(db.handle(), sql);
        heard = hearing.heard();
    }
    if (!query.statement || query.statement.column_count() == 0 || sqlite3_stmt_readonly(query.statement.handle()) == 0) {
        throw Error(ErrorCode::usage, fmt::format("a live query is a statement that reads and has rows: \"{}\"", sql.substr(0, 200)),
                    "write with exec() or write()");
    }
    query.tables = Resolver(db).resolve(heard);
    return query;
}

}  // namespace tombolo::watch
