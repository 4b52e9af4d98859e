// Goal: what a reader saw while a run was recorded, or in the use after a recovery, becomes a
// finding with a case that shows it again. Method: a log whose readers see the writer's changes.
#include "harness/reader_finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "harness/carry.h"
#include "harness/case_file.h"
#include "harness/cycles.h"
#include "harness/recovery.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

class ReaderFinding : public testing::Test {
 protected:
  ReaderFinding() {
    options_.out_directory =
        testing::TempDir() + "plugpull-reader-finding-" + std::to_string(::getpid());
    std::filesystem::remove_all(options_.out_directory);
  }

  ~ReaderFinding() override { std::filesystem::remove_all(options_.out_directory); }

  // Few, for every crash state is looked at.
  static constexpr uint32_t kTransactions = 4;
  static constexpr uint32_t kKeys = 4;

  Trace Run(const std::string& target, uint32_t readers = 1) {
    record_ = {.target = target,
               .workload = "mixed",
               .options = {.seed = 1, .transactions = kTransactions, .keys = kKeys},
               .company = {.readers = readers}};
    options_.settings.target = target;
    options_.settings.keys = kKeys;
    options_.settings.depth = 1;
    options_.settings.readers = readers;
    const Expected<Trace> trace = Record(record_);
    EXPECT_TRUE(trace.has_value()) << Describe(trace.error());
    return trace.value_or(Trace());
  }

  Result Found(const Trace& trace) {
    Expected<Result> result = Explore(trace, options_, [](const ExploreProgress&) { return true; });
    EXPECT_TRUE(result.has_value()) << Describe(result.error());
    return result.value_or(Result());
  }

  RecordSettings record_;
  ExploreOptions options_;
};

TEST_F(ReaderFinding, IsAFindingThatNeedsNoCrashAndIsReplayedByRunningAgain) {
  const Trace trace = Run("fragile_log:readers=live");
  const Result result = Found(trace);
  EXPECT_EQ(result.verdict, Verdict::kViolated);
  const auto found =
      std::ranges::find(result.findings, "reader-changed: while running", &Finding::signature);
  ASSERT_NE(found, result.findings.end());
  const Finding& finding = *found;
  EXPECT_EQ(finding.fault_level, FaultLevel::kProcessKill);
  EXPECT_TRUE(finding.lost.empty());
  EXPECT_EQ(finding.models.size(), Models().size());
  EXPECT_GE(finding.transactions_attempted, 1u);
  EXPECT_EQ(finding.transactions_acknowledged, finding.transactions_attempted);

  const Expected<Case> saved = LoadCase(options_.out_directory + "/" + finding.case_path);
  ASSERT_TRUE(saved.has_value()) << Describe(saved.error());
  EXPECT_TRUE(saved->while_recording);
  const Expected<std::optional<Violation>> again = WatchAgain(saved->trace);
  ASSERT_TRUE(again.has_value()) << Describe(again.error());
  EXPECT_EQ(*again, saved->violation);
}

TEST_F(ReaderFinding, IsSeenInTheUseAfterRecoveryToo) {
  Trace trace = Run("fragile_log:readers=live");
  ForgetReaderChange(trace);
  const Result result = Found(trace);
  ASSERT_FALSE(result.findings.empty());
  for (const Finding& finding : result.findings) {
    EXPECT_EQ(finding.violation, ViolationClass::kReaderChanged);
    EXPECT_THAT(finding.message,
                HasSubstr("a reader that was opened on the recovered store changed after "
                          "transaction "));
  }
  options_.settings.readers = 0;
  EXPECT_EQ(Found(trace).verdict, Verdict::kHeld);
}

TEST_F(ReaderFinding, IsNoneWhereReadersAreRightOrNothingIsPromised) {
  EXPECT_EQ(Found(Run("fragile_log", 3)).verdict, Verdict::kHeld);
  const Trace trace = Run("fragile_log:readers=live");
  options_.settings.promise = Promise::kIntact;
  EXPECT_EQ(Found(trace).verdict, Verdict::kHeld);
}

TEST_F(ReaderFinding, ARunThatDoesNotShowItAnyMoreDoesNotReproduce) {
  Trace trace = Run("fragile_log:readers=live");
  trace.facts["target"] = "fragile_log";
  const Expected<std::optional<Violation>> again = WatchAgain(trace);
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(again->has_value());
}

TEST_F(ReaderFinding, AStoreThatGoesOnAfterACrashHasReadersAsWell) {
  const Trace trace = Run("fragile_log:readers=live");
  CrashPick pick;
  pick.window = {kTransactions, kTransactions};
  pick.state.position = trace.ops.size();
  const Trace start =
      StartFrom(trace, pick, kTransactions, {Put("a", "1"), Put("b", "2"), Put("a", "3")});
  const Expected<Trace> next = Continue(record_.target, start);
  ASSERT_TRUE(next.has_value()) << Describe(next.error());
  const std::optional<ReaderChange> change = ReaderChangeOf(*next);
  ASSERT_TRUE(change.has_value());
  EXPECT_GT(change->transaction, kTransactions);
  const Expected<std::optional<Violation>> again = WatchAgain(*next);
  ASSERT_TRUE(again.has_value()) << Describe(again.error());
  ASSERT_TRUE(again->has_value());
  EXPECT_EQ((*again)->message, change->message);
}

TEST_F(ReaderFinding, CyclesOfAGoodStoreHoldWithReaders) {
  const Trace trace = Run("fragile_log", 2);
  options_.cycles = 3;
  const Expected<Result> result =
      ExploreCycles(record_, trace, options_, [](const ExploreProgress&) { return true; });
  ASSERT_TRUE(result.has_value()) << Describe(result.error());
  EXPECT_EQ(result->verdict, Verdict::kHeld);
}

TEST_F(ReaderFinding, ATraceThatHoldsNonsenseHasNone) {
  Trace trace = Run("fragile_log:readers=live");
  for (const char* text : {"", "seven", "7x", "99999", "-1"}) {
    trace.facts["reader_changed_after"] = text;
    EXPECT_FALSE(ReaderChangeOf(trace).has_value()) << text;
  }
}

}  // namespace
}  // namespace plugpull
