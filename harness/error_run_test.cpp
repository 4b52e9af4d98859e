// Goal: a run in which a call fails goes on as a careful program would, its history says what was
// promised, and what crashes leave of it is judged by that.
#include "harness/error_run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "faults/trace/validate.h"
#include "harness/error_explore.h"
#include "harness/error_plans.h"
#include "harness/reference_model.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using ::testing::HasSubstr;

RecordSettings Settings(const std::string& target, uint32_t transactions) {
  return {.target = target,
          .workload = "mixed",
          .options = {.seed = 1, .transactions = transactions, .keys = 12}};
}

ErrorRun RunUnder(const std::string& target, uint32_t transactions, const std::string& plan) {
  const FailurePlan parsed = plan.empty() ? FailurePlan{} : ParseFailurePlan(plan).value();
  Expected<ErrorRun> run = RunWithFailures(Settings(target, transactions), parsed);
  EXPECT_TRUE(run.has_value()) << Describe(run.error());
  EXPECT_TRUE(ValidateTrace(run->trace).has_value());
  return std::move(*run);
}

// Returns: what the quick look says of each plan, by class, with the first plan of each.
std::map<ViolationClass, std::string> Violations(const std::string& target, uint32_t transactions,
                                                 const std::vector<FailurePlan>& plans) {
  ExploreSettings settings;
  settings.target = target;
  settings.keys = 12;
  PlanExplorer explorer(Settings(target, transactions), settings);
  std::map<ViolationClass, std::string> violations;
  for (const FailurePlan& plan : plans) {
    ErrorRun run;
    const Expected<PlanResult> result = explorer.Explore(plan, /*run_only=*/false, run);
    EXPECT_TRUE(result.has_value()) << Text(plan) << ": " << Describe(result.error());
    EXPECT_NE(result->outcome, ErrorOutcome::kNeverFired) << Text(plan);
    EXPECT_TRUE(result->unknown.empty()) << Text(plan) << ": " << result->unknown.front();
    if (result->violation) violations.emplace(result->violation->violation, Text(plan));
    for (const CrashViolation& each : result->after_crash) {
      violations.emplace(each.violation, Text(plan));
    }
  }
  return violations;
}

std::vector<FailurePlan> PlansOf(const std::string& target, uint32_t transactions,
                                 std::string_view point) {
  std::vector<FailurePlan> plans = PlansForEach(RunUnder(target, transactions, "").calls);
  std::erase_if(plans, [&](const FailurePlan& plan) { return plan.rules[0].point != point; });
  EXPECT_FALSE(plans.empty());
  return plans;
}

TEST(ErrorRunTest, WithoutAPlanItIsAPlainRun) {
  const ErrorRun run = RunUnder("cow_tree", 5, "");
  const Trace plain = RecordHere(Settings("cow_tree", 5)).value();
  EXPECT_EQ(run.trace.ops, plain.ops);
  EXPECT_EQ(run.trace.payload, plain.payload);
  EXPECT_EQ(run.outcome, ErrorOutcome::kNeverFired);
  EXPECT_FALSE(run.calls.empty());
}

TEST(ErrorRunTest, TheSamePlanGivesTheSameRun) {
  for (const char* target : {"cow_tree", "sqlite:journal=wal,sync=full"}) {
    const std::string plan = "fail(point=vfs/write,call=9,errno=EIO)";
    const ErrorRun first = RunUnder(target, 8, plan);
    EXPECT_EQ(RunUnder(target, 8, plan).trace, first.trace) << target;
  }
}

TEST(ErrorRunTest, AnAbsorbedFailureFailsNoTransaction) {
  const ErrorRun run = RunUnder("cow_tree", 5, "fail(point=vfs/write,call=5,errno=EINTR)");
  EXPECT_EQ(run.outcome, ErrorOutcome::kAbsorbed);
  EXPECT_EQ(run.trace.transactions.size(), 5U);
}

TEST(ErrorRunTest, ATransactionThatFailedAndIsNotThereIsTakenBackInTheHistory) {
  const ErrorRun run = RunUnder("cow_tree", 5, "fail(point=cow_tree/write_meta,call=3,errno=EIO)");
  EXPECT_EQ(run.outcome, ErrorOutcome::kFailed);
  EXPECT_FALSE(run.violation.has_value());
  ASSERT_EQ(run.trace.transactions.size(), 6U);
  const ReferenceModel model(run.trace.transactions);
  EXPECT_EQ(model.After(2), model.After(4)) << "the fourth takes the third back";
  EXPECT_NE(model.After(2), model.After(3));
  std::set<uint32_t> acknowledged;
  for (const Op& op : run.trace.ops) {
    if (op.kind == OpKind::kAcknowledge) acknowledged.insert(op.transaction);
  }
  EXPECT_EQ(acknowledged, (std::set<uint32_t>{1, 2, 5, 6}));
}

TEST(ErrorRunTest, ATransactionThatFailedAndIsThereStays) {
  const ErrorRun run = RunUnder("cow_tree", 5, "fail(point=cow_tree/sync_meta,call=3,errno=EIO)");
  EXPECT_EQ(run.outcome, ErrorOutcome::kFailed);
  EXPECT_EQ(run.trace.transactions.size(), 5U);
}

TEST(ErrorRunTest, WhatFailsForGoodEndsTheRun) {
  const ErrorRun run =
      RunUnder("cow_tree", 20, "fail(point=vfs/write,call=9,errno=ENOSPC,then=always)");
  EXPECT_EQ(run.outcome, ErrorOutcome::kFailed);
  EXPECT_FALSE(run.violation.has_value());
  EXPECT_LT(run.trace.transactions.size(), 12U);
}

TEST(ErrorRunTest, TheFirstFailureIsWhereItWas) {
  const ErrorRun run = RunUnder("cow_tree", 5, "fail(point=vfs/sync,call=4,errno=EIO)");
  const auto failed = std::ranges::find_if(run.trace.ops, IsFailedSync);
  ASSERT_NE(failed, run.trace.ops.end());
  EXPECT_EQ(FirstFailure(run.trace), static_cast<size_t>(failed - run.trace.ops.begin()));
  EXPECT_FALSE(AcknowledgedAfterFailure(run.trace, *FirstFailure(run.trace)));
  EXPECT_TRUE(AcknowledgedAfterFailure(run.trace, run.trace.ops.size()));
  EXPECT_EQ(FailedSyncOf(run.trace), FailedSync::kKeep);
}

TEST(ErrorRunTest, GroupsOfCommitsSurviveAFailure) {
  const std::string target = "files:protocol=wal,group=4";
  ASSERT_TRUE(ParseTarget(target).has_value()) << ParseTarget(target).error().context;
  EXPECT_FALSE(RunUnder(target, 12, "fail(point=vfs/write,call=7,errno=EIO)").violation);
}

TEST(ErrorPlansTest, EachMakesEveryCallFail) {
  const std::vector<CallSeen> calls = RunUnder("cow_tree", 4, "").calls;
  std::set<std::pair<std::string, uint64_t>> failing;
  for (const FailurePlan& plan : PlansForEach(calls)) {
    ASSERT_EQ(plan.rules.size(), 1U);
    EXPECT_EQ(ParseFailurePlan(Text(plan)).value(), plan) << Text(plan);
    if (plan.rules[0].os_errno != 0) failing.emplace(plan.rules[0].point, plan.rules[0].call);
  }
  EXPECT_EQ(failing.size(), calls.size());
}

// --- Scenarios ---

// B15: the second fdatasync of a commit fails, the process goes on or restarts, and then the power
// goes: the transaction is there or not, and nothing between.
TEST(ErrorScenarioTest, CowTreeHoldsWhateverAFailedSyncLeaves) {
  EXPECT_THAT(Violations("cow_tree", 8, PlansOf("cow_tree", 8, "vfs/sync")), ::testing::IsEmpty());
}

// bbolt goes on from a meta that only the page cache has, over the pages of the one on the disk.
TEST(ErrorScenarioTest, WithoutSettlingCowTreeBuildsOnWhatAFailedSyncLeft) {
  const std::string target = "cow_tree:settle=0";
  EXPECT_THAT(Violations(target, 8, PlansOf(target, 8, "vfs/sync")),
              ::testing::Not(::testing::IsEmpty()));
}

TEST(ErrorScenarioTest, CowTreeHoldsWhenItsOwnStepsFail) {
  for (const char* point : {"cow_tree/write_pages", "cow_tree/write_meta", "cow_tree/sync_data",
                            "cow_tree/sync_meta", "cow_tree/allocate", "vfs/sync_directory"}) {
    EXPECT_THAT(Violations("cow_tree", 6, PlansOf("cow_tree", 6, point)), ::testing::IsEmpty())
        << point;
  }
}

TEST(ErrorScenarioTest, M16AcknowledgesWhatAFailedSyncLost) {
  const std::string target = "cow_tree:mutant=M16";
  const auto violations = Violations(target, 8, PlansOf(target, 8, "vfs/sync"));
  EXPECT_TRUE(violations.contains(ViolationClass::kAcknowledgedAfterError));
}

// An aftermath of btrfs is no reason to fail ext4.
TEST(PlansForEach, FitTheFileSystemOfTheModel) {
  const auto fits = [](const char* plan, const char* model) {
    return Fits(*ParseFailurePlan(plan), *FindModel(model));
  };
  const char* revert = "fail(point=vfs/sync,call=1,errno=EIO,aftermath=revert)";
  EXPECT_TRUE(fits(revert, "btrfs"));
  EXPECT_TRUE(fits(revert, "posix-minimal"));
  EXPECT_TRUE(fits(revert, "process-kill"));
  EXPECT_FALSE(fits(revert, "xfs"));
  EXPECT_FALSE(fits("fail(point=vfs/sync,call=1,errno=EIO)", "btrfs"));
  EXPECT_TRUE(fits("fail(point=vfs/sync,call=1,errno=EIO,aftermath=keep-evict)", "ext4-ordered"));
  EXPECT_TRUE(fits("fail(point=vfs/write,call=1,errno=EIO)", "btrfs"));
}

}  // namespace
}  // namespace plugpull
