// Goal: what several searches covered is added up, to the last digit.
#include "harness/grade_totals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Result SearchOf(const std::string& mode, const std::string& states) {
  Result search;
  search.coverage.mode = mode;
  search.coverage.states = states;
  search.coverage.crash_points = 3;
  search.coverage.recoveries = 10;
  search.trace.transactions = 7;
  return search;
}

Coverage CoverageOf(const std::vector<Result>& searches) {
  GradeTotals totals;
  for (const Result& search : searches) totals.Add(search);
  Result sum;
  totals.Fill(sum);
  return sum.coverage;
}

TEST(SumOfDecimals, CarriesAsFarAsItHasTo) {
  EXPECT_EQ(SumOfDecimals("0", "0"), "0");
  EXPECT_EQ(SumOfDecimals("999", "1"), "1000");
  EXPECT_EQ(SumOfDecimals("5", "123456789012345678901234567895"), "123456789012345678901234567900");
}

TEST(GradeTotals, AddsUp) {
  Result bounded = SearchOf("bounded", "99000000000000000000");
  bounded.coverage.bounds = {"recoveries"};
  bounded.coverage.states_exact = false;
  const Coverage coverage = CoverageOf({SearchOf("exhaustive", "1000000000000000000"), bounded});
  EXPECT_EQ(coverage.crash_points, 6u);
  EXPECT_EQ(coverage.recoveries, 20u);
  EXPECT_EQ(coverage.states, "100000000000000000000");
  EXPECT_NEAR(coverage.states_log10, 20, 1e-9);
  EXPECT_FALSE(coverage.states_exact);
  EXPECT_EQ(coverage.mode, "bounded");
  EXPECT_THAT(coverage.bounds, ElementsAre("recoveries"));
  EXPECT_THAT(coverage.unknown, IsEmpty());
}

TEST(GradeTotals, IsExhaustiveOnlyWhereAllIs) {
  EXPECT_EQ(CoverageOf({SearchOf("exhaustive", "1"), SearchOf("exhaustive", "1")}).mode,
            "exhaustive");
  EXPECT_EQ(CoverageOf({SearchOf("exhaustive", "1"), SearchOf("sampled", "1")}).mode, "sampled");
  EXPECT_EQ(CoverageOf({SearchOf("sampled", "1"), SearchOf("bounded", "1")}).mode, "bounded");
}

TEST(GradeTotals, NothingSearchedIsNothingKnown) {
  const Coverage coverage = CoverageOf({});
  EXPECT_EQ(coverage.mode, "bounded");
  EXPECT_EQ(coverage.states, "0");
  EXPECT_EQ(coverage.states_log10, 0);
  EXPECT_THAT(coverage.unknown, ElementsAre("stopped before anything was explored"));
}

}  // namespace
}  // namespace plugpull
