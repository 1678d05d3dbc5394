// Row meta as bytes: it comes back, an untouched row is small, and no mangled bytes are taken for it.
#include "model/row.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/coding.h"

namespace tombolo {
namespace {

std::string encoded(const RowMeta& meta) {
    std::string out;
    put_meta(out, meta);
    return out;
}

WriteMark any_mark() {
    return {{*rc::gen::arbitrary<uint64_t>()}, {*rc::gen::arbitrary<uint64_t>()}, {*rc::gen::arbitrary<uint64_t>()}, *rc::gen::arbitrary<int64_t>()};
}

RowMeta any_meta() {
    RowMeta meta;
    meta.birth = {{*rc::gen::arbitrary<uint64_t>()}, {*rc::gen::arbitrary<uint64_t>()}};
    meta.birth_stamp = *rc::gen::arbitrary<int64_t>();
    meta.reborn = *rc::gen::arbitrary<bool>();
    meta.moved = *rc::gen::arbitrary<bool>();
    meta.touch = *rc::gen::arbitrary<bool>() ? any_mark() : WriteMark{meta.birth.site, meta.birth.seq, {}, meta.birth_stamp};
    if (*rc::gen::arbitrary<bool>()) meta.death = {{*rc::gen::arbitrary<uint64_t>()}, {*rc::gen::inRange<uint64_t>(1, UINT64_MAX)}};
    const int cells = *rc::gen::inRange(0, 5);
    for (int i = 0; i < cells; ++i)
        meta.cells.push_back(any_mark());
    return meta;
}

RowMeta untouched() {
    RowMeta meta;
    meta.birth = {{3}, {100}};
    meta.birth_stamp = 1'700'000'000'000'000;
    meta.touch = {{3}, {100}, {}, meta.birth_stamp};
    return meta;
}

TEST(Meta, comes_back_whatever_it_holds) {
    EXPECT_TRUE(rc::check([] {
        const RowMeta meta = any_meta();
        const std::string bytes = encoded(meta);
        Reader in(bytes);
        RowMeta again = any_meta();  // what was there before must not shine through
        RC_ASSERT(read_meta(in, again));
        RC_ASSERT(in.at_end());
        RC_ASSERT(again == meta);
    }));
}

TEST(Meta, of_an_untouched_row_takes_its_four_numbers) {
    EXPECT_EQ(encoded(untouched()).size(), 1u + 1 + 1 + 8);  // form, site, seq, stamp in microseconds
}

TEST(Meta, that_is_not_untouched_is_never_written_so) {
    RowMeta dead = untouched(), touched = untouched(), split = untouched(), reborn = untouched(), moved = untouched();
    dead.death.seq.value = 101;
    touched.touch.other.value = 1;
    split.cells.resize(2);
    reborn.reborn = true;
    moved.moved = true;
    for (const RowMeta& meta : {dead, touched, split, reborn, moved}) {
        const std::string bytes = encoded(meta);
        EXPECT_NE(bytes[0], 0);
        Reader in(bytes);
        RowMeta again;
        ASSERT_TRUE(read_meta(in, again));
        EXPECT_EQ(again, meta);
    }
}

TEST(Meta, cut_at_any_byte_is_refused) {
    RowMeta meta = untouched();
    meta.death = {{2}, {200}};
    meta.touch = {{2}, {150}, {100}, 7};
    meta.cells = {{{1}, {2}, {3}, 4}, {{5}, {6}, {7}, -8}};
    for (const RowMeta& m : {untouched(), meta}) {
        const std::string whole = encoded(m);
        for (size_t size = 0; size < whole.size(); ++size) {
            Reader in(std::string_view(whole).substr(0, size));
            RowMeta again;
            EXPECT_FALSE(read_meta(in, again)) << size;
        }
    }
}

TEST(Meta, unknown_forms_and_hostile_counts_are_refused) {
    RowMeta meta;
    std::string bytes = encoded(untouched());
    bytes[0] = 3;
    Reader form(bytes);
    EXPECT_FALSE(read_meta(form, meta));

    RowMeta dead = untouched();
    dead.death.seq.value = 1;
    bytes = encoded(dead);
    bytes.pop_back();  // the count of cells
    put_varint(bytes, uint64_t{1} << 60);
    Reader count(bytes);
    EXPECT_FALSE(read_meta(count, meta));
    EXPECT_TRUE(meta.cells.empty());
}

Candidate any_candidate() {
    Candidate candidate;
    candidate.column = *rc::gen::arbitrary<bool>() ? *rc::gen::inRange<uint32_t>(0, 2000) : Candidate::row_itself;
    if (*rc::gen::arbitrary<bool>()) candidate.value = Value(*rc::gen::arbitrary<std::string>());
    if (*rc::gen::arbitrary<bool>()) candidate.base = Value(*rc::gen::arbitrary<int64_t>());
    candidate.site.value = *rc::gen::arbitrary<uint64_t>();
    candidate.number.value = *rc::gen::arbitrary<uint64_t>();
    candidate.seq.value = *rc::gen::arbitrary<uint64_t>();
    candidate.stamp = *rc::gen::arbitrary<int64_t>();
    return candidate;
}

TEST(Candidates, come_back_and_take_no_byte_where_there_are_none) {
    EXPECT_TRUE(rc::check([] {
        std::vector<Candidate> candidates;
        for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
            candidates.push_back(any_candidate());
        std::string bytes;
        put_candidates(bytes, candidates);
        RC_ASSERT(bytes.empty() == candidates.empty());
        Reader in(bytes);
        std::vector<Candidate> again = {any_candidate()};
        RC_ASSERT(read_candidates(in, again));
        RC_ASSERT(again == candidates);
    }));
}

TEST(Candidates, cut_at_any_byte_or_mangled_are_refused) {
    std::string whole;
    put_candidates(whole, {{3, Value("a"), Value(1), {1}, {2}, {3}, 4}, {Candidate::row_itself, {}, Value::blob("x"), {5}, {}, {7}, 0}});
    std::vector<Candidate> again;
    for (size_t size = 1; size < whole.size(); ++size) {
        Reader in(std::string_view(whole).substr(0, size));
        EXPECT_FALSE(read_candidates(in, again)) << size;
    }
    std::string none(1, '\0'), more = whole + "x", many, column;
    put_varint(many, uint64_t{1} << 60);
    put_varint(column, 1);
    put_varint(column, uint64_t{1} << 32);
    column += whole.substr(2);
    for (const std::string& bytes : {none, more, many, column}) {
        Reader in(bytes);
        EXPECT_FALSE(read_candidates(in, again));
    }
}

TEST(Meta, a_cell_of_an_untouched_row_has_the_mark_of_the_birth) {
    EXPECT_EQ(untouched().cell(5), (WriteMark{{3}, {100}, {}, 1'700'000'000'000'000}));
}

}  // namespace
}  // namespace tombolo
