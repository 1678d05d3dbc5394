#include "cli/demo_catalogue.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

namespace tombolo::cli {

namespace {

constexpr const char* list_command = "apt-cache dumpavail 2>/dev/null";
constexpr const char* field_names[] = {"Package", "Version", "Section", "Priority", "Maintainer", "Installed-Size", "Homepage", "Description"};
constexpr size_t size_field = 5;

using Stanza = std::map<std::string, std::string, std::less<>>;

Row to_row(const Stanza& stanza) {
    Row row;
    for (size_t i = 0; i < std::size(field_names); ++i) {
        const auto found = stanza.find(field_names[i]);
        if (found == stanza.end()) {
            row.emplace_back();
        } else if (i == size_field) {
            row.emplace_back(int64_t{std::strtoll(found->second.c_str(), nullptr, 10)});
        } else {
            row.emplace_back(found->second);
        }
    }
    return row;
}

bool is_package(const Stanza& stanza) { return stanza.count("Package") != 0 && stanza.count("Version") != 0; }

// "Name: value" lines, one package per paragraph; lines that begin with a space go on with the field before.
class StanzaReader {
public:
    explicit StanzaReader(const std::function<void(const Row&)>& add) : add_(add) {}

    void line(std::string_view text) {
        if (text.empty()) return finish();
        const size_t colon = text.find(": ");
        if (text.front() == ' ' || colon == std::string_view::npos) return;
        stanza_[std::string(text.substr(0, colon))] = text.substr(colon + 2);
    }
    void finish() {
        if (is_package(stanza_)) {
            add_(to_row(stanza_));
            ++count_;
        }
        stanza_.clear();
    }
    size_t count() const { return count_; }

private:
    const std::function<void(const Row&)>& add_;
    Stanza stanza_;
    size_t count_ = 0;
};

}  // namespace

size_t read_package_catalogue(const std::function<void(const Row&)>& add) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(list_command, "r"), &pclose);
    if (pipe == nullptr) return 0;
    StanzaReader reader(add);
    char* buffer = nullptr;
    size_t capacity = 0;
    for (ssize_t size = getline(&buffer, &capacity, pipe.get()); size >= 0; size = getline(&buffer, &capacity, pipe.get())) {
        std::string_view text(buffer, static_cast<size_t>(size));
        if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
        reader.line(text);
    }
    std::free(buffer);  // NOLINT: getline's
    reader.finish();
    return reader.count();
}

size_t make_catalogue(size_t rows, const std::function<void(const Row&)>& add) {
    for (size_t i = 0; i < rows; ++i) {
        add({Value(fmt::format("package-{:05}", i)), Value(fmt::format("{}.{}-{}", i % 9, i % 31, i % 4 + 1)), Value(i % 3 == 0 ? "libs" : "utils"),
             Value("optional"), Value(fmt::format("Team {} <team-{}@example.org>", i % 200, i % 200)), Value(static_cast<int64_t>(i * 37 % 90000)),
             Value(fmt::format("https://example.org/{}", i)),
             Value(fmt::format("made-up package number {} of the demo, with a sentence for its description", i))});
    }
    return rows;
}

}  // namespace tombolo::cli
