// The edit of a text: what became of some stretches of it. Outbox and wire carry it in place of the text before and after.
//
//   edit := base(16 bytes) size(varint) run*        digest and size of the text it was made of
//   run  := kept(varint) removed(bytes) added(bytes)
//
// `kept` bytes stay, then `removed` became `added`; what is behind the last run stays. Removed bytes travel too: so an edit can be undone,
// and a device finds the base of a pending one in the row itself. Runs begin and end between code points.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace tombolo {

using TextDigest = Id<struct TextDigestTag>;

// Names a text by its content: 128 bits, so that two texts do not meet by chance. It finds accidents, not forgeries. Sent and persisted:
// never change it.
TextDigest digest_text(std::string_view text);

struct TextRun {
    size_t kept = 0;
    std::string_view removed;
    std::string_view added;
};

// Between two runs something is kept; every run removes or adds.
std::string encode_edit(std::string_view base, const std::vector<TextRun>& runs);

// Well-formed, and neither text over limits::value_bytes_max. The rest of this header is for such edits only.
bool is_edit(std::string_view edit);
TextDigest base_of_edit(std::string_view edit);
size_t base_size_of_edit(std::string_view edit);

// What `base`, which has that digest, became. nullopt: the edit was not made of it.
std::optional<std::string> apply_edit(std::string_view edit, std::string_view base);
// What `value` was before; nullopt where it cannot have come of this edit.
std::optional<std::string> undo_edit(std::string_view edit, std::string_view value);

}  // namespace tombolo
