// Goal: what comes out of a list does what it is wanted for and is 1-minimal, whatever it takes;
// the same list gives the same result; a limit is kept and named.
#include "harness/minimise_list.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace plugpull {
namespace {

using Indices = std::vector<size_t>;

// Does it where all of `needed` are there.
ListTest Needs(const Indices& needed) {
  return [needed](const Indices& kept) -> Expected<bool> {
    return std::ranges::includes(kept, needed);
  };
}

TEST(ReduceList, FindsWhatIsNeeded) {
  for (const Indices& needed : {Indices{}, Indices{0}, Indices{99}, Indices{3, 50, 51, 98}}) {
    TestLimit limit(1000);
    const Expected<ReducedList> reduced = ReduceList(100, limit, Needs(needed));
    ASSERT_TRUE(reduced.has_value());
    EXPECT_EQ(reduced->kept, needed);
    EXPECT_TRUE(reduced->is_minimal);
    EXPECT_EQ(limit.bound(), "");
  }
}

TEST(ReduceList, TakesFewTestsWhereLittleIsNeeded) {
  TestLimit limit(1000);
  ASSERT_TRUE(ReduceList(1000, limit, Needs({999})).has_value());
  EXPECT_LT(limit.spent(), 40U);
}

TEST(ReduceList, IsMinimalWhereElementsReplaceOneAnother) {
  // An even number of elements from 4 on does it: nothing says which.
  TestLimit limit(10'000);
  const Expected<ReducedList> reduced =
      ReduceList(17, limit, [](const Indices& kept) -> Expected<bool> {
        return kept.size() == 17 || (kept.size() >= 4 && kept.size() % 2 == 0);
      });
  ASSERT_TRUE(reduced.has_value());
  EXPECT_TRUE(reduced->is_minimal);
  EXPECT_TRUE(reduced->kept.size() == 17 || reduced->kept.size() % 2 == 0);
}

TEST(ReduceList, KeepsItsLimit) {
  TestLimit limit(5);
  size_t tests = 0;
  const Expected<ReducedList> reduced =
      ReduceList(64, limit, [&](const Indices& kept) -> Expected<bool> {
        ++tests;
        return std::ranges::includes(kept, Indices{7, 40});
      });
  ASSERT_TRUE(reduced.has_value());
  EXPECT_EQ(tests, 5U);
  EXPECT_FALSE(reduced->is_minimal);
  EXPECT_EQ(limit.bound(), "5 tests");
  EXPECT_TRUE(std::ranges::includes(reduced->kept, Indices{7, 40}));
}

TEST(ReduceList, IsStoppedFromOutside) {
  int left = 3;
  TestLimit limit(1000, [&left] { return left-- > 0; });
  const Expected<ReducedList> reduced = ReduceList(64, limit, Needs({7, 40}));
  ASSERT_TRUE(reduced.has_value());
  EXPECT_FALSE(reduced->is_minimal);
  EXPECT_EQ(limit.bound(), "stopped");
}

TEST(ReduceList, PassesErrorsOn) {
  TestLimit limit(1000);
  const Expected<ReducedList> reduced = ReduceList(
      3, limit, [](const Indices&) -> Expected<bool> { return Fail(ErrorCode::kIo, "no disk"); });
  ASSERT_FALSE(reduced.has_value());
  EXPECT_EQ(reduced.error().context, "no disk");
}

}  // namespace
}  // namespace plugpull
