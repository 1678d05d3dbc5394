// text: both sides' edits of one base, applied together.
//
// The edits (text_diff.h) are positions in the base, as in an operational merge: what either side deleted is out, what either side inserted is
// in, where it was inserted. So texts typed at one place stay whole, the earlier (stamp, site) first. Two rules keep a rewriting whole:
//
//   - an edit inside what the other side deleted or rewrote goes with it. Lines of their own, typed there, stay
//   - two different corrections of the same word: the later one stands
#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "merge/text_diff.h"
#include "merge/three_way.h"

namespace tombolo::merge {

namespace {

struct Piece : TextEdit {
    bool dropped = false;  // its insertion; what it deletes, the other side deletes too
};

struct Side {
    AtomText text;
    bool later;
    std::vector<Piece> pieces{};

    std::string_view inserted(const Piece& piece) const { return text.slice(piece.from, piece.to); }
};

class TextMerge {
public:
    TextMerge(std::string_view base, std::string_view mine, std::string_view theirs, bool mine_later)
        : base_(cut_atoms(base, table_)), mine_{cut_atoms(mine, table_), mine_later}, theirs_{cut_atoms(theirs, table_), !mine_later} {
        for (Side* side : {&mine_, &theirs_}) {
            for (const TextEdit& edit : diff_texts(base_, side->text, table_))
                side->pieces.push_back({edit});
        }
    }

    std::string run() {
        settle_meetings();
        return write();
    }

private:
    // Every two edits that overlap or touch, once.
    void settle_meetings() {
        auto theirs = theirs_.pieces.begin();
        for (Piece& mine : mine_.pieces) {
            while (theirs != theirs_.pieces.end() && theirs->end < mine.begin)
                ++theirs;
            for (auto other = theirs; other != theirs_.pieces.end() && other->begin <= mine.end; ++other)
                settle(mine, *other);
        }
    }

    void settle(Piece& mine, Piece& theirs) {
        if (mine.begin == theirs.begin && mine.end == theirs.end) return settle_same_place(mine, theirs);
        if (is_inside(mine, theirs)) drop_fragment(mine_, mine);
        if (is_inside(theirs, mine)) drop_fragment(theirs_, theirs);
        if (hangs_on(mine_, mine, theirs)) mine.dropped = true;
        if (hangs_on(theirs_, theirs, mine)) theirs.dropped = true;
    }

    void settle_same_place(Piece& mine, Piece& theirs) {
        const bool same = mine_.inserted(mine) == theirs_.inserted(theirs);
        const bool of_one_word = mine.deletes() && mine.inserts() && theirs.inserts() && is_word(base_, mine.begin, mine.end) &&
                                 is_word(mine_.text, mine.from, mine.to) && is_word(theirs_.text, theirs.from, theirs.to);
        if (same || of_one_word) (mine_.later ? theirs : mine).dropped = true;
    }

    // A deletion or replacement within the other's, or an insertion between two atoms that the other deletes.
    static bool is_inside(const Piece& piece, const Piece& other) {
        if (piece.deletes()) return other.begin <= piece.begin && piece.end <= other.end;
        return other.begin < piece.begin && piece.begin < other.end;
    }

    void drop_fragment(const Side& side, Piece& piece) const {
        const bool line_begins = piece.from == 0 || is_line_end(side.text, piece.from - 1);
        const bool whole_lines = piece.inserts() && line_begins && is_line_end(side.text, piece.to - 1);
        if (!whole_lines) piece.dropped = true;
    }

    // Letters typed onto a word that the other side deletes, and onto nothing else. Two that only insert are at the same place, or do not meet.
    bool hangs_on(const Side& side, const Piece& piece, const Piece& other) const {
        if (piece.deletes() || !is_word(side.text, piece.from, piece.to)) return false;
        const uint32_t place = piece.begin;
        const bool before = place > 0 && is_word(base_, place - 1, place);
        const bool after = place < base_.atoms.size() && is_word(base_, place, place + 1);
        return (place == other.begin && after && !before) || (place == other.end && before && !after);
    }

    bool is_word(const AtomText& text, uint32_t from, uint32_t to) const {
        return std::all_of(text.atoms.begin() + from, text.atoms.begin() + to, [&](uint32_t atom) { return table_.kind(atom) == AtomKind::word; });
    }
    bool is_line_end(const AtomText& text, uint32_t at) const { return table_.kind(text.atoms[at]) == AtomKind::line_end; }

    std::string write() const {
        std::string out;
        uint32_t written = 0;  // of the base
        auto mine = mine_.pieces.begin();
        auto theirs = theirs_.pieces.begin();
        while (mine != mine_.pieces.end() || theirs != theirs_.pieces.end()) {
            const bool take_mine = theirs == theirs_.pieces.end() || (mine != mine_.pieces.end() && comes_first(*mine, *theirs));
            const Side& side = take_mine ? mine_ : theirs_;
            const Piece& piece = take_mine ? *mine++ : *theirs++;
            if (piece.begin > written) out += base_.slice(written, piece.begin);
            if (!piece.dropped) out += side.inserted(piece);
            written = std::max({written, piece.begin, piece.end});
        }
        return out += base_.slice(written, base_.atoms.size());
    }

    // At one place: what was typed before a rewritten stretch, then its replacement; of two alike the earlier write.
    bool comes_first(const Piece& mine, const Piece& theirs) const {
        if (mine.begin != theirs.begin) return mine.begin < theirs.begin;
        if (mine.deletes() != theirs.deletes()) return theirs.deletes();
        return !mine_.later;
    }

    AtomTable table_;
    AtomText base_;
    Side mine_;
    Side theirs_;
};

// What all three have in common at both ends is left out, up to whole lines: there nothing that belongs together is cut.
struct Ends {
    size_t front = 0, back = 0;
};
Ends common_ends(std::string_view base, std::string_view mine, std::string_view theirs) {
    Ends ends;
    const size_t least = std::min({base.size(), mine.size(), theirs.size()});
    size_t same = 0;
    while (same < least && base[same] == mine[same] && base[same] == theirs[same])
        ++same;
    const size_t front = base.substr(0, same).rfind('\n');
    ends.front = front == std::string_view::npos ? 0 : front + 1;
    same = 0;
    while (same < least - ends.front && base[base.size() - 1 - same] == mine[mine.size() - 1 - same] &&
           base[base.size() - 1 - same] == theirs[theirs.size() - 1 - same])
        ++same;
    const size_t back = base.substr(base.size() - same).find('\n');
    ends.back = back == std::string_view::npos ? 0 : same - back - 1;
    return ends;
}

}  // namespace

std::optional<std::string> merge_texts(std::string_view base, std::string_view mine, std::string_view theirs, bool mine_later) {
    if (!is_valid_utf8(base) || !is_valid_utf8(mine) || !is_valid_utf8(theirs)) return std::nullopt;
    const Ends ends = common_ends(base, mine, theirs);
    const auto middle = [&](std::string_view text) { return text.substr(ends.front, text.size() - ends.front - ends.back); };
    const size_t largest = std::max({base.size(), mine.size(), theirs.size()}) - ends.front - ends.back;
    if (largest > limits::text_merge_bytes_max) return std::nullopt;
    const std::string_view head = base.substr(0, ends.front);
    const std::string_view tail = base.substr(base.size() - ends.back);
    return std::string(head) + TextMerge(middle(base), middle(mine), middle(theirs), mine_later).run() + std::string(tail);
}

}  // namespace tombolo::merge
