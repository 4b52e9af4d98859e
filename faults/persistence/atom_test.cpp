// Goal: people count a torn write once. Method: lists whose runs are plain to see.
#include "faults/persistence/atom.h"

#include <gtest/gtest.h>

namespace plugpull {
namespace {

TEST(CountRuns, PiecesSideBySideAreOne) {
  const std::vector<AtomId> torn = {{7, AtomKind::kData, 1}, {7, AtomKind::kData, 2}};
  EXPECT_EQ(CountRuns(torn), 1u);
  const std::vector<AtomId> twice = {{7, AtomKind::kData, 1}, {7, AtomKind::kData, 3}};
  EXPECT_EQ(CountRuns(twice), 2u);
  EXPECT_EQ(CountRuns({}), 0u);
}

TEST(CountRuns, NamesAndOtherOperationsAreCountedEach) {
  const std::vector<AtomId> renamed = {{3, AtomKind::kName, 0}, {3, AtomKind::kName, 1}};
  EXPECT_EQ(CountRuns(renamed), 2u);
  const std::vector<AtomId> writes = {{3, AtomKind::kData, 0},
                                      {3, AtomKind::kSize, 0},
                                      {3, AtomKind::kSize, 1},
                                      {4, AtomKind::kData, 1}};
  EXPECT_EQ(CountRuns(writes), 3u);
}

}  // namespace
}  // namespace plugpull
