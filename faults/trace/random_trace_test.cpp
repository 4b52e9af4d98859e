// Goal: random traces hold what they promise; the tests that use them rely on it.
#include "faults/trace/random_trace.h"

#include <gtest/gtest.h>

#include <set>

namespace plugpull {
namespace {

TEST(RandomTraceTest, EveryKindOccurs) {
  std::set<OpKind> kinds;
  std::set<OpKind> failed;
  std::set<uint32_t> flags;
  for (const Op& op : RandomTrace(1, 3'000).ops) {
    kinds.insert(op.kind);
    if (op.result_errno != 0) failed.insert(op.kind);
    for (uint32_t bit = 1; bit <= kZeroRange; bit <<= 1) {
      if ((op.flags & bit) != 0) flags.insert(bit);
    }
  }
  EXPECT_EQ(kinds.size(), static_cast<size_t>(kLastOpKind) + 1);
  EXPECT_EQ(flags.size(), 7U);
  EXPECT_TRUE(failed.contains(OpKind::kCreate));
  EXPECT_TRUE(failed.contains(OpKind::kSync));
  EXPECT_TRUE(failed.contains(OpKind::kSyncMapped));
}

TEST(RandomTraceTest, TheSeedDecides) {
  EXPECT_EQ(RandomTrace(7, 200), RandomTrace(7, 200));
  EXPECT_NE(RandomTrace(7, 200), RandomTrace(8, 200));
}

}  // namespace
}  // namespace plugpull
