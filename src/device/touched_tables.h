// The tables of main that rows were written to, synced or not, as the preupdate hook tells them.
#pragma once

#include <cstring>
#include <string>
#include <unordered_set>
#include <utility>

namespace tombolo::device {

class TouchedTables {
public:
    // Rows of one table come in runs.
    void note(const char* schema_name, const char* table_name) {
        if (table_name == last_pointer_ && last_ == table_name) return;
        if (std::strcmp(schema_name, "main") != 0) return;
        last_pointer_ = table_name;
        last_ = table_name;
        names_.insert(last_);
    }
    std::unordered_set<std::string> take() {
        last_pointer_ = nullptr;
        return std::exchange(names_, {});
    }

private:
    const char* last_pointer_ = nullptr;
    std::string last_;
    std::unordered_set<std::string> names_;
};

}  // namespace tombolo::device
