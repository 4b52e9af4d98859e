// Goal: a case gets small, says so, and says what was in the way where it could not; one that does
// not reproduce is not minimised.
#include "harness/minimise.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/findings.h"
#include "harness/minimise_state.h"
#include "harness/point_search.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

// A log that is never synced: whatever was acknowledged may be lost.
class MinimiseUnsynced : public testing::Test {
 protected:
  MinimiseUnsynced() {
    settings_.target = "fragile_log:sync=0";
    settings_.keys = 6;
    settings_.depth = 1;
  }

  // Returns: the case that loses all that was written by `transactions` transactions.
  Case Unsynced(uint32_t transactions) {
    Case saved;
    saved.trace = SmallTrace(settings_.target, transactions);
    saved.settings = settings_;
    saved.settings.tear = Tear::kSectorsContiguous;
    saved.window = WindowAt(saved.trace, saved.trace.ops.size());
    StateInspector inspector(saved.trace, FragileLogType());
    const ChosenState open{
        .position = saved.trace.ops.size(), .tear = saved.settings.tear, .chosen = {}};
    saved.lost = inspector.Complete(open, *settings_.model, Rest::kLost).lost;
    const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(saved.trace, settings_, 1);
    const auto seen = (*search)->Replay({.position = saved.trace.ops.size(),
                                         .window = saved.window,
                                         .lost = saved.lost,
                                         .settings = saved.settings});
    EXPECT_TRUE(seen.has_value() && seen->has_value());
    saved.violation = seen->value_or(Violation());
    return saved;
  }

  ExploreSettings settings_;
};

TEST_F(MinimiseUnsynced, OneTransactionAndOneLostAtomAreLeft) {
  const Case original = Unsynced(8);
  const CaseSize before = SizeOf(original);
  EXPECT_EQ(before.transactions, 8U);
  EXPECT_GT(before.lost_atoms, 8U);
  const Expected<std::optional<Minimisation>> done = MinimiseCase(original, {});
  ASSERT_TRUE(done.has_value()) << Describe(done.error());
  ASSERT_TRUE(done->has_value());
  const Minimisation& minimised = **done;
  EXPECT_EQ(minimised.transactions_kept_because, "");
  EXPECT_EQ(minimised.after.transactions, 1U);
  EXPECT_EQ(minimised.after.changes, 1U);
  EXPECT_EQ(minimised.after.lost_atoms, 1U);
  EXPECT_LE(minimised.after.pair_bytes, 2U);
  EXPECT_EQ(minimised.small.violation.violation, original.violation.violation);
  ASSERT_TRUE(minimised.small.minimised.has_value());
  EXPECT_EQ(minimised.small.minimised->before, before);
  EXPECT_TRUE(minimised.small.minimised->is_minimal) << minimised.small.minimised->bound;
  EXPECT_FALSE(minimised.small.models.empty());
  EXPECT_LE(minimised.small.level, FaultLevel::kPowerCut);
}

TEST_F(MinimiseUnsynced, ALimitIsNamed) {
  const Expected<std::optional<Minimisation>> done =
      MinimiseCase(Unsynced(8), {.most_workloads = 0, .most_recoveries = 2});
  ASSERT_TRUE(done.has_value() && done->has_value());
  EXPECT_FALSE((*done)->small.minimised->is_minimal);
  EXPECT_NE((*done)->small.minimised->bound, "");
}

TEST_F(MinimiseUnsynced, WhatDoesNotReproduceIsNotMinimised) {
  Case original = Unsynced(4);
  original.lost.clear();
  const Expected<std::optional<Minimisation>> done = MinimiseCase(original, {});
  ASSERT_TRUE(done.has_value()) << Describe(done.error());
  EXPECT_FALSE(done->has_value());
}

TEST_F(MinimiseUnsynced, TheStateAloneOfACaseThatGoesOn) {
  Case original = Unsynced(4);
  original.trace.facts.erase("target");  // nobody knows how to record it
  const Expected<std::optional<Minimisation>> done = MinimiseCase(original, {});
  ASSERT_TRUE(done.has_value() && done->has_value());
  EXPECT_NE((*done)->transactions_kept_because, "");
  EXPECT_EQ((*done)->after.lost_atoms, 1U);
  EXPECT_FALSE((*done)->small.minimised->is_minimal);
}

TEST_F(MinimiseUnsynced, StatesAreOfTheModelAndEarlier) {
  const Case original = Unsynced(6);
  const Expected<std::unique_ptr<PointSearch>> search =
      MakeSearch(original.trace, original.settings, 1);
  ASSERT_TRUE(search.has_value());
  TestLimit limit(1000);
  const ViolatedState as_found{.position = original.trace.ops.size(),
                               .window = original.window,
                               .lost = original.lost,
                               .settings = original.settings,
                               .violation = original.violation};
  const auto smaller = MinimiseState(original.trace, **search, as_found, limit);
  ASSERT_TRUE(smaller.has_value() && smaller->has_value());
  EXPECT_TRUE((*smaller)->is_minimal);
  EXPECT_TRUE(std::ranges::includes(as_found.lost, (*smaller)->lost));
  StateInspector inspector(original.trace, FragileLogType());
  EXPECT_TRUE(inspector.Admits(
      {.position = as_found.position, .tear = as_found.settings.tear, .chosen = (*smaller)->chosen},
      *as_found.settings.model, as_found.settings.tear));
  const auto earlier = MoveEarlier(original.trace, **search, **smaller, limit);
  ASSERT_TRUE(earlier.has_value());
  if (*earlier) {
    EXPECT_LT((*earlier)->position, (*smaller)->position);
    EXPECT_EQ((*earlier)->lost, (*smaller)->lost);
  }
}

}  // namespace
}  // namespace plugpull
