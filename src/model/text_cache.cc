#include "model/text_cache.h"

namespace tombolo {

void TextCache::put(const TextDigest& digest, std::string_view text) {
    if (text.size() > bytes_max_ || find(digest) != nullptr) return;
    texts_.emplace_front(digest, text);
    places_[digest] = texts_.begin();
    bytes_ += text.size();
    while (bytes_ > bytes_max_) {
        bytes_ -= texts_.back().second.size();
        places_.erase(texts_.back().first);
        texts_.pop_back();
    }
}

const std::string* TextCache::find(const TextDigest& digest) {
    const auto found = places_.find(digest);
    if (found == places_.end()) return nullptr;
    texts_.splice(texts_.begin(), texts_, found->second);
    return &found->second->second;
}

}  // namespace tombolo
