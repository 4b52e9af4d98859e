// Goal: a selftest that is satisfied too easily is worth nothing. Each way to miss a bug, and each
// way to accuse what is good, has its outcome.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/selftest/selftest.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PlantedBug Bug(Expectation expectation = Expectation::kKilled) {
  return {.name = "B1",
          .bug = "forgets a sync",
          .target = "cow_tree",
          .expectation = expectation,
          .classes = {ViolationClass::kLostCommit, ViolationClass::kHole},
          .symptom = "was acknow?ledged",
          .level = FaultLevel::kPowerCut,
          .why = "nobody can tell"};
}

Result Held() {
  Result result;
  result.verdict = Verdict::kHeld;
  result.coverage.recoveries = 12;
  return result;
}

Result Violated(ViolationClass violation, FaultLevel level,
                const std::string& message = "2 was acknowledged") {
  Result result = Held();
  result.verdict = Verdict::kViolated;
  Finding finding;
  finding.violation = violation;
  finding.fault_level = level;
  finding.message = message;
  result.findings = {finding};
  result.coverage.first = {.crash_point = 7, .transactions_attempted = 2, .recoveries = 5};
  return result;
}

const Result kFound = Violated(ViolationClass::kLostCommit, FaultLevel::kPowerCut);

TEST(JudgeRow, ABugThatIsFoundAsExpectedIsKilled) {
  const SelftestRow row = JudgeRow(Bug(), kFound, std::nullopt);
  EXPECT_EQ(row.outcome, SelftestOutcome::kKilled);
  EXPECT_EQ(row.first_schedule, "crash after operation 7, transaction 2");
  EXPECT_EQ(row.recoveries, 5u);
  EXPECT_EQ(row.level, "power-cut");
  EXPECT_THAT(row.oracles, ElementsAre("lost-commit"));
  EXPECT_EQ(row.message, "2 was acknowledged");
  EXPECT_EQ(row.note, "");
}

TEST(JudgeRow, ABugThatIsNotFoundIsMissed) {
  const SelftestRow row = JudgeRow(Bug(), Held(), std::nullopt);
  EXPECT_EQ(row.outcome, SelftestOutcome::kMissed);
  EXPECT_EQ(row.note, "nothing was found (held)");
  EXPECT_FALSE(row.recoveries.has_value());
}

TEST(JudgeRow, AnotherClassLevelOrSymptomIsAMiss) {
  const Result other_class = Violated(ViolationClass::kStructure, FaultLevel::kPowerCut);
  EXPECT_THAT(JudgeRow(Bug(), other_class, std::nullopt).note, HasSubstr("but structure"));
  const Result other_level = Violated(ViolationClass::kHole, FaultLevel::kTornWrite);
  EXPECT_THAT(JudgeRow(Bug(), other_level, std::nullopt).note,
              HasSubstr("found at level torn-write, not power-cut"));
  const Result other_words = Violated(ViolationClass::kHole, FaultLevel::kPowerCut, "gone");
  EXPECT_THAT(JudgeRow(Bug(), other_words, std::nullopt).note, HasSubstr("no message says"));
  for (const Result& result : {other_class, other_level, other_words}) {
    EXPECT_EQ(JudgeRow(Bug(), result, std::nullopt).outcome, SelftestOutcome::kMissed);
  }
}

TEST(JudgeRow, TheWeakestLevelOfItsClassesCounts) {
  Result result = Violated(ViolationClass::kHole, FaultLevel::kTornWrite);
  result.findings.push_back(kFound.findings[0]);
  EXPECT_EQ(JudgeRow(Bug(), result, std::nullopt).outcome, SelftestOutcome::kKilled);
}

TEST(JudgeRow, AFaultThatNeverFiredIsAMiss) {
  Result result = kFound;
  result.faults_fired = {{.fault = "stale-page", .advice = "try more"}};
  const SelftestRow row = JudgeRow(Bug(), result, std::nullopt);
  EXPECT_EQ(row.outcome, SelftestOutcome::kMissed);
  EXPECT_THAT(row.note, HasSubstr("never fired: stale-page"));
}

TEST(JudgeRow, WhatIsGoodIsHeldAccusedOrUnknown) {
  PlantedBug good = Bug(Expectation::kHeld);
  EXPECT_EQ(JudgeRow(good, Held(), std::nullopt).outcome, SelftestOutcome::kHeld);
  const SelftestRow accused = JudgeRow(good, kFound, std::nullopt);
  EXPECT_EQ(accused.outcome, SelftestOutcome::kFalseAlarm);
  EXPECT_THAT(accused.note, HasSubstr("lost-commit under power-cut"));
  Result unknown;
  unknown.coverage.unknown = {"nondeterministic: as it says"};
  const SelftestRow broken = JudgeRow(good, unknown, std::nullopt);
  EXPECT_EQ(broken.outcome, SelftestOutcome::kBroken);
  EXPECT_THAT(broken.note, HasSubstr("nondeterministic"));
}

TEST(JudgeRow, AnEquivalentBugHoldsAndIsKilledBeyondTheContract) {
  PlantedBug bug = Bug(Expectation::kEquivalent);
  bug.beyond = Attack{.faults = "sub-sector-tear"};
  const SelftestRow row = JudgeRow(bug, Held(), Expected<Result>(kFound));
  EXPECT_EQ(row.outcome, SelftestOutcome::kEquivalent);
  EXPECT_EQ(row.note, "nobody can tell");
  EXPECT_EQ(row.level, "power-cut");
  EXPECT_EQ(row.total_recoveries, 24u);
  const SelftestRow survives = JudgeRow(bug, Held(), Expected<Result>(Held()));
  EXPECT_EQ(survives.outcome, SelftestOutcome::kMissed);
  const SelftestRow harmful = JudgeRow(bug, kFound, Expected<Result>(kFound));
  EXPECT_EQ(harmful.outcome, SelftestOutcome::kFalseAlarm);
}

TEST(JudgeRow, AnEquivalentBugThatNothingReachesSaysWhy) {
  const SelftestRow row = JudgeRow(Bug(Expectation::kEquivalent), Held(), std::nullopt);
  EXPECT_EQ(row.outcome, SelftestOutcome::kEquivalent);
  EXPECT_EQ(row.note, "nobody can tell");
}

TEST(JudgeRow, ARunThatCouldNotBeDoneIsBroken) {
  const SelftestRow row =
      JudgeRow(Bug(), Fail(ErrorCode::kTargetFailed, "it fell over"), std::nullopt);
  EXPECT_EQ(row.outcome, SelftestOutcome::kBroken);
  EXPECT_EQ(row.note, "it fell over");
}

TEST(JudgeRow, AReaderThatChangedTookNoRecovery) {
  Result result = Violated(ViolationClass::kHole, FaultLevel::kPowerCut);
  Finding reader;
  reader.violation = ViolationClass::kReaderChanged;
  reader.signature = "reader-changed: while running";
  reader.transactions_attempted = 4;
  result.findings.push_back(reader);
  const SelftestRow row = JudgeRow(Bug(), result, std::nullopt);
  EXPECT_EQ(row.first_schedule, "no crash, transaction 4");
  EXPECT_EQ(row.recoveries, 0u);
  EXPECT_THAT(row.oracles, ElementsAre("hole", "reader-changed"));
}

}  // namespace
}  // namespace plugpull
