#include "reports/selftest_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace plugpull {
namespace {

using testing::HasSubstr;
using testing::Not;

SelftestReport Report() {
  SelftestReport report;
  report.litmus_cells = 432;
  report.rows = {{.name = "M1",
                  .bug = "no sync",
                  .target = "cow_tree:mutant=M1",
                  .run = "8 transactions",
                  .first_schedule = "crash after operation 7, transaction 2",
                  .recoveries = 1234,
                  .oracles = {"structure", "lost-commit"},
                  .message = "a | bar",
                  .level = "power-cut",
                  .outcome = SelftestOutcome::kKilled,
                  .total_recoveries = 2000},
                 {.name = "good",
                  .bug = "none",
                  .target = "cow_tree",
                  .run = "8 transactions",
                  .coverage = "exhaustive",
                  .outcome = SelftestOutcome::kHeld}};
  return report;
}

TEST(SelftestReport, PassesWhenAllRowsAndLitmusTestsAreGood) {
  SelftestReport report = Report();
  EXPECT_TRUE(report.passed());
  EXPECT_THAT(SelftestLastLine(report),
              HasSubstr("2 rows: 1 killed, 0 equivalent, 1 held, 0 missed, 0 false alarms, 0 "
                        "broken; 432 litmus cells, 0 wrong; 2,000 recoveries"));
  EXPECT_THAT(SelftestLastLine(report), HasSubstr("selftest passed"));
}

TEST(SelftestReport, FailsForEachThingThatIsWrong) {
  for (const SelftestOutcome bad :
       {SelftestOutcome::kMissed, SelftestOutcome::kFalseAlarm, SelftestOutcome::kBroken}) {
    SelftestReport report = Report();
    report.rows[1].outcome = bad;
    report.rows[1].note = "because of this";
    EXPECT_FALSE(report.passed());
    EXPECT_THAT(RenderSelftestConsole(report), HasSubstr("because of this"));
    EXPECT_THAT(RenderSelftestConsole(report), HasSubstr(std::string(Name(bad))));
    EXPECT_THAT(SelftestLastLine(report), HasSubstr("selftest FAILED"));
  }
  SelftestReport litmus = Report();
  litmus.litmus_wrong = {"L1 PM: expected A, computed -"};
  EXPECT_FALSE(litmus.passed());
  EXPECT_THAT(RenderSelftestConsole(litmus), HasSubstr("L1 PM: expected A"));
  SelftestReport stopped = Report();
  stopped.interrupted = true;
  EXPECT_FALSE(stopped.passed());
}

TEST(SelftestReport, ShowsARowForEachBug) {
  const std::string text = RenderSelftestConsole(Report());
  EXPECT_THAT(text, HasSubstr("M1      crash after operation 7, transaction 2       1,234  "
                              "power-cut  killed            structure lost-commit\n"));
  EXPECT_THAT(text, HasSubstr("good    -"));
  EXPECT_THAT(text, HasSubstr("held, exhaustive"));
}

TEST(SelftestReport, MarkdownStaysATable) {
  const std::string text = RenderSelftestMarkdown(Report());
  EXPECT_THAT(text, HasSubstr("| M1 | no sync | `cow_tree:mutant=M1`, 8 transactions | crash after "
                              "operation 7, transaction 2 | 1,234 | structure lost-commit | "
                              "power-cut | killed |\n"));
  EXPECT_THAT(text, HasSubstr("- M1: `a | bar`\n"));
}

TEST(SelftestReport, JsonHasEveryField) {
  const auto json = nlohmann::json::parse(RenderSelftestJson(Report()));
  EXPECT_EQ(json["schema"], "plugpull.selftest/1");
  EXPECT_EQ(json["passed"], true);
  EXPECT_EQ(json["rows"][0]["recoveries_to_first"], 1234);
  EXPECT_EQ(json["rows"][0]["oracles"][1], "lost-commit");
  EXPECT_TRUE(json["rows"][1]["recoveries_to_first"].is_null());
  EXPECT_EQ(json["litmus"]["cells"], 432);
}

}  // namespace
}  // namespace plugpull
