// What the text edits in the outbox were made of. Inside the caller's transaction, with the log frozen.
//
// A base is not kept while it can be made again. Until a checkpoint writes the row, the row tells: undo what the transactions did to it, the
// newest first, down to the one in question. After that: what the pending transaction before it left there. Where neither holds any more,
// the text is in tombolo_base: put there in the same transaction as the row in tombolo_under, and taken out with it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "device/table_rows.h"
#include "model/change.h"
#include "model/schema.h"
#include "model/text_cache.h"
#include "model/transaction.h"
#include "model/whole_change.h"
#include "sqlite/connection.h"

namespace tombolo::device {

class Outbox;

class TextBases {
public:
    TextBases(sqlite::Connection& db, const Schema& schema, Outbox& outbox);

    // The text that `cell`, an edit in `change` of transaction `number`, was made of. Error(corrupt) if the file was tampered with.
    std::string find(TransactionNumber number, const ChangeView& change, const CellView& cell);
    // The text with this digest, of which some queued edit was made. Error(protocol): there is none.
    std::string find(const TextDigest& base);
    // `change` with its texts whole; into `buffer`, where there is anything to do.
    const ChangeView& make_whole(TransactionNumber number, const ChangeView& change, WholeChange& buffer);

    enum class Stay : uint8_t {
        leaves,   // its edits need no base any more
        aside,    // they do, but nobody's base is to be made of them
        pending,  // they do, and the bases behind them may be made of them
    };
    // From now on the row does not tell: puts into tombolo_base what the edits of the row will need, and takes out what they will not.
    void keep(const Table& table, std::string_view key, const std::function<Stay(TransactionNumber)>& stay);
    void drop(const Table& table, std::string_view key);
    // After the outbox has changed.
    void forget_places() { known_.reset(); }

private:
    // Where a change stands in the outbox.
    struct Place {
        TransactionNumber number;
        uint32_t part = 0;
        uint32_t index = 0;
    };
    struct Known {
        TransactionNumber newest;
        std::unordered_map<std::string, std::vector<Place>> places;  // by row, in order of number
        std::unordered_map<TextDigest, Place, IdHash> edits;         // by base, the newest one of each
        TableRows rows;
    };
    struct Cell {
        const Table* table;
        std::string_view key;
        uint32_t column;
        uint64_t table_id;
    };

    Known& known();
    TransactionNumber newest_in_outbox();
    void read_places(Known& known, TransactionNumber number);
    const std::vector<Place>& places(uint64_t table_id, std::string_view key);
    // What a transaction did to the row; calls `visit(change)`.
    template <typename Visit>
    void visit(const Place& place, Visit visit);

    std::optional<std::string> stored(const Cell& cell, const TextDigest& base);
    std::optional<std::string> known_text(const Cell& cell, const TextDigest& base);
    std::optional<std::string> before_all_since(TransactionNumber number, const Cell& cell);
    std::optional<std::string> left_by_the_one_before(TransactionNumber number, const Cell& cell);

    sqlite::Connection& db_;
    const Schema& schema_;
    Outbox& outbox_;
    std::optional<Known> known_;
    TextCache recent_;
};

}  // namespace tombolo::device
