// Goal: what a person reads is true, short, and harmless to the terminal that shows it.
#include "reports/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/testing.h"

namespace plugpull {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr ConsoleStyle kPlain = {.color = false};
constexpr ConsoleStyle kColor = {.color = true};

TEST(Grouped, PutsACommaBeforeEachThreeDigits) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(7), "7");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(99999), "99,999");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
  EXPECT_EQ(Grouped(18446744073709551615ULL), "18,446,744,073,709,551,615");
}

TEST(Findings, SayWhatHappenedWhatWasLostAndHowToReproduceIt) {
  EXPECT_EQ(RenderFindings(SmallResult(), "out", kPlain),
            "lost-commit  recovered the state after transaction 2, but transaction 3 was "
            "acknowledged\n"
            "  crash      after operation 17; transaction 3 acknowledged, 4 attempted\n"
            "  lost       #15 write log 0+4096\n"
            "  needs      power-cut\n"
            "  models     portability: only posix-minimal, somc; by contract also xfs\n"
            "  seen       1,234 times\n"
            "  reproduce  plugpull replay out/findings/lost-commit-1f0c2a44.case\n\n");
}

TEST(Findings, SayWhatCanBeDoneAboutTheImage) {
  Result result = SmallResult();
  EXPECT_THAT(RenderFindings(result, "out", kPlain), Not(HasSubstr("recover  ")));
  EXPECT_EQ(RenderRecoverability(result), "");
  result.findings[0].recoverability = "needs page surgery, loses 3 of 40 keys (7.5 %)";
  EXPECT_THAT(RenderFindings(result, "out", kPlain),
              HasSubstr("  recover    needs page surgery, loses 3 of 40 keys (7.5 %)\n"));
  result.recoverability = {
      {.name = "cured by previous meta", .images = 1096, .transactions_lost = 1096},
      {.name = "needs page surgery", .images = 3, .keys_lost = 9, .keys = 120}};
  result.repairs = {{.repair = "revert-meta", .cures = 1096}};
  EXPECT_EQ(RenderRecoverability(result),
            "Violated images, and what can be done about them:\n"
            "   1,096  cured by previous meta, 1.0 acknowledged transactions lost each\n"
            "       3  needs page surgery, 7.5 % of the keys lost\n"
            "   1,096  of them are cured by revert-meta alone\n");
}

TEST(Findings, SayInWhichCycleTheyWereMade) {
  Result result = SmallResult();
  EXPECT_THAT(RenderFindings(result, "out", kPlain), Not(HasSubstr("cycle")));
  result.findings[0].cycle = 3;
  EXPECT_THAT(RenderFindings(result, "out", kPlain),
              HasSubstr("  when       in cycle 3, on a store that has survived crashes\n  crash "));
  result.findings[0].in_use = true;
  EXPECT_THAT(RenderFindings(result, "out", kPlain),
              HasSubstr("in cycle 3, while the store was used after the crash below\n"));
}

TEST(Findings, AreEmptyWithoutFindings) { EXPECT_EQ(RenderFindings(Result(), "out", kColor), ""); }

TEST(Findings, ListSixLostThingsAndCountTheRest) {
  Result result = SmallResult();
  result.findings[0].lost = {"l1", "l2", "l3", "l4", "l5", "l6"};
  const std::string six = RenderFindings(result, "out", kPlain);
  EXPECT_THAT(six, HasSubstr(" l6\n"));
  EXPECT_THAT(six, Not(HasSubstr("more")));
  result.findings[0].lost.insert(result.findings[0].lost.end(), {"l7", "l8"});
  const std::string eight = RenderFindings(result, "out", kPlain);
  EXPECT_THAT(eight, Not(HasSubstr("l7")));
  EXPECT_THAT(eight, HasSubstr("and 2 more\n"));
  result.findings[0].lost.clear();
  EXPECT_THAT(RenderFindings(result, "out", kPlain), HasSubstr("  lost       nothing\n"));
}

TEST(Findings, NeutraliseControlCharactersOfTheEngine) {
  Result result = SmallResult();
  result.target = "t\x1b]0;";
  result.findings[0].message =
      "a\x1b[2Jb\r\n\tc\x7f\xc2\x9b"
      "d \xc3\xa4 ok";
  result.findings[0].lost = {"x\x07y"};
  const std::string text = RenderFindings(result, "out", kPlain);
  EXPECT_THAT(text, StartsWith("lost-commit  a?[2Jb???c??d \xc3\xa4 ok\n"));
  EXPECT_THAT(text, HasSubstr("lost       x?y\n"));
  EXPECT_THAT(RenderLastLine(result, "r", kPlain), Not(HasSubstr("\x1b")));
}

TEST(Findings, AreColouredOnlyWhenAsked) {
  EXPECT_THAT(RenderFindings(SmallResult(), "out", kPlain), Not(HasSubstr("\x1b")));
  EXPECT_THAT(RenderFindings(SmallResult(), "out", kColor),
              StartsWith("\x1b[1;31mlost-commit\x1b[0m  "));
}

TEST(ModelsLine, IsThereForARunUnderAllModelsOnly) {
  Result result = SmallResult();
  EXPECT_EQ(RenderModels(result), "");
  result.models = {{"posix-minimal", Verdict::kViolated}, {"xfs", Verdict::kHeld}};
  EXPECT_EQ(RenderModels(result), "held on xfs; violated on posix-minimal\n");
}

TEST(LastLine, SaysCountsCoverageVerdictAndReport) {
  EXPECT_EQ(RenderLastLine(SmallResult(), "out/result.json", kPlain),
            "sqlite:journal=wal,sync=off: 4 transactions, 12 crash points, 10^29.2 crash states "
            "in 1,500 recoveries (bounded: per-class) in 2.5 s; promise durable: violated, 1 "
            "finding; report in out/result.json");
}

TEST(LastLine, CountsFindings) {
  Result result = SmallResult();
  result.findings.push_back(SmallFinding());
  EXPECT_THAT(RenderLastLine(result, "r", kPlain), HasSubstr("violated, 2 findings;"));
}

TEST(LastLine, WritesSmallCountsInFullAndBoundsAsBounds) {
  Result result = SmallResult();
  result.coverage.states = "1234567";
  result.coverage.mode = "exhaustive";
  result.coverage.bounds.clear();
  EXPECT_THAT(RenderLastLine(result, "r", kPlain),
              HasSubstr(" 1,234,567 crash states in 1,500 recoveries (exhaustive) "));
  result.coverage.states_exact = false;
  EXPECT_THAT(RenderLastLine(result, "r", kPlain), HasSubstr(" at least 1,234,567 crash states"));
}

TEST(LastLine, GivesTheReasonForUnknown) {
  Result result = SmallResult();
  result.findings.clear();
  result.verdict = Verdict::kUnknown;
  result.coverage.unknown = {"first", "second"};
  EXPECT_THAT(RenderLastLine(result, "r", kPlain), HasSubstr("unknown (first; second); report"));
}

TEST(LastLine, IsGreenOnlyForHeld) {
  Result result = SmallResult();
  EXPECT_THAT(RenderLastLine(result, "r", kPlain), Not(HasSubstr("\x1b")));
  EXPECT_THAT(RenderLastLine(result, "r", kColor),
              HasSubstr("\x1b[1;31mviolated, 1 finding\x1b[0m"));
  result.verdict = Verdict::kUnknown;
  EXPECT_THAT(RenderLastLine(result, "r", kColor), HasSubstr("\x1b[1;31munknown"));
  result.verdict = Verdict::kHeld;
  result.findings.clear();
  EXPECT_THAT(RenderLastLine(result, "r", kColor), HasSubstr("\x1b[1;32mheld\x1b[0m"));
}

}  // namespace
}  // namespace plugpull
