// The texts that pushed edits were made of, and the changes with them in it.
//
// A base is the stored cell, where nobody else has written it since; or one of the texts used last; or its device sends it: then the
// transaction waits, and is decided when all that it lacks has come.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/change.h"
#include "model/text_cache.h"
#include "model/whole_change.h"
#include "store/store.h"

namespace tombolo::hub {

// What a device sent of the bases of one transaction; on disk like its parts.
class SentBases {
public:
    void add(store::Store& store, const TextDigest& digest, std::string text);
    std::optional<std::string> find(const TextDigest& digest);
    size_t bytes() const { return texts_ ? texts_->bytes() : 0; }

private:
    std::optional<store::Spool> texts_;
    std::unordered_map<TextDigest, size_t, IdHash> pieces_;
};

// Makes the texts of `changes` whole. At the first that cannot be, it goes on to the end for the others that it lacks, and the walk
// is over.
class WholeChanges final : public ChangeSource {
public:
    WholeChanges(ChangeSource& changes, store::Store& store, SentBases& sent, TextCache& recent)
        : changes_(changes), store_(store), sent_(sent), recent_(recent) {}

    void rewind() override {
        changes_.rewind();
        whole_bytes_ = 0;
    }
    const ChangeView* next() override;
    // Digests of the bases that nobody has, each once, at most limits::base_request_max. What came of the walk means nothing then.
    const std::vector<TextDigest>& lacking() const { return lacking_; }

private:
    std::optional<std::string> find(const ChangeView& change, const CellView& cell);
    bool find_bases(const ChangeView& change);
    void count(const CellView& cell);
    void collect_lacking();
    void keep_recent(const ChangeView& change, const ChangeView& whole);

    ChangeSource& changes_;
    store::Store& store_;
    SentBases& sent_;
    TextCache& recent_;
    WholeChange whole_;
    std::deque<std::string> bases_;  // of the change at hand, in the order of its cells
    size_t whole_bytes_ = 0;         // of all texts so far
    RowState row_;
    std::vector<TextDigest> lacking_;
};

}  // namespace tombolo::hub
