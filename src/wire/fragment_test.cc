#include "wire/fragment.h"

#include <gtest/gtest.h>

namespace tombolo::wire {
namespace {

TEST(Fragments, OneAfterTheOtherAndWhole) {
    std::string first(2 * limits::fragment_bytes_max + 1, 'a');
    std::string second(limits::fragment_bytes_max + 1, 'b');
    EXPECT_TRUE(needs_fragments(second));
    EXPECT_FALSE(needs_fragments(std::string(limits::fragment_bytes_max, 'c')));
    Fragmenter fragmenter;
    EXPECT_TRUE(fragmenter.done());
    fragmenter.add(first);
    fragmenter.add(second);
    std::vector<std::string> whole(1);
    size_t count = 0;
    for (; !fragmenter.done(); ++count) {
        const std::string message = fragmenter.next();
        EXPECT_LE(message.size(), limits::transport_bytes_max);
        const auto fragment = read_fragment(message);
        ASSERT_TRUE(fragment);
        whole.back() += fragment->bytes;
        if (fragment->last) whole.emplace_back();
    }
    EXPECT_EQ(count, 5U);
    EXPECT_EQ(whole, (std::vector<std::string>{first, second, ""}));
}

TEST(Fragments, OtherMessagesAreNone) {
    EXPECT_FALSE(read_fragment(""));
    EXPECT_FALSE(read_fragment(std::string("\x01\x00", 2)));
    EXPECT_TRUE(read_fragment("\xFF")->last);
}

}  // namespace
}  // namespace tombolo::wire
