// Goal: a state of one recording is found again in another that has fewer transactions.
#include "harness/state_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plugpull {
namespace {

using testing::ElementsAre;

// A store is made; then each transaction writes to it twice and syncs.
Trace Recording(uint32_t transactions) {
  Trace trace;
  trace.ops.push_back(
      {.kind = OpKind::kCreate, .inode = 2, .directory = kRootInode, .name = "store"});
  for (uint32_t number = 1; number <= transactions; ++number) {
    trace.ops.push_back({.kind = OpKind::kBegin, .transaction = number});
    trace.ops.push_back({.kind = OpKind::kWrite, .inode = 2});
    trace.ops.push_back({.kind = OpKind::kWrite, .inode = 2});
    trace.ops.push_back({.kind = OpKind::kDataSync, .inode = 2});
    trace.ops.push_back({.kind = OpKind::kAcknowledge, .transaction = number});
  }
  return trace;
}

constexpr AtomId Data(uint32_t op) { return {.op = op, .kind = AtomKind::kData, .index = 0}; }

TEST(StatePatternTest, IsFoundAgainCountedFromTheEnd) {
  // Of five transactions: the fourth's second write and the fifth's first.
  const StatePattern pattern =
      OperationPatterns(Recording(5)).Of(/*position=*/24, 5, {Data(18), Data(22)});
  EXPECT_EQ(pattern.lost.size(), 2U);
  const auto place = OperationPatterns(Recording(2)).Find(pattern);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->position, 9U);
  EXPECT_THAT(place->lost, ElementsAre(Data(3), Data(7)));
}

TEST(StatePatternTest, WhatCameBeforeTheFirstTransactionIsCountedFromTheStart) {
  const StatePattern pattern =
      OperationPatterns(Recording(5)).Of(24, 5, {{.op = 0, .kind = AtomKind::kName, .index = 1}});
  const auto place = OperationPatterns(Recording(1)).Find(pattern);
  ASSERT_TRUE(place.has_value());
  EXPECT_THAT(place->lost, ElementsAre(AtomId{.op = 0, .kind = AtomKind::kName, .index = 1}));
  EXPECT_THAT(place->LostOperations(), ElementsAre(0U));
}

TEST(StatePatternTest, IsNotFoundWhereAnOperationOfItIsMissing) {
  const StatePattern pattern = OperationPatterns(Recording(5)).Of(24, 5, {Data(12), Data(22)});
  EXPECT_TRUE(OperationPatterns(Recording(3)).Find(pattern).has_value());
  EXPECT_FALSE(OperationPatterns(Recording(2)).Find(pattern).has_value());
  Trace other = Recording(5);
  other.ops[0].name = "elsewhere";
  EXPECT_FALSE(OperationPatterns(other).Find(pattern).has_value());
}

}  // namespace
}  // namespace plugpull
