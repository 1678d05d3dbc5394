// Reads the captured operations of one transaction in the order in which they happened.
#pragma once

#include <cstdint>

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
    bool open_chunk();

    sqlite::Statement chunks_;
    uint64_t number_;
    bool at_first_ = true;
    Reader chunk_;
    LogContext context_;
    LogOp op_;
    uint64_t size_ = 0;
    bool only_inserts_ = true;
};

}  // namespace tombolo::device
