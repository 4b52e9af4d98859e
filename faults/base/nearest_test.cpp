// Goal: a hint names what was probably meant, and nothing where nothing is near.
#include "faults/base/nearest.h"

#include <gtest/gtest.h>

namespace plugpull {
namespace {

TEST(NearestHint, IsEmptyWhereNothingIsNear) {
  EXPECT_EQ(NearestHint("zzzzzz", {"alpha", "beta"}), "");
  EXPECT_EQ(NearestHint("x", {}), "");
  EXPECT_EQ(NearestHint("bta", {"alpha", "beta"}), ", did you mean 'beta'?");
  EXPECT_EQ(NearestHint("beta", {"beat", "beta"}), ", did you mean 'beta'?");
}

TEST(NearestHint, DoesNotPonderOverAWordWithoutEnd) {
  EXPECT_EQ(NearestHint(std::string(10'000'000, 'a'), {std::string(257, 'a')}), "");
}

}  // namespace
}  // namespace plugpull
