// Goal: a scenario says what it means, and a file that does not is refused with a reason.
#include "harness/cli/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/cli/scenario_run.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

constexpr const char* kHead = "id = \"X1\"\ntitle = \"t\"\nreport = \"r\"\n";

std::string Refusal(const std::string& text) {
  const Expected<Scenario> scenario = ParseScenario(text);
  if (scenario) return "taken";
  EXPECT_EQ(scenario.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(scenario.error().context.find('\n'), std::string::npos);
  return scenario.error().context;
}

std::string CaseText(const std::string& lines) {
  return std::string(kHead) + "[[case]]\nname = \"n\"\nexpected = \"held\"\n" + lines;
}

TEST(ScenarioTest, ThoseOfTheProgramCanBeRead) {
  const Expected<std::vector<Scenario>> scenarios = Scenarios();
  ASSERT_TRUE(scenarios) << Describe(scenarios.error());
  std::set<std::string> ids;
  for (const Scenario& scenario : *scenarios) {
    EXPECT_TRUE(ids.insert(scenario.id).second) << scenario.id;
    for (const ScenarioCase& each : scenario.cases) {
      EXPECT_TRUE(ToRecordSettings(each.options)) << scenario.id;
      const Expected<ExploreOptions> explore = ToExploreOptions(each.options);
      EXPECT_TRUE(explore) << scenario.id << ": " << Describe(explore.error());
    }
  }
  EXPECT_TRUE(ids.contains("B1"));
  EXPECT_GE(ids.size(), 15u);
  EXPECT_EQ(scenarios->front().id, "B1");
  EXPECT_EQ((*scenarios)[1].id, "B2") << "by number, not by letters";
  const auto place = [&](std::string_view id) {
    return std::ranges::find(*scenarios, id, &Scenario::id) - scenarios->begin();
  };
  EXPECT_EQ(place("F1b"), place("F1") + 1);
  EXPECT_EQ(place("F1d"), place("F2") - 1);
  EXPECT_GT(place("F1"), place("B18"));
}

TEST(ScenarioTest, SaysWhatIsWrong) {
  EXPECT_EQ(Refusal(CaseText("")), "taken");
  EXPECT_THAT(Refusal("= 1"), HasSubstr("line 1"));
  EXPECT_THAT(Refusal(kHead), HasSubstr("no [[case]]"));
  EXPECT_THAT(Refusal("id = \"X\""), HasSubstr("needs an id, a title"));
  EXPECT_THAT(Refusal(CaseText("symptm = \"x\"\n")), HasSubstr("symptom"));
  EXPECT_THAT(Refusal(CaseText("keys = \"x\"\n")), HasSubstr("whole number"));
  EXPECT_EQ(Refusal(CaseText("readers = 2\nrollbacks = 1\ndepth = 1\ncycles = 2\n")), "taken");
  EXPECT_THAT(Refusal(CaseText("keys = -1\n")), HasSubstr("whole number"));
  EXPECT_THAT(Refusal(CaseText("target = 1\n")), HasSubstr("text"));
  EXPECT_THAT(Refusal(CaseText("level = \"flood\"\n")), HasSubstr("flood"));
  EXPECT_THAT(Refusal(CaseText("symptom = \"x\"\n")), HasSubstr("holds"));
  EXPECT_THAT(Refusal(CaseText("faults = \"a\"\nerrors = \"b\"\n")), HasSubstr("both"));
  EXPECT_THAT(Refusal(CaseText("crashes_from = 2\nerrors = \"b\"\n")), HasSubstr("both"));
  const std::string broken = std::string(kHead) + "[[case]]\nname = \"n\"\nexpected = \"lost\"\n";
  EXPECT_THAT(Refusal(broken), HasSubstr("lost"));
}

// A scenario that cannot fail proves nothing: the same run with another expectation does.
TEST(ScenarioTest, AnythingElseThanExpectedIsToldApart) {
  const Expected<Scenario> scenario = ParseScenario(
      std::string(kHead) +
      "[[case]]\nname = \"bug\"\ntarget = \"cow_tree:mutant=M19\"\ntransactions = 4\nkeys = 4\n"
      "expected = \"lost-commit\"\n");
  ASSERT_TRUE(scenario) << Describe(scenario.error());
  const std::string out = testing::TempDir() + "plugpull-scenario-" + std::to_string(::getpid());
  const auto run = [&](const std::string& expected, const std::string& level) {
    ScenarioCase changed = scenario->cases.front();
    changed.expected = expected;
    changed.level = level;
    const auto outcome =
        RunScenarioCase(changed, 1, out, [](const ExploreProgress&) { return true; });
    EXPECT_TRUE(outcome) << Describe(outcome.error());
    return outcome && outcome->as_expected;
  };
  EXPECT_TRUE(run("lost-commit", ""));
  EXPECT_TRUE(run("lost-commit", "power-cut-ordered"));
  EXPECT_FALSE(run("lost-commit", "stale-page"));
  EXPECT_FALSE(run("hang-on-open", ""));
  EXPECT_FALSE(run("held", ""));
  std::filesystem::remove_all(out);
}

}  // namespace
}  // namespace plugpull
