#include "hub/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "model/digest.h"
#include "model/record.h"
#include "tombolo/error.h"
#include "wire/rows.h"

namespace tombolo::hub {

namespace {

std::string key_of(const Table& table, const std::vector<ValueView>& values) {
    std::string key;
    for (const uint32_t column : table.key)
        put_value(key, values[column]);
    return key;
}

class DigestRows final : public store::RowVisitor {
public:
    explicit DigestRows(wire::TableDigest& digest) : digest_(digest) { digest_.sums.assign(digest_buckets, 0); }
    bool row(const Table& table, Seq, const std::vector<ValueView>& values, const RowMeta&) override {
        ++digest_.rows;
        digest_.sums[digest_bucket(key_of(table, values))] += digest(encode_record(values));
        return true;
    }
    bool gone(const Table&, std::string_view, const std::vector<ValueView>&, const RowMeta&) override { return true; }

private:
    wire::TableDigest& digest_;
};

class CollectRows final : public store::RowVisitor {
public:
    CollectRows(const std::vector<uint32_t>& buckets, std::vector<wire::VerifyAnswer>& answers) : buckets_(buckets), answers_(answers) {}
    bool row(const Table& table, Seq, const std::vector<ValueView>& values, const RowMeta& meta) override {
        if (!std::binary_search(buckets_.begin(), buckets_.end(), digest_bucket(key_of(table, values)))) return true;
        writer_.add_row(table, values, meta);
        if (writer_.size() >= limits::part_bytes_target) flush();
        return true;
    }
    bool gone(const Table&, std::string_view, const std::vector<ValueView>&, const RowMeta&) override { return true; }
    void flush() {
        wire::VerifyAnswer answer;
        answer.rows = writer_.take();
        answers_.push_back(std::move(answer));
    }

private:
    const std::vector<uint32_t>& buckets_;
    std::vector<wire::VerifyAnswer>& answers_;
    wire::RowWriter writer_;
};

void scan(store::Store& store, const Table& table, store::RowVisitor& visitor) {
    std::string position;
    while (!store.scan_rows(table, Seq{}, store.state().head, position, visitor)) {
    }
}

}  // namespace

std::vector<wire::VerifyAnswer> answer_verify(store::Store& store, const wire::VerifyRequest& request) {
    std::vector<wire::VerifyAnswer> answers;
    if (request.table.empty()) {
        wire::VerifyAnswer& answer = answers.emplace_back();
        for (const Table& table : store.schema().tables) {
            wire::TableDigest& digest = answer.digests.emplace_back();
            digest.table = table.name;
            DigestRows visitor(digest);
            scan(store, table, visitor);
        }
    } else {
        const Table* table = store.schema().find(request.table);
        if (table == nullptr) throw Error(ErrorCode::not_found, fmt::format("the space has no table {} to verify", request.table));
        std::vector<uint32_t> buckets = request.buckets;
        std::sort(buckets.begin(), buckets.end());
        CollectRows visitor(buckets, answers);
        scan(store, *table, visitor);
        visitor.flush();
    }
    for (wire::VerifyAnswer& answer : answers) {
        answer.nonce = request.nonce;
        answer.seq = store.state().head;
        answer.last = &answer == &answers.back();
    }
    return answers;
}

}  // namespace tombolo::hub
