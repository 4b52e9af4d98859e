// Goal: a run of several cycles goes on from crashes, sees what only later cycles show, and is the
// same whoever does the work.
#include "harness/cycles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "harness/case_file.h"
#include "harness/recovery_pool.h"
#include "harness/testing.h"
#include "reports/report_format.h"

namespace plugpull {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class Cycles : public testing::Test {
 protected:
  ~Cycles() override { std::filesystem::remove_all(directory_); }

  Result Run(
      const std::string& target, uint32_t cycles, uint64_t seed = 1, uint32_t jobs = 2,
      const OnProgress& on_progress = [](const ExploreProgress&) { return true; }) {
    const RecordSettings recorded{.target = target,
                                  .options = {.seed = seed, .transactions = 12, .keys = 6}};
    const Expected<Trace> trace = RecordHere(recorded);
    EXPECT_TRUE(trace.has_value()) << Describe(trace.error());
    ExploreOptions options;
    options.settings.target = target;
    options.settings.seed = seed;
    options.settings.keys = 6;
    options.settings.promise = promise_;
    options.all_models = all_models_;
    options.jobs = jobs;
    options.out_directory = directory_;
    options.cycles = cycles;
    const Expected<Result> result = ExploreCycles(recorded, *trace, options, on_progress);
    EXPECT_TRUE(result.has_value()) << Describe(result.error());
    return result.value_or(Result());
  }

  // Returns: what the case of a finding shows when it is replayed.
  std::optional<Violation> Replayed(const Finding& finding) {
    const Expected<Case> loaded = LoadCase(directory_ + "/" + finding.case_path);
    EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
    EXPECT_EQ(loaded->in_use, finding.in_use);
    Expected<RecoveryPool> pool = RecoveryPool::Create(loaded->trace, 1);
    const auto outcome = pool->Replay({.position = loaded->trace.ops.size(),
                                       .window = loaded->window,
                                       .lost = loaded->lost,
                                       .settings = loaded->settings,
                                       .in_use = loaded->in_use});
    EXPECT_TRUE(outcome.has_value()) << Describe(outcome.error());
    EXPECT_EQ(outcome->has_value() ? **outcome : Violation(), loaded->violation);
    return outcome.value_or(std::nullopt);
  }

  Promise promise_ = Promise::kDurable;
  bool all_models_ = false;
  const std::string directory_ =
      testing::TempDir() + "plugpull-cycles-" + std::to_string(::getpid());
};

std::string Timeless(Result result) {
  result.elapsed_s = 0;
  return RenderJson(result);
}

TEST_F(Cycles, OneIsARunAsEver) {
  const Result result = Run("cow_tree", 1);
  EXPECT_EQ(result.coverage.mode, "exhaustive");
  EXPECT_THAT(result.coverage.cycles, IsEmpty());
}

struct GoodRun {
  const char* target;
  uint32_t cycles;
};

class GoodEngineCycles : public Cycles, public testing::WithParamInterface<GoodRun> {};

TEST_P(GoodEngineCycles, HoldAndSayThatTheyAreASample) {
  const Result result = Run(GetParam().target, GetParam().cycles);
  EXPECT_EQ(result.verdict, Verdict::kHeld);
  EXPECT_EQ(result.coverage.mode, "bounded");
  EXPECT_THAT(result.coverage.bounds,
              testing::ElementsAre("cycles: one crash state carried on each"));
  ASSERT_EQ(result.coverage.cycles.size(), GetParam().cycles);
  uint64_t recoveries = 0;
  uint64_t points = 0;
  for (const CycleCoverage& cycle : result.coverage.cycles) {
    EXPECT_EQ(cycle.transactions, 12u);
    EXPECT_EQ(cycle.mode, "exhaustive") << cycle.cycle;
    EXPECT_GT(cycle.crash_points, 4u) << cycle.cycle;
    recoveries += cycle.recoveries;
    points += cycle.crash_points;
  }
  EXPECT_EQ(recoveries, result.coverage.recoveries);
  EXPECT_EQ(points, result.coverage.crash_points);
  // The history grows: the last cycle goes on from more than one run can write.
  EXPECT_GT(result.coverage.cycles.back().recovered_transaction, 12u);
}

// Each cycle of fragile_log reads all that was logged before: the search of five takes long.
INSTANTIATE_TEST_SUITE_P(Targets, GoodEngineCycles,
                         testing::Values(GoodRun{"cow_tree", 5},
                                         GoodRun{"cow_tree:freelist=none", 5},
                                         GoodRun{"sqlite:journal=delete,sync=extra", 5},
                                         GoodRun{"files:protocol=wal,group=4", 5},
                                         GoodRun{"fragile_log", 3}));

class AnyTargetCycles : public Cycles, public testing::WithParamInterface<const char*> {};

TEST_P(AnyTargetCycles, AreTheSameForAnyNumberOfJobsAndOthersForAnotherSeed) {
  const std::string one = Timeless(Run(GetParam(), 3, 1, 1));
  EXPECT_EQ(one, Timeless(Run(GetParam(), 3, 1, 3)));
  EXPECT_NE(one, Timeless(Run(GetParam(), 3, 2, 1)));
}

INSTANTIATE_TEST_SUITE_P(Targets, AnyTargetCycles,
                         testing::Values("cow_tree", "cow_tree:mutant=C1", "sqlite:sync=full"));

TEST_F(Cycles, ShowDamageThatAStoreHidesUntilItIsUsedForLonger) {
  const Result once = Run("cow_tree:mutant=C1", 1);
  EXPECT_EQ(once.verdict, Verdict::kHeld);
  EXPECT_EQ(once.coverage.mode, "exhaustive");
  const Result result = Run("cow_tree:mutant=C1", 3);
  EXPECT_EQ(result.verdict, Verdict::kViolated);
  ASSERT_EQ(result.findings.size(), 1u);
  const Finding& finding = result.findings.front();
  EXPECT_TRUE(finding.in_use);
  EXPECT_GE(finding.cycle, 2u);
  EXPECT_EQ(finding.cycle, result.coverage.cycles.back().cycle);
  EXPECT_THAT(finding.signature, HasSubstr(": in use"));
  EXPECT_EQ(finding.fault_level, FaultLevel::kProcessKill);
  const auto violation = Replayed(finding);
  ASSERT_TRUE(violation.has_value());
  EXPECT_EQ(violation->message, finding.message);
}

TEST_F(Cycles, ShowWhatOnlyACrashOfALaterCycleBreaks) {
  EXPECT_EQ(Run("cow_tree:mutant=C2", 1).verdict, Verdict::kHeld);
  const Result result = Run("cow_tree:mutant=C2", 3);
  EXPECT_EQ(result.verdict, Verdict::kViolated);
  ASSERT_FALSE(result.findings.empty());
  for (const Finding& finding : result.findings) {
    EXPECT_GE(finding.cycle, 2u) << finding.signature;
    EXPECT_FALSE(finding.in_use) << finding.signature;
    const auto violation = Replayed(finding);
    ASSERT_TRUE(violation.has_value()) << finding.signature;
    EXPECT_EQ(violation->violation, finding.violation);
  }
  EXPECT_EQ(result.coverage.cycles.size(), 3u);
  // The crash that the second cycle goes on from is not to blame: it need not lose anything.
  const auto lost =
      std::ranges::find(result.findings, ViolationClass::kLostCommit, &Finding::violation);
  ASSERT_NE(lost, result.findings.end());
  EXPECT_EQ(lost->fault_level, FaultLevel::kPowerCutOrdered);
  EXPECT_EQ(lost->models.size(), Models().size());
}

TEST_F(Cycles, AFindingThatTheFirstCycleKnowsStaysItsOwn) {
  const Result once = Run("sqlite:journal=delete,sync=full", 1);
  ASSERT_EQ(once.findings.size(), 1u);
  const Result result = Run("sqlite:journal=delete,sync=full", 3);
  const auto known =
      std::ranges::find(result.findings, once.findings[0].signature, &Finding::signature);
  ASSERT_NE(known, result.findings.end());
  EXPECT_EQ(known->cycle, 1u);
  EXPECT_EQ(known->crash_point, once.findings[0].crash_point);
  EXPECT_GT(known->count, once.findings[0].count);
  ASSERT_TRUE(Replayed(*known).has_value());
}

TEST_F(Cycles, GoOnAlsoWhereLessIsPromised) {
  promise_ = Promise::kPrefix;
  const Result prefix = Run("files:protocol=wal,group=4,ack=early", 4);
  EXPECT_EQ(prefix.verdict, Verdict::kHeld);
  EXPECT_EQ(prefix.coverage.cycles.size(), 4u);
  promise_ = Promise::kOpens;
  const Result opens = Run("cow_tree", 4);
  EXPECT_EQ(opens.verdict, Verdict::kHeld);
  EXPECT_EQ(opens.coverage.cycles.size(), 4u);
}

TEST_F(Cycles, OfAllModelsHoldInEach) {
  all_models_ = true;
  const Result good = Run("cow_tree", 3);
  ASSERT_EQ(good.models.size(), Models().size());
  for (const auto& [name, verdict] : good.models) EXPECT_EQ(verdict, Verdict::kHeld) << name;
}

TEST_F(Cycles, OfAllModelsSayWhichIsViolated) {
  all_models_ = true;
  const Result bad = Run("cow_tree:mutant=C2", 3);
  ASSERT_EQ(bad.models.size(), Models().size());
  EXPECT_EQ(bad.models.front().second, Verdict::kViolated);
}

TEST_F(Cycles, OfAllModelsAreAllViolatedWhereTheStoreBreaksInUse) {
  all_models_ = true;
  const Result in_use = Run("cow_tree:mutant=C1", 3);
  ASSERT_EQ(in_use.models.size(), Models().size());
  for (const auto& [name, verdict] : in_use.models) EXPECT_EQ(verdict, Verdict::kViolated) << name;
}

TEST_F(Cycles, AreStoppedBetweenTwoOfThem) {
  size_t points = 0;
  const Result whole = Run("cow_tree", 1);
  const Result result = Run("cow_tree", 5, 1, 2, [&](const ExploreProgress& progress) {
    points = progress.points_done;
    return points < whole.coverage.crash_points;
  });
  EXPECT_TRUE(result.interrupted);
  EXPECT_THAT(result.coverage.bounds, Contains("signal"));
  EXPECT_LT(result.coverage.cycles.size(), 5u);
  EXPECT_GE(result.coverage.recoveries, 1u);
}

}  // namespace
}  // namespace plugpull
