// Reads the captured operations of one transaction in the order in which they happened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "device/log_record.h"
#include "sqlite/connection.h"

namespace tombolo::device {

// Newest transaction in the log below `number` (0: none).
uint64_t newest_logged(sqlite::Connection& db, uint64_t below);

class LogReader {
public:
    LogReader(sqlite::Connection& db, uint64_t number);  // reads the context
    const LogContext& context() const { return context_; }
    void rewind();
    const LogOp* next();                     // nullptr at the end; valid until the next call
    uint64_t size() const { return size_; }  // operations
    bool only_inserts() const { return only_inserts_; }

private:
    void survey();
    void open(std::string_view body, uint64_t index);

    sqlite::Statement rows_;  // all of the transaction's rows, by position
    sqlite::Statement row_;   // one by position
    uint64_t number_;
    LogContext context_;
    LogOp op_;
    uint64_t size_ = 0;
    bool only_inserts_ = true;
    // Only where operations were moved: the order to read in.
    struct Place {
        uint64_t before = 0;
        bool moved = false;
        uint64_t index = 0;
    };
    std::vector<Place> order_;
    size_t next_place_ = 0;
};

}  // namespace tombolo::device
