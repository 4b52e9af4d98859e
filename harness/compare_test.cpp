// Goal: costs are what can be counted by hand, cells say what a search found, and a comparison is
// the same for any number of jobs.
#include "harness/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "harness/cli/compare_command.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::ElementsAre;

TEST(CostOf, AnAppendIsOneWriteAndOneSync) {
  // A record is 13 bytes of header, 1 of count, then 1 + 1 of key, 1 of kind, 1 + 5 of value.
  const Trace trace = TraceOf("files:protocol=append", {Put("k", "12345"), Put("k", "67890")});
  const CommitCost cost = CostOf(trace);
  EXPECT_EQ(cost.commits, 2u);
  EXPECT_EQ(cost.syncs, 2u);
  EXPECT_EQ(cost.writes, 2u);
  EXPECT_EQ(cost.bytes, 2u * (13 + 1 + 2 + 1 + 6));
  EXPECT_EQ(cost.changed_bytes, 2u * 6);
}

TEST(CostOf, AReplacementWritesTheWholeStoreAndSyncsTwice) {
  // A store is 4 bytes of magic and 1 of count, then 2 of key and 3 of value for each pair.
  const Trace trace =
      TraceOf("files:protocol=replace", {Put("a", "12"), Put("b", "34"), Delete("a")});
  const CommitCost cost = CostOf(trace);
  EXPECT_EQ(cost.commits, 3u);
  EXPECT_EQ(cost.syncs, 6u);
  EXPECT_EQ(cost.writes, 3u);
  EXPECT_EQ(cost.bytes, (5u + 5) + (5 + 10) + (5 + 5));
  EXPECT_EQ(cost.changed_bytes, 3u + 3 + 1);
}

TEST(CostOf, OfTheChangesOfAKeyTheLastCounts) {
  const Transaction twice = {.changes = {{"k", "1234567"}, {"k", "12"}}};
  EXPECT_EQ(CostOf(TraceOf("files:protocol=append", {twice})).changed_bytes, 1u + 2);
}

TEST(CostOf, NothingBeforeTheFirstBeginOrAfterTheLastAcknowledgementCounts) {
  Trace trace = TraceOf("files:protocol=append", {Put("k", "12345")});
  const CommitCost before = CostOf(trace);
  const Op write = *std::ranges::find(trace.ops, OpKind::kWrite, &Op::kind);
  trace.ops.push_back({.kind = OpKind::kBegin, .transaction = 1});
  trace.ops.push_back(write);
  trace.ops.push_back({.kind = OpKind::kSync, .inode = write.inode});
  EXPECT_EQ(CostOf(trace).syncs, before.syncs);
  EXPECT_EQ(CostOf(trace).writes, before.writes);
  EXPECT_EQ(CostOf(Trace()).commits, 0u);
}

TEST(CostOf, AGroupSharesItsSync) {
  const Trace trace = SmallTrace("files:protocol=wal,group=4,every=100", 10);
  const CommitCost cost = CostOf(trace);
  EXPECT_EQ(cost.commits, 8u) << "two wait for the rest of their group";
  EXPECT_EQ(cost.syncs, 2u);
  EXPECT_EQ(cost.writes, 8u);
}

Finding FindingOf(ViolationClass violation, FaultLevel level) {
  Finding finding;
  finding.violation = violation;
  finding.fault_level = level;
  finding.case_path = std::string(Name(violation));
  return finding;
}

TEST(CellOf, WithoutFindingsThePromiseIsHeld) {
  const ComparisonCell cell = CellOf(Promise::kDurable, true, Promise::kDurable, {});
  EXPECT_EQ(cell.verdict, Verdict::kHeld);
  EXPECT_EQ(cell.broken_by, std::nullopt);
  EXPECT_EQ(cell.case_path, "");
}

TEST(CellOf, TheWeakestFaultThatBreaksThePromiseIsNamed) {
  const std::vector<Finding> findings = {
      FindingOf(ViolationClass::kLostCommit, FaultLevel::kPowerCutOrdered),
      FindingOf(ViolationClass::kStructure, FaultLevel::kTornWrite),
      FindingOf(ViolationClass::kStructure, FaultLevel::kPowerCut)};
  const ComparisonCell durable = CellOf(Promise::kOpens, true, Promise::kDurable, findings);
  EXPECT_EQ(durable.verdict, Verdict::kViolated);
  EXPECT_EQ(durable.broken_by, FaultLevel::kPowerCutOrdered);
  EXPECT_THAT(durable.classes,
              ElementsAre(ViolationClass::kStructure, ViolationClass::kLostCommit));
  EXPECT_EQ(durable.case_path, "structure");
  const ComparisonCell intact = CellOf(Promise::kOpens, true, Promise::kIntact, findings);
  EXPECT_EQ(intact.verdict, Verdict::kViolated);
  EXPECT_EQ(intact.broken_by, FaultLevel::kPowerCut) << "a lost commit breaks no weaker promise";
  const ComparisonCell opens = CellOf(Promise::kOpens, true, Promise::kOpens, findings);
  EXPECT_EQ(opens.verdict, Verdict::kHeld);
  EXPECT_EQ(opens.broken_by, std::nullopt);
}

TEST(CellOf, NothingIsKeptWhereTheStoreDoesNotOpen) {
  const ComparisonCell cell =
      CellOf(std::nullopt, false, Promise::kOpens,
             {FindingOf(ViolationClass::kRefusesToOpen, FaultLevel::kPowerCut)});
  EXPECT_EQ(cell.verdict, Verdict::kViolated);
  EXPECT_EQ(cell.kept, std::nullopt);
}

class Comparisons : public testing::Test {
 protected:
  ~Comparisons() override { std::filesystem::remove_all(directory_); }

  Comparison Run(
      std::string_view strategies, Promise promise, uint32_t jobs = 2,
      const OnCompareProgress& on_progress = [](const CompareProgress&) { return true; }) {
    CompareOptions options;
    options.strategies = *ChooseStrategies(strategies);
    options.models = {FindModel("posix-minimal"), FindModel("ext4-journal")};
    options.explore.settings.promise = promise;
    options.explore.jobs = jobs;
    options.explore.out_directory = directory_;
    options.record.options = {.seed = 1, .transactions = 6, .keys = 6};
    const Expected<Comparison> comparison = Compare(options, on_progress);
    EXPECT_TRUE(comparison.has_value()) << Describe(comparison.error());
    return comparison.value_or(Comparison());
  }

  const std::string directory_ =
      testing::TempDir() + "plugpull-compare-" + std::to_string(::getpid());
};

TEST_F(Comparisons, WhatHoldsUnderTheWeakestModelHoldsUnderAll) {
  const Comparison comparison = Run("append-fsync", Promise::kDurable);
  ASSERT_EQ(comparison.rows.size(), 1u);
  const std::vector<ComparisonCell>& cells = comparison.rows[0].cells;
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(cells[0].verdict, Verdict::kHeld);
  EXPECT_EQ(cells[0].kept, Promise::kDurable);
  EXPECT_TRUE(cells[0].exhaustive);
  EXPECT_FALSE(cells[0].implied);
  EXPECT_GT(cells[0].recoveries, 0u);
  EXPECT_EQ(cells[1].verdict, Verdict::kHeld);
  EXPECT_TRUE(cells[1].implied);
  EXPECT_EQ(cells[1].recoveries, 0u);
}

TEST_F(Comparisons, TheStrongestPromiseKeptIsFound) {
  const Comparison comparison = Run("replace-file", Promise::kDurable);
  const ComparisonCell& cell = comparison.rows[0].cells[0];
  EXPECT_EQ(cell.verdict, Verdict::kViolated);
  EXPECT_EQ(cell.kept, Promise::kPrefix);
  EXPECT_TRUE(cell.exhaustive);
  EXPECT_EQ(cell.broken_by, FaultLevel::kPowerCutOrdered);
  EXPECT_THAT(cell.classes, ElementsAre(ViolationClass::kLostCommit));
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/" + cell.case_path)) << cell.case_path;
}

TEST_F(Comparisons, AWeakerPromiseMayHoldWhereDurableDoesNot) {
  const Comparison comparison = Run("replace-file,replace-none", Promise::kPrefix);
  EXPECT_EQ(comparison.rows[0].name, "replace-none");
  EXPECT_EQ(comparison.rows[0].cells[0].verdict, Verdict::kViolated);
  EXPECT_EQ(comparison.rows[0].cells[0].kept, std::nullopt);
  EXPECT_EQ(comparison.rows[1].cells[0].verdict, Verdict::kHeld);
  EXPECT_EQ(comparison.rows[1].cells[0].kept, Promise::kPrefix);
  EXPECT_EQ(comparison.rows[1].cells[0].broken_by, std::nullopt);
}

TEST_F(Comparisons, AreTheSameForAnyNumberOfJobs) {
  Comparison one = Run("replace*,append-fsync", Promise::kDurable, 1);
  Comparison three = Run("replace*,append-fsync", Promise::kDurable, 3);
  one.elapsed_s = three.elapsed_s = 0;
  EXPECT_EQ(RenderComparisonJson(one), RenderComparisonJson(three));
}

TEST_F(Comparisons, ThatAreStoppedSayWhatTheyDoNotKnow) {
  const Comparison comparison =
      Run("append-fsync,wal", Promise::kDurable, 2, [](const CompareProgress&) { return false; });
  EXPECT_TRUE(comparison.interrupted);
  ASSERT_EQ(comparison.rows.size(), 2u);
  for (const ComparisonRow& row : comparison.rows) {
    EXPECT_EQ(row.cost.commits, 6u);
    ASSERT_EQ(row.cells.size(), 2u);
    EXPECT_EQ(row.cells[1].verdict, Verdict::kUnknown);
    EXPECT_EQ(row.cells[1].unknown, "stopped by a signal");
  }
}

TEST_F(Comparisons, ThatAreStoppedClaimNoPromiseThatWasNotSearched) {
  // The first search ends with its findings; the one for the weaker promise does not begin.
  uint64_t recoveries = 0;
  const Comparison comparison =
      Run("replace-file", Promise::kDurable, 2, [&](const CompareProgress& progress) {
        const bool goes_on = progress.explore.recoveries >= recoveries;
        recoveries = progress.explore.recoveries;
        return goes_on;
      });
  EXPECT_TRUE(comparison.interrupted);
  const ComparisonCell& cell = comparison.rows[0].cells[0];
  EXPECT_EQ(cell.verdict, Verdict::kViolated);
  EXPECT_EQ(cell.kept, std::nullopt);
  EXPECT_EQ(cell.unknown, "stopped by a signal");
}

std::vector<std::string> NamesOf(const std::vector<std::string>& texts) {
  const auto models = ParseModels(texts);
  EXPECT_TRUE(models.has_value());
  std::vector<std::string> names;
  for (const Model* model : models.value_or(std::vector<const Model*>())) {
    names.push_back(model->name);
  }
  return names;
}

TEST(ParseModels, AreSeparatedByCommasAndSemicolonsAndRepetition) {
  EXPECT_EQ(NamesOf({}).size(), Models().size());
  EXPECT_EQ(NamesOf({"all"}).size(), Models().size());
  EXPECT_EQ(NamesOf({"xfs,all"}).size(), Models().size()) << "each once";
  EXPECT_THAT(NamesOf({"xfs,btrfs"}), ElementsAre("xfs", "btrfs"));
  EXPECT_THAT(NamesOf({"xfs;btrfs", "somc", "xfs"}), ElementsAre("xfs", "btrfs", "somc"));
  EXPECT_FALSE(ParseModels({"xfs,btrsf"}).has_value());
}

}  // namespace
}  // namespace plugpull
