// Goal: the conclusions follow from the cells and the costs, and every format says them.
#include "reports/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/comparison_testing.h"
#include "reports/comparison_text.h"

namespace plugpull {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(CommitCosts, AreComparedBySyncsThenBytesThenWrites) {
  const CommitCost base{.commits = 2, .syncs = 2, .writes = 2, .bytes = 100};
  EXPECT_FALSE(IsCheaper(base, base));
  EXPECT_TRUE(IsCheaper({.commits = 2, .syncs = 1, .writes = 9, .bytes = 900}, base));
  EXPECT_TRUE(IsCheaper({.commits = 2, .syncs = 2, .writes = 9, .bytes = 99}, base));
  EXPECT_TRUE(IsCheaper({.commits = 2, .syncs = 2, .writes = 1, .bytes = 100}, base));
  EXPECT_FALSE(IsCheaper({.commits = 4, .syncs = 4, .writes = 4, .bytes = 200}, base))
      << "the same for each commit";
  EXPECT_TRUE(IsCheaper({.commits = 3, .syncs = 2, .writes = 9, .bytes = 900}, base));
  EXPECT_EQ(PerCommit(5, {.commits = 2}), 2.5);
  EXPECT_EQ(PerCommit(5, {}), 0);
}

TEST(Conclusions, TheCheapestThatHoldsIsChosenInEachGroup) {
  const Comparison comparison = SmallComparison();
  EXPECT_EQ(Cheapest(comparison, 0, StrategyGroup::kProtocols)->name, "steady");
  EXPECT_EQ(Cheapest(comparison, 1, StrategyGroup::kProtocols)->name, "steady");
  EXPECT_EQ(Cheapest(comparison, 0, StrategyGroup::kProtocols, Waiting::kNever)->name, "slow");
  EXPECT_EQ(Cheapest(comparison, 1, StrategyGroup::kProtocols, Waiting::kNever)->name, "slow");
  EXPECT_EQ(Cheapest(comparison, 0, StrategyGroup::kEngines), nullptr);
  EXPECT_EQ(Cheapest(comparison, 1, StrategyGroup::kEngines)->name, "engine");
}

TEST(Conclusions, AStrategyIsDominatedWhenAnotherIsNoWorseInAnything) {
  const Comparison comparison = SmallComparison();
  const std::vector<Dominated> dominated = DominatedRows(comparison);
  ASSERT_EQ(dominated.size(), 1u) << "slow writes less, fast syncs less";
  EXPECT_EQ(dominated[0].row->name, "wasteful");
  EXPECT_EQ(dominated[0].by->name, "steady");
}

TEST(Conclusions, AStrategyWhoseCommitsWaitDominatesNoneWhoseDoNot) {
  Comparison comparison = SmallComparison();
  comparison.rows[3].group_commit = false;  // wasteful
  EXPECT_TRUE(DominatedRows(comparison).empty());
  comparison.rows[1].group_commit = false;  // steady
  EXPECT_EQ(DominatedRows(comparison).size(), 1u);
}

TEST(Conclusions, EqualStrategiesDoNotDominateEachOther) {
  Comparison comparison = SmallComparison();
  comparison.rows = {comparison.rows[1], comparison.rows[1]};
  EXPECT_TRUE(DominatedRows(comparison).empty());
  comparison.rows[0].cells[0] = ViolatedCell(Promise::kPrefix, FaultLevel::kPowerCut);
  EXPECT_EQ(DominatedRows(comparison).size(), 1u) << "as dear, and less safe";
}

TEST(Conclusions, WhatIsNotKnownIsNeitherCheapestNorDominated) {
  Comparison comparison = SmallComparison();
  for (ComparisonRow& row : comparison.rows) row.cells[0] = ComparisonCell();
  EXPECT_EQ(Cheapest(comparison, 0, StrategyGroup::kProtocols), nullptr);
  EXPECT_TRUE(DominatedRows(comparison).empty());
}

TEST(Conclusions, AreNotSettledWhileACheaperStrategyIsNotKnown) {
  Comparison comparison = SmallComparison();
  comparison.rows[2].cells[0] = ComparisonCell();  // fast
  const StrategyChoice cheaper = ChoiceOf(comparison, 0, StrategyGroup::kProtocols);
  EXPECT_EQ(cheaper.row->name, "steady");
  EXPECT_EQ(ChoiceText(cheaper),
            "steady (1.08 syncs, 1,200 bytes a commit); cheaper ones not known");
  EXPECT_TRUE(ChoiceOf(comparison, 1, StrategyGroup::kProtocols).is_settled);
  const json result = json::parse(RenderComparisonJson(comparison));
  EXPECT_EQ(result["cheapest"][0]["unsettled"],
            json({"protocols", "protocols_without_group_commit"}));
  comparison.rows[2].cells[0] = HeldCell();
  comparison.rows[0].cells[0] = ComparisonCell();  // slow
  EXPECT_TRUE(ChoiceOf(comparison, 0, StrategyGroup::kProtocols).is_settled) << "it is dearer";
  comparison.rows[4].cells[0] = ComparisonCell();  // the only engine
  EXPECT_EQ(ChoiceText(ChoiceOf(comparison, 0, StrategyGroup::kEngines)), "not known");
  EXPECT_EQ(ChoiceText(StrategyChoice()), "none");
}

TEST(Conclusions, ACellThatWasNotSearchedToItsEndDominatesNothing) {
  Comparison comparison = SmallComparison();
  comparison.rows[3].cells[1].kept = std::nullopt;
  comparison.rows[3].cells[1].unknown = "out of budget";
  EXPECT_TRUE(DominatedRows(comparison).empty());
}

TEST(Conclusions, ModelsWithTheSameAnswerAreToldTogether) {
  Comparison comparison = SmallComparison();
  EXPECT_EQ(CheapestChoices(comparison).size(), 2u);
  comparison.rows.pop_back();  // the engine
  comparison.rows.pop_back();  // wasteful
  ASSERT_EQ(CheapestChoices(comparison).size(), 1u);
  EXPECT_EQ(CheapestChoices(comparison)[0].models, comparison.models);
}

TEST(CellText, SaysThePromiseKeptAndTheWeakestFault) {
  EXPECT_EQ(CellText(HeldCell()), "durable");
  EXPECT_EQ(CellText(ViolatedCell(Promise::kPrefix, FaultLevel::kPowerCutOrdered)), "prefix 1");
  EXPECT_EQ(CellText(ViolatedCell(std::nullopt, FaultLevel::kProcessKill)), "none 0");
  EXPECT_EQ(CellText(ComparisonCell()), "?");
  ComparisonCell bounded = HeldCell();
  bounded.exhaustive = false;
  EXPECT_EQ(CellText(bounded), "durable~");
  bounded = ViolatedCell(Promise::kAtomic, FaultLevel::kTornWrite);
  bounded.exhaustive = false;
  EXPECT_EQ(CellText(bounded), "atomic~3");
  bounded.kept = std::nullopt;
  bounded.unknown = "out of budget";
  EXPECT_EQ(CellText(bounded), "? 3") << "broken, and nobody knows how much is left";
}

TEST(ComparisonJson, HoldsEveryFieldOfItsSchema) {
  const json result = json::parse(RenderComparisonJson(SmallComparison()));
  EXPECT_EQ(result["schema"], "plugpull.compare/1");
  EXPECT_EQ(result["command"], "compare");
  EXPECT_EQ(result["seed"], 18446744073709551615ULL);
  EXPECT_EQ(result["promise"], "durable");
  EXPECT_EQ(result["models"], json({"posix-minimal", "xfs"}));
  EXPECT_EQ(result["recoveries"], 1234);
  EXPECT_EQ(result["interrupted"], false);
  ASSERT_EQ(result["strategies"].size(), 5u);
  const json& fast = result["strategies"][2];
  EXPECT_EQ(fast["name"], "fast");
  EXPECT_EQ(fast["group"], "protocols");
  EXPECT_EQ(fast["target"], "files:protocol=fast");
  EXPECT_EQ(fast["cells"][0]["model"], "posix-minimal");
  EXPECT_EQ(fast["cells"][0]["modelled"]["kept"], nullptr);
  EXPECT_EQ(fast["cells"][1]["modelled"],
            json({{"verdict", "violated"},
                  {"kept", "prefix"},
                  {"broken_by", "power-cut"},
                  {"fault_level", 2},
                  {"classes", {"lost-commit"}},
                  {"coverage", "exhaustive"},
                  {"implied", false},
                  {"recoveries", 30},
                  {"case", "cases/fast/xfs/findings/lost-commit-1f0c2a44.case"},
                  {"unknown", nullptr}}));
  const json& held = result["strategies"][1]["cells"][1]["modelled"];
  EXPECT_EQ(held["verdict"], "held");
  EXPECT_EQ(held["broken_by"], nullptr);
  EXPECT_EQ(held["case"], nullptr);
  EXPECT_EQ(held["implied"], true);
  const json& cost = result["strategies"][0]["cost"];
  EXPECT_EQ(cost["commits"], 12);
  EXPECT_EQ(cost["syncs_per_commit"], 3.0);
  EXPECT_EQ(cost["writes_per_commit"], 2.0);
  EXPECT_EQ(cost["bytes_per_commit"], 200.0);
  EXPECT_EQ(cost["write_amplification"], 2.0);
  EXPECT_EQ(result["strategies"][1]["group_commit"], true);
  EXPECT_EQ(result["cheapest"][0], json({{"model", "posix-minimal"},
                                         {"protocols", "steady"},
                                         {"engines", nullptr},
                                         {"protocols_without_group_commit", "slow"},
                                         {"unsettled", json::array()}}));
  EXPECT_EQ(result["cheapest"][1]["engines"], "engine");
  EXPECT_EQ(result["dominated"], json::parse(R"([{"strategy": "wasteful", "by": "steady"}])"));
}

size_t WidestLine(const std::string& text) {
  size_t widest = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    widest = std::max(widest, end - begin);
    begin = end + 1;
  }
  return widest;
}

TEST(ComparisonConsole, IsATableThatFitsATerminal) {
  Comparison comparison = SmallComparison();
  const std::string text = RenderComparisonConsole(comparison);
  EXPECT_THAT(text, HasSubstr("         posix    xfs\n"
                              "slow     durable  durable\n"
                              "steady   durable  durable\n"
                              "fast     none 1   prefix 2\n"
                              "wasteful durable  atomic 3\n"
                              "\n"
                              "engine   prefix 2 durable\n"));
  EXPECT_THAT(text, HasSubstr("posix = posix-minimal."));
  EXPECT_THAT(text, HasSubstr("engine     2.50    10.0   12,346   123.5  how engine does it\n"));
  EXPECT_THAT(text, HasSubstr("  posix-minimal:\n"
                              "    of the protocols  steady (1.08 syncs, 1,200 bytes a commit)\n"
                              "      no group commit slow (3.00 syncs, 200 bytes a commit)\n"
                              "    of the engines    none\n"));
  EXPECT_THAT(text, HasSubstr("Amplif.: bytes written\n    for each byte"));
  EXPECT_THAT(text, HasSubstr("  wasteful (see steady)\n"));
  EXPECT_LE(WidestLine(text), 100u);
}

TEST(ComparisonConsole, FitsWithEightModelsAndLongNamesAndGoesOnBelowWithMore) {
  Comparison comparison = SmallComparison();
  comparison.models = {"posix-minimal",        "somc",         "ext4-writeback",
                       "ext4-ordered",         "xfs",          "btrfs",
                       "ext4-ordered-classic", "ext4-journal", "xfs,drag=to-covered"};
  for (ComparisonRow& row : comparison.rows) {
    row.name = "sqlite-delete-extra";
    row.description = std::string(45, 'd');
    row.cells.assign(9, ViolatedCell(Promise::kPrefix, FaultLevel::kPowerCut));
    row.cells.back().exhaustive = false;
  }
  const std::string text = RenderComparisonConsole(comparison);
  EXPECT_LE(WidestLine(text), 100u) << text;
  EXPECT_THAT(text, HasSubstr("model-9 = xfs,drag=to-covered"));
  EXPECT_THAT(text, HasSubstr("                    model-9\nsqlite-delete-extra prefix~2\n"));
}

TEST(ComparisonMarkdown, HasOneTableOfCellsAndOneOfChoices) {
  Comparison comparison = SmallComparison();
  const std::string text = RenderComparisonMarkdown(comparison);
  EXPECT_THAT(text, HasSubstr("| strategy | syncs | writes | bytes | posix-minimal | xfs |\n"
                              "|---|---:|---:|---:|---|---|\n"
                              "| slow | 3.00 | 2.0 | 200 | **durable** | **durable** |\n"));
  EXPECT_THAT(text, HasSubstr("| fast | 0.00 | 1.0 | 100 | none 1 | prefix 2 |\n"));
  EXPECT_THAT(text,
              HasSubstr("| xfs | steady (1.08 syncs, 1,200 bytes a commit) | slow (3.00 syncs, 200 "
                        "bytes a commit) | engine (2.50 syncs, 12,346 bytes a commit) |\n"));
  EXPECT_THAT(text, HasSubstr("- wasteful: see steady\n"));
  EXPECT_THAT(text, Not(HasSubstr("partial results")));
  comparison.interrupted = true;
  comparison.models[0] = "a|b";
  EXPECT_THAT(RenderComparisonMarkdown(comparison), HasSubstr("Stopped by a signal"));
  EXPECT_THAT(RenderComparisonMarkdown(comparison), HasSubstr("| a\\|b |"));
}

}  // namespace
}  // namespace plugpull
