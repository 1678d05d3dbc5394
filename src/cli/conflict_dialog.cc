#include "cli/conflict_dialog.h"

#include <fmt/format.h>

#include <cstdio>
#include <istream>
#include <optional>
#include <string>

#include "cli/output.h"

namespace tombolo::cli {

namespace {

constexpr char quit = 'q';

class Dialog {
public:
    Dialog(Database& db, std::istream& answers, const ConflictViewOptions& options) : db_(db), answers_(answers), options_(options) {}

    void run() {
        const std::vector<Conflict> open = db_.conflicts();
        if (open.empty()) return print_line("there are no open conflicts");
        size_t settled = 0;
        bool goes_on = true;
        for (size_t i = 0; i < open.size() && goes_on; ++i) {
            fmt::print("{}({} of {}) {}", i == 0 ? "" : "\n", i + 1, open.size(), conflict_view(open[i], options_));
            goes_on = settle(open[i], settled);
        }
        const size_t left = db_.conflicts().size();
        print_line(fmt::format("\n{} decided, {} left{}", settled, left, settled > 0 ? "; decisions go out with the next sync" : ""));
    }

private:
    // False: the person has had enough.
    bool settle(const Conflict& conflict, size_t& settled) {
        while (true) {
            const char choice = ask(conflict);
            if (choice == quit) return false;
            if (choice == 's') return true;
            try {
                if (!decide(conflict, choice)) continue;
                ++settled;
                return true;
            } catch (const Error& error) {
                fmt::print("that did not work: {}{}{}\n", error.what(), error.advice().empty() ? "" : "; ", error.advice());
            }
        }
    }

    char ask(const Conflict& conflict) {
        const bool edits = conflict.column.has_value();
        while (true) {
            const auto line = read(fmt::format("\ntake [m]ine, [t]heirs, [b]ase, {}[s]kip, or [q]uit? ", edits ? "[e]dit, " : ""));
            if (!line) return quit;
            if (line->size() == 1 && std::string_view(edits ? "mtbesq" : "mtbsq").find(line->front()) != std::string_view::npos) return line->front();
            fmt::print("answer with one of these letters: {}\n", edits ? "m t b e s q" : "m t b s q");
        }
    }

    // False: nothing was decided after all.
    bool decide(const Conflict& conflict, char choice) {
        if (choice != 'e') {
            db_.resolve(conflict.id, choice == 'm' ? Take::mine : choice == 't' ? Take::theirs : Take::base);
            return true;
        }
        const auto value = read(fmt::format("new value for {} (an empty line leaves it undecided): ", printable(*conflict.column)));
        if (!value || value->empty()) return false;
        db_.resolve(conflict.id, NamedRow{{*conflict.column, Value(*value)}});
        return true;
    }

    std::optional<std::string> read(const std::string& prompt) {
        fmt::print("{}", prompt);
        std::fflush(stdout);
        std::string line;
        if (!std::getline(answers_, line)) return std::nullopt;
        return line;
    }

    Database& db_;
    std::istream& answers_;
    const ConflictViewOptions options_;
};

}  // namespace

void settle_one_by_one(Database& db, std::istream& answers, const ConflictViewOptions& options) { Dialog(db, answers, options).run(); }

}  // namespace tombolo::cli
