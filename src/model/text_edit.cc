#include "model/text_edit.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/coding.h"
#include "base/limits.h"

namespace tombolo {

namespace {

__extension__ using Wide = unsigned __int128;

// Every step is a one-to-one map of the state, so texts that differ in one word only never meet.
class Digester {
public:
    void add(uint64_t word) {
        state_ = (state_ ^ word) * factor();
        state_ ^= state_ >> 64;
    }
    TextDigest result() const {
        std::string bytes;
        put_fixed64(bytes, static_cast<uint64_t>(state_));
        put_fixed64(bytes, static_cast<uint64_t>(state_ >> 64));
        return *TextDigest::from_bytes(bytes);
    }

private:
    static constexpr Wide factor() { return Wide{0x2360ed051fc65da4} << 64 | 0x4385df649fccf645; }  // odd; of the PCG generators

    Wide state_ = Wide{0x6c62272e07bb0142} << 64 | 0x62b821756295c58d;
};

bool is_boundary(std::string_view text, size_t at) { return at == text.size() || (static_cast<uint8_t>(text[at]) & 0xC0) != 0x80; }

struct Head {
    TextDigest base;
    size_t base_size = 0;
};

bool read_head(Reader& in, Head& head) {
    const auto base = TextDigest::from_bytes(in.take(16));
    head.base_size = in.varint();
    if (!base || in.failed()) return false;
    head.base = *base;
    return true;
}

TextRun read_run(Reader& in) {
    TextRun run;
    run.kept = in.varint();
    run.removed = in.bytes();
    run.added = in.bytes();
    return run;
}

// `from` with the runs' stretches replaced; `undo`: the other way round.
std::optional<std::string> replace(Reader runs, std::string_view from, bool undo) {
    std::string result;
    size_t at = 0;
    while (!runs.at_end()) {
        const TextRun run = read_run(runs);
        const std::string_view out = undo ? run.added : run.removed;
        const std::string_view in = undo ? run.removed : run.added;
        if (run.kept > from.size() - at || !is_boundary(from, at + run.kept)) return std::nullopt;
        result.append(from, at, run.kept);
        at += run.kept;
        if (from.compare(at, out.size(), out) != 0) return std::nullopt;
        at += out.size();
        if (!is_boundary(from, at)) return std::nullopt;
        result.append(in);
    }
    return result.append(from, at);
}

}  // namespace

TextDigest digest_text(std::string_view text) {
    Digester digester;
    Reader in(text);
    while (in.left() >= 8)
        digester.add(in.fixed64());
    std::string tail(in.rest());
    tail.resize(8);
    Reader last(tail);
    digester.add(last.fixed64());
    digester.add(text.size());
    digester.add(0);
    return digester.result();
}

std::string encode_edit(std::string_view base, const std::vector<TextRun>& runs) {
    std::string edit(digest_text(base).view());
    put_varint(edit, base.size());
    for (const TextRun& run : runs) {
        put_varint(edit, run.kept);
        put_bytes(edit, run.removed);
        put_bytes(edit, run.added);
    }
    return edit;
}

bool is_edit(std::string_view edit) {
    Reader in(edit);
    Head head;
    if (!read_head(in, head) || head.base_size > limits::value_bytes_max) return false;
    size_t left = head.base_size;
    size_t value_size = head.base_size;
    for (bool first = true; !in.at_end(); first = false) {
        const TextRun run = read_run(in);
        if (in.failed() || run.kept > left || run.removed.size() > left - run.kept) return false;
        if ((run.kept == 0 && !first) || (run.removed.empty() && run.added.empty())) return false;
        if (!is_valid_utf8(run.removed) || !is_valid_utf8(run.added)) return false;
        left -= run.kept + run.removed.size();
        value_size += run.added.size() - run.removed.size();
        if (value_size > limits::value_bytes_max) return false;
    }
    return true;
}

TextDigest base_of_edit(std::string_view edit) {
    Reader in(edit);
    Head head;
    TOMBOLO_ASSERT(read_head(in, head));
    return head.base;
}

size_t base_size_of_edit(std::string_view edit) {
    Reader in(edit);
    Head head;
    TOMBOLO_ASSERT(read_head(in, head));
    return head.base_size;
}

std::optional<std::string> apply_edit(std::string_view edit, std::string_view base) {
    Reader in(edit);
    Head head;
    if (!read_head(in, head) || head.base_size != base.size()) return std::nullopt;
    return replace(in, base, false);
}

std::optional<std::string> undo_edit(std::string_view edit, std::string_view value) {
    Reader in(edit);
    Head head;
    if (!read_head(in, head)) return std::nullopt;
    std::optional<std::string> base = replace(in, value, true);
    if (!base || base->size() != head.base_size || digest_text(*base) != head.base) return std::nullopt;
    return base;
}

}  // namespace tombolo
