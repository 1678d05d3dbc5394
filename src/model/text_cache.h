// The texts used last, by digest, up to so many bytes. What an edit was made of is mostly what the edit before it made.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "model/text_edit.h"

namespace tombolo {

class TextCache {
public:
    explicit TextCache(size_t bytes_max) : bytes_max_(bytes_max) {}

    void put(const TextDigest& digest, std::string_view text);
    const std::string* find(const TextDigest& digest);  // nullptr: not there; valid until the next put
    size_t bytes() const { return bytes_; }

private:
    using Texts = std::list<std::pair<TextDigest, std::string>>;

    size_t bytes_max_;
    size_t bytes_ = 0;
    Texts texts_;  // the one used last in front
    std::unordered_map<TextDigest, Texts::iterator, IdHash> places_;
};

}  // namespace tombolo
