// Any bytes are an edit of a text, or none; an edit that applies is undone again.
#include <cstdlib>
#include <string_view>

#include "model/text_edit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tombolo;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const size_t edit_size = input.empty() ? 0 : static_cast<uint8_t>(input[0]);
    if (edit_size >= input.size()) return 0;
    const std::string_view edit = input.substr(1, edit_size);
    const std::string_view base = input.substr(1 + edit_size);
    if (!is_edit(edit)) return 0;
    const auto value = apply_edit(edit, base);
    if (value && digest_text(base) == base_of_edit(edit) && undo_edit(edit, *value) != base) std::abort();
    undo_edit(edit, base);
    return 0;
}
