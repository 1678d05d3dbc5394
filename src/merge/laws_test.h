// How often a law of merging is tried: 100 000 generated cases in an optimised build, fewer where sanitizers slow them down.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tombolo::merge::testing {

#ifdef NDEBUG
constexpr int law_cases = 100'000;
#else
constexpr int law_cases = 2'000;
#endif

template <typename Property>
void holds(Property property, int cases = law_cases) {
    rc::detail::TestParams params = rc::detail::configuration().testParams;
    params.maxSuccess = cases;
    const rc::detail::TestResult result = rc::detail::checkTestable(property, rc::detail::TestMetadata(), params);
    rc::detail::SuccessResult success;
    EXPECT_TRUE(result.match(success)) << result;
}

}  // namespace tombolo::merge::testing
