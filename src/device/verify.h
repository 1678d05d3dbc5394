// Verify: does this device hold the hub's rows? Compares digests as of one seq, and names the rows where they differ. Pending
// writes are no difference: what counts is the hub's row below them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "device/replica.h"
#include "wire/message.h"

namespace tombolo::device {

struct Difference {
    std::string table;
    std::vector<std::pair<std::string, Value>> key;                  // key columns by name
    std::optional<std::vector<std::pair<std::string, Value>>> here;  // absent: no such row
    std::optional<std::vector<std::pair<std::string, Value>>> hub;
};

struct VerifyResult {
    bool equal = false;
    Seq seq;
    uint64_t rows = 0;  // compared
    std::vector<Difference> differences;
};

// One verification: questions for the hub and the judgement of its answers. Starts over whenever the device has moved on since
// the hub looked. Lives as long as one connection.
class Verification {
public:
    explicit Verification(Replica& replica) : replica_(replica) {}

    wire::VerifyRequest begin();
    void answered(const wire::VerifyAnswer& answer);
    // After an answer, or when the cursor moved. Returns the next question, if one is due; result() once it is decided. Error(busy):
    // call it again.
    std::optional<wire::VerifyRequest> proceed(Seq cursor);
    const std::optional<VerifyResult>& result() const { return result_; }

private:
    struct Row {
        std::string record;  // values in the hub's column order
        std::vector<Value> values;
    };
    using RowsByKey = std::map<std::string, Row>;

    std::optional<wire::VerifyRequest> judge(Seq cursor);
    void compare_digests();
    void compare_rows();
    RowsByKey rows_here(const Table& table, const std::vector<uint32_t>& buckets);
    RowsByKey rows_at_hub() const;
    wire::VerifyRequest ask_for_rows();

    Replica& replica_;
    uint64_t nonce_ = 0;
    std::vector<wire::VerifyAnswer> answers_;                            // to the present question
    std::vector<std::pair<std::string, std::vector<uint32_t>>> to_ask_;  // tables and buckets that differ
    bool asking_rows_ = false;
    VerifyResult found_;
    std::optional<VerifyResult> result_;
};

}  // namespace tombolo::device
