// Goal: what goes wrong only when recovery is interrupted is found by the search of two crashes,
// and by nothing less; what is right is not called wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/convergence.h"
#include "harness/crash_points.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

// Returns: the classes that a search of all crash points shows.
std::set<ViolationClass> Show(const std::string& target_text, uint32_t depth, bool& exhausted) {
  const Trace trace = SmallTrace(target_text, 5);
  const Target target = *ParseTarget(target_text);
  const ReferenceModel model(trace.transactions);
  const ExploreSettings settings{.target = target_text, .keys = 6, .depth = depth};
  LocalSearch memory;
  PointExplorer explorer(trace, target, model, settings, memory.state());
  std::set<ViolationClass> classes;
  exhausted = true;
  for (const size_t position : CrashPoints(trace, *settings.model, settings.promise)) {
    const PointResult result = explorer.Explore(position, {});
    EXPECT_TRUE(result.unknown.empty());
    exhausted = exhausted && result.exhausted;
    for (const DepthResult& further : result.deeper) exhausted = exhausted && further.exhausted;
    for (const PointViolation& found : result.violations) {
      classes.insert(found.violation.violation);
      if (found.violation.violation != ViolationClass::kNeverConverges) {
        EXPECT_FALSE(found.cuts.empty());
      }
    }
  }
  return classes;
}

TEST(PlantedRecovery, OneCrashDoesNotSeeARecoveryThatMustNotBeInterrupted) {
  bool exhausted = false;
  EXPECT_TRUE(Show("cow_tree:mutant=R1", 1, exhausted).empty());
  EXPECT_TRUE(exhausted);
}

TEST(PlantedRecovery, TwoCrashesDo) {
  bool exhausted = false;
  EXPECT_TRUE(Show("cow_tree:mutant=R1", 2, exhausted).contains(ViolationClass::kRefusesToOpen));
  EXPECT_TRUE(Show("cow_tree:mutant=R1", 3, exhausted).contains(ViolationClass::kRefusesToOpen));
}

TEST(PlantedRecovery, OneThatNeverConvergesIsAClassOfItsOwn) {
  bool exhausted = false;
  EXPECT_TRUE(Show("cow_tree:mutant=R2", 1, exhausted).empty());
  EXPECT_THAT(Show("cow_tree:mutant=R2", 2, exhausted),
              testing::ElementsAre(ViolationClass::kNeverConverges));
}

class GoodRecovery : public testing::TestWithParam<const char*> {};

TEST_P(GoodRecovery, HoldsUpToThreeCrashes) {
  for (const uint32_t depth : {2U, 3U}) {
    bool exhausted = false;
    const std::set<ViolationClass> classes = Show(GetParam(), depth, exhausted);
    EXPECT_TRUE(classes.empty()) << Name(*classes.begin());
    EXPECT_TRUE(exhausted);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Targets, GoodRecovery,
    testing::Values("cow_tree", "sqlite:sync=extra", "sqlite:journal=truncate,sync=full",
                    "sqlite:journal=persist,sync=full", "sqlite:journal=wal,sync=full",
                    "files:protocol=append,sync=fdatasync", "files:protocol=append,sync=dsync",
                    "files:protocol=preallocated", "files:protocol=replace,sync=file+directory",
                    "files:protocol=double-write", "files:protocol=wal",
                    "files:protocol=manifest"));

}  // namespace
}  // namespace plugpull
