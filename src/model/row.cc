#include "model/row.h"

#include "base/coding.h"
#include "model/record.h"

namespace tombolo {

namespace {
// Forms of meta: see row.h.
constexpr uint8_t untouched_form = 0;
constexpr uint8_t full_form = 1;
constexpr uint8_t reborn_form = 2;
constexpr uint8_t moved_by = 2;  // added to the form of a row that died in a transaction with inserts

void put_mark(std::string& out, const WriteMark& mark) {
    put_varint(out, mark.site.value);
    put_varint(out, mark.seq.value);
    put_varint(out, mark.other.value);
    put_signed(out, mark.stamp);
}
WriteMark read_mark(Reader& in) {
    WriteMark mark;
    mark.site.value = in.varint();
    mark.seq.value = in.varint();
    mark.other.value = in.varint();
    mark.stamp = in.signed_varint();
    return mark;
}
}  // namespace

void put_meta(std::string& out, const RowMeta& meta) {
    const WriteMark born{meta.birth.site, meta.birth.seq, Seq{}, meta.birth_stamp};
    const bool untouched = meta.cells.empty() && meta.death.seq.value == 0 && !meta.reborn && !meta.moved && meta.touch == born;
    const int form = untouched ? untouched_form : (meta.reborn ? reborn_form : full_form) + (meta.moved ? moved_by : 0);
    out.push_back(static_cast<char>(form));
    put_varint(out, meta.birth.site.value);
    put_varint(out, meta.birth.seq.value);
    put_signed(out, meta.birth_stamp);
    if (untouched) return;
    put_mark(out, meta.touch);
    put_varint(out, meta.death.site.value);
    put_varint(out, meta.death.seq.value);
    put_varint(out, meta.cells.size());
    for (const WriteMark& cell : meta.cells)
        put_mark(out, cell);
}

bool read_meta(Reader& in, RowMeta& meta) {
    const uint8_t whole_form = in.byte();
    if (whole_form > reborn_form + moved_by) in.fail();
    meta.moved = whole_form > reborn_form;
    const int form = meta.moved ? whole_form - moved_by : whole_form;
    meta.birth.site.value = in.varint();
    meta.birth.seq.value = in.varint();
    meta.birth_stamp = in.signed_varint();
    meta.reborn = form == reborn_form;
    meta.death = {};
    meta.cells.clear();
    meta.touch = {meta.birth.site, meta.birth.seq, Seq{}, meta.birth_stamp};
    if (form == untouched_form) return !in.failed();
    meta.touch = read_mark(in);
    meta.death.site.value = in.varint();
    meta.death.seq.value = in.varint();
    const uint64_t count = in.count();
    for (uint64_t i = 0; i < count && !in.failed(); ++i)
        meta.cells.push_back(read_mark(in));
    return !in.failed();
}

void put_candidates(std::string& out, const std::vector<Candidate>& candidates) {
    if (candidates.empty()) return;
    put_varint(out, candidates.size());
    for (const Candidate& candidate : candidates) {
        put_varint(out, candidate.column == Candidate::row_itself ? 0 : uint64_t{candidate.column} + 1);
        put_value(out, candidate.value);
        put_value(out, candidate.base);
        put_varint(out, candidate.site.value);
        put_varint(out, candidate.number.value);
        put_varint(out, candidate.seq.value);
        put_signed(out, candidate.stamp);
    }
}

bool read_candidates(Reader& in, std::vector<Candidate>& candidates) {
    candidates.clear();
    if (in.at_end()) return !in.failed();
    const uint64_t count = in.count();
    for (uint64_t i = 0; i < count && !in.failed(); ++i) {
        Candidate& candidate = candidates.emplace_back();
        const uint64_t column = in.varint();
        if (column > Candidate::row_itself) in.fail();
        candidate.column = column == 0 ? Candidate::row_itself : static_cast<uint32_t>(column - 1);
        candidate.value = Value(read_value(in));
        candidate.base = Value(read_value(in));
        candidate.site.value = in.varint();
        candidate.number.value = in.varint();
        candidate.seq.value = in.varint();
        candidate.stamp = in.signed_varint();
    }
    if (count == 0 || !in.at_end()) in.fail();
    return !in.failed();
}

}  // namespace tombolo
