// Goal: real findings of real searches, minimised twice: the same result, never larger than the
// original, the same signature, and it replays.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "harness/case_file.h"
#include "harness/minimise.h"
#include "harness/minimise_findings.h"
#include "harness/point_search.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

struct Subject {
  std::string target;
  uint64_t seeds = 1;
  uint32_t most_transactions = 3;
  uint64_t most_lost = 2;
};

class MinimiseE2e : public testing::TestWithParam<Subject> {
 protected:
  ~MinimiseE2e() override { std::filesystem::remove_all(directory_); }

  // Returns: the cases of all findings of a run, each losing as little as it can.
  std::vector<Case> Cases(uint64_t seed) {
    const Trace trace = SmallTrace(GetParam().target, 20, seed);
    ExploreOptions options;
    options.settings.target = GetParam().target;
    options.settings.seed = seed;
    options.settings.keys = 6;
    options.out_directory = directory_;
    const Expected<Result> result = ExploreMinimised(trace, options, kStateTestsPerFinding,
                                                     [](const ExploreProgress&) { return true; });
    EXPECT_TRUE(result.has_value()) << Describe(result.error());
    std::vector<Case> cases;
    for (const Finding& finding : result.value_or(Result()).findings) {
      const Expected<Case> loaded = LoadCase(directory_ + "/" + finding.case_path);
      EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
      if (loaded) cases.push_back(*loaded);
    }
    return cases;
  }

  static Minimisation Minimised(const Case& original) {
    const Expected<std::optional<Minimisation>> done = MinimiseCase(original, {});
    EXPECT_TRUE(done.has_value()) << Describe(done.error());
    EXPECT_TRUE(done.has_value() && done->has_value()) << original.signature;
    return done.value_or(std::nullopt).value_or(Minimisation());
  }

  static std::optional<Violation> Replayed(const Case& saved) {
    const Trace last = LastTrace(saved);
    const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(last, saved.settings, 1);
    EXPECT_TRUE(search.has_value()) << Describe(search.error());
    const auto seen = (*search)->Replay({.position = last.ops.size(),
                                         .window = saved.window,
                                         .lost = LastLost(saved),
                                         .settings = saved.settings,
                                         .fault = saved.fault});
    EXPECT_TRUE(seen.has_value()) << Describe(seen.error());
    return seen.value_or(std::nullopt);
  }

  const std::string directory_ =
      testing::TempDir() + "plugpull-minimise-" + std::to_string(::getpid());
};

TEST_P(MinimiseE2e, IsTheSameTwiceAndKeepsTheSignature) {
  size_t findings = 0;
  for (uint64_t seed = 1; seed <= GetParam().seeds; ++seed) {
    for (const Case& original : Cases(seed)) {
      SCOPED_TRACE(original.signature);
      ++findings;
      const Minimisation once = Minimised(original);
      const Minimisation twice = Minimised(original);
      const Case& small = once.small;
      EXPECT_EQ(small.signature, original.signature);
      EXPECT_EQ(small.violation.violation, original.violation.violation);
      EXPECT_EQ(small.trace, twice.small.trace);
      EXPECT_EQ(small.lost, twice.small.lost);
      EXPECT_EQ(small.violation, twice.small.violation);
      const CaseSize before = SizeOf(original);
      EXPECT_EQ(once.after, SizeOf(small));
      EXPECT_LE(once.after.transactions, before.transactions);
      EXPECT_LE(once.after.lost_atoms, before.lost_atoms);
      EXPECT_LE(once.after.transactions, GetParam().most_transactions);
      EXPECT_LE(once.after.lost_atoms, GetParam().most_lost);
      ASSERT_TRUE(small.minimised.has_value());
      EXPECT_TRUE(small.minimised->is_minimal) << small.minimised->bound;
      EXPECT_EQ(Replayed(small), small.violation);
    }
  }
  EXPECT_GE(findings, GetParam().seeds);
}

INSTANTIATE_TEST_SUITE_P(Engines, MinimiseE2e,
                         testing::Values(Subject{"fragile_log:sync=0", 3},
                                         Subject{"fragile_log:how=abort", 2},
                                         Subject{"fragile_log:how=exit,when=use", 1},
                                         Subject{"cow_tree:mutant=M1", 1},
                                         Subject{"sqlite:journal=delete,sync=full", 1}));

}  // namespace
}  // namespace plugpull
