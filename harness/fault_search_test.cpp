// Where faults are tried, and what a correct disk may do is not called beyond its contract.
#include "harness/fault_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/findings.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

FaultPlan Plan(const Trace& trace, const std::string& fault, ExploreSettings settings = {}) {
  Expected<FaultPlan> plan = PlanFault(trace, settings, fault);
  EXPECT_TRUE(plan.has_value()) << plan.error().context;
  return plan.value_or(FaultPlan());
}

TEST(PlanFault, DamagesPagesAfterEachAcknowledgement) {
  const Trace trace = SmallTrace("cow_tree", 5);
  const FaultPlan plan = Plan(trace, "zeroed-page");
  ASSERT_FALSE(plan.tasks.empty());
  EXPECT_EQ(plan.tasks.size(), plan.of);
  EXPECT_TRUE(plan.bounds.empty());
  for (const PointTask& task : plan.tasks) {
    const bool is_end = task.position == trace.ops.size();
    EXPECT_TRUE(is_end || trace.ops[task.position - 1].kind == OpKind::kAcknowledge);
    EXPECT_EQ(task.settings.model, FindModel("process-kill"));
    EXPECT_THAT(task.fault, HasSubstr("zeroed-page(file=store.db,page="));
  }
  const FaultPlan sample = Plan(trace, "zeroed-page(count=1)");
  EXPECT_LT(sample.tasks.size(), plan.tasks.size());
  EXPECT_EQ(sample.of, plan.of);
  EXPECT_EQ(sample.bounds.size(), 1U) << "what is left out is said";
}

TEST(PlanFault, ChoosesTheSameForTheSameSeedOnly) {
  const Trace trace = SmallTrace("cow_tree", 8);
  const auto chosen = [&](uint64_t seed) {
    ExploreSettings settings;
    settings.seed = seed;
    std::vector<std::string> faults;
    for (const PointTask& task : Plan(trace, "bit-rot(count=5)", settings).tasks) {
      faults.push_back(task.fault);
    }
    return faults;
  };
  EXPECT_EQ(chosen(1), chosen(1));
  EXPECT_NE(chosen(1), chosen(2));
}

TEST(PlanFault, LeavesPagesAloneThatWereNeverSynced) {
  const Trace unsynced = SmallTrace("sqlite:sync=off", 6);
  const FaultPlan plan = Plan(unsynced, "stale-page");
  EXPECT_TRUE(plan.tasks.empty());
  EXPECT_THAT(plan.advice, HasSubstr("synced"));
  EXPECT_THAT(Plan(unsynced, "stale-page(path=*.nothing)").advice, HasSubstr("test.db"));
}

TEST(PlanFault, LiesOnlyAboutSyncsBeforeTheCrash) {
  const Trace trace = SmallTrace("sqlite:sync=extra", 6);
  const DamageReader reader(trace);
  for (const PointTask& task : Plan(trace, "lying-flush(last=2)").tasks) {
    const auto calls = ParseFaults(task.fault, FaultForm::kInstance);
    ASSERT_TRUE(calls.has_value()) << task.fault;
    const uint64_t from = NumberOf(calls->front(), FaultForm::kInstance, "from");
    const auto before = static_cast<uint64_t>(
        std::ranges::count_if(reader.syncs(), [&](size_t sync) { return sync < task.position; }));
    EXPECT_EQ(from, before > 2 ? before - 1 : 1) << task.position;
    EXPECT_GE(before, 1U);
  }
  EXPECT_TRUE(Plan(trace, "lying-flush(from=100000)").tasks.empty());
}

TEST(PlanFault, ComposesAndSetsTheCrash) {
  const Trace trace = SmallTrace("cow_tree", 5);
  const auto settings = [&](const char* fault) { return Plan(trace, fault).tasks.at(0).settings; };
  EXPECT_EQ(settings("power-cut+stale-page").model, FindModel("posix-minimal"));
  EXPECT_EQ(settings("power-cut+stale-page").tear, Tear::kNone);
  EXPECT_EQ(settings("torn-write+stale-page").tear, Tear::kSectorsContiguous);
  EXPECT_EQ(settings("lying-flush").tear, Tear::kSectorsContiguous);
  EXPECT_EQ(settings("power-cut+lying-flush").tear, Tear::kNone);
  EXPECT_EQ(settings("lying-flush(order=issued)").model, FindModel("ordered"));
  EXPECT_EQ(settings("sub-sector-tear").tear, Tear::kBytes64);
  EXPECT_EQ(settings("sub-sector-tear(unit=8)").tear, Tear::kBytes8);
  EXPECT_THAT(Plan(trace, "bit-rot+zeroed-page").tasks.at(0).fault,
              testing::MatchesRegex("bit-rot\\(.*\\)\\+zeroed-page\\(.*\\)"));
  EXPECT_FALSE(PlanFault(trace, {}, "power-cut+torn-write").has_value());
}

// What the crash loses is lost before the acknowledgement, so a crash that may lose is tried there.
TEST(PlanFault, DamagesPagesWhereTheCrashHasAChoice) {
  const Trace trace = SmallTrace("cow_tree", 5);
  const Target target = *ParseTarget("cow_tree");
  const ReferenceModel model(trace.transactions);
  ExploreSettings asked;
  asked.target = "cow_tree";
  const FaultPlan plan = Plan(trace, "power-cut+stale-page(count=1)", asked);
  ASSERT_FALSE(plan.tasks.empty());
  LocalSearch search;
  PointExplorer explorer(trace, target, model, plan.tasks.at(0).settings, search.state());
  DamageReader reader(trace);
  uint64_t most_recoveries = 0;
  bool keeps_some = false;
  for (const PointTask& task : plan.tasks) {
    const PointResult result =
        explorer.ExploreDamaged(task.position, *reader.Read(task.fault, task.position), {});
    most_recoveries = std::max(most_recoveries, result.recoveries);
    for (const PointViolation& violation : result.violations) {
      keeps_some = keeps_some || !violation.chosen.empty();
    }
  }
  EXPECT_GT(most_recoveries, 1U);
  EXPECT_TRUE(keeps_some);
}

TEST(PlanFault, SaysHowManyPointsOfASearchItLeavesOut) {
  const Trace trace = SmallTrace("cow_tree", 40);
  const FaultPlan plan = Plan(trace, "power-cut+stale-page(count=1)");
  std::set<size_t> positions;
  for (const PointTask& task : plan.tasks) positions.insert(task.position);
  EXPECT_LE(positions.size(), 64U);
  EXPECT_THAT(plan.bounds,
              testing::Contains(testing::MatchesRegex(".*: 64 of [0-9]+ crash points")));
  EXPECT_TRUE(Plan(trace, "stale-page(count=1000)").bounds.empty()) << "40 points are few";
}

// A log that is synced loses its last record when that sync lies; one that never was loses it
// without any lie.
TEST(LyingFlush, IsNotBlamedForWhatACorrectDiskMayDo) {
  for (const bool is_synced : {true, false}) {
    const std::string target = is_synced ? "sqlite:sync=extra" : "sqlite:sync=full";
    const Trace trace = SmallTrace(target, 4, 3);
    const Target parsed = *ParseTarget(target);
    const ReferenceModel model(trace.transactions);
    ExploreSettings asked;
    asked.target = target;
    const FaultPlan plan = Plan(trace, "lying-flush(last=1)", asked);
    FindingCollector collector(trace, *parsed.type);
    LocalSearch search;
    PointExplorer explorer(trace, parsed, model, plan.tasks.at(0).settings, search.state());
    DamageReader reader(trace);
    for (const PointTask& task : plan.tasks) {
      PointResult result =
          explorer.ExploreDamaged(task.position, *reader.Read(task.fault, task.position), {});
      result.fault = task.fault;
      collector.Add(result, task.settings);
    }
    collector.Fold();
    bool has_legal = false;
    bool has_lying = false;
    for (const Finding& finding : collector.Findings()) {
      const bool is_legal = InfoOf(finding.fault_level).legal;
      EXPECT_EQ(finding.fault.empty(), is_legal) << finding.signature;
      has_legal = has_legal || is_legal;
      has_lying = has_lying || !is_legal;
    }
    EXPECT_EQ(has_legal, !is_synced);
    EXPECT_TRUE(has_lying || !is_synced);
  }
}

}  // namespace
}  // namespace plugpull
