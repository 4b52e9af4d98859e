// Goal: the three reports of bbolt's page errors are put down to the weakest fault that explains
// them; the case replays; and the real bbolt, shown the files that are kept, complains or returns
// wrong data.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "engine/drivers/driver_testing.h"
#include "engine/target.h"
#include "harness/case_file.h"
#include "harness/cli/e2e_testing.h"
#include "harness/content.h"

namespace plugpull::e2e {
namespace {

using testing::HasSubstr;

struct Report {
  const char* name;
  const char* symptom;
};

// What real bbolt makes of the store in a directory: its complaint, or else whether it shows the
// contents after one of the transactions that may be there.
std::string VerdictOfBbolt(const DriverProgram& program, const std::string& directory,
                           const Case& saved) {
  const auto process = *DriverProcess::Start(program);
  process->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(120));
  const auto engine = MakeDriverEngine(*process, directory, program);
  if (const auto opened = engine->Open(); !opened) return Describe(opened.error());
  const Expected<CheckReport> report = engine->Check();
  if (!report) return Describe(report.error());
  if (!report->structure.empty()) return report->structure.front();
  CollectPairs pairs;
  if (const auto scanned = engine->Scan(pairs); !scanned) return Describe(scanned.error());
  Content content;
  for (uint32_t number = 1; number <= saved.window.attempted; ++number) {
    ApplyTo(content, saved.trace.transactions[number - 1]);
    const bool may_be_there = number >= saved.window.acknowledged;
    const bool is_same = std::ranges::equal(content, pairs.contents);
    if (may_be_there && is_same) return "held";
  }
  return "wrong data";
}

class ReproduceReportTest : public testing::TestWithParam<Report> {
 protected:
  Sandbox sandbox_;
};

TEST_P(ReproduceReportTest, IsExplainedAndRealBboltSuffersToo) {
  const Outcome found = sandbox_.Run(
      {"reproduce", "cow_tree", "--symptom", GetParam().symptom, "--quiet", "--jobs", "2"});
  ASSERT_EQ(found.exit_code, 0) << found.out << found.err;
  const json result = sandbox_.Json("plugpull-out/reproduction.json");
  const json& answer = result["reproduction"];
  EXPECT_GE(answer["level"].get<int>(), 4) << answer["sentence"];
  for (const json& search : answer["searches"]) {
    if (search["legal"] != true) continue;
    EXPECT_EQ(search["mode"], "exhaustive") << search;
    EXPECT_EQ(search["other_violations"], 0) << search;
  }
  for (const json& each : answer["explanations"]) {
    EXPECT_FALSE(each["pages"].empty()) << each;
    EXPECT_THAT(each["message"].get<std::string>(), HasSubstr(GetParam().symptom));
    const std::string path = "plugpull-out/" + each["case"].get<std::string>();
    const Outcome replayed = sandbox_.Run({"replay", path, "--times", "2"});
    EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
  }
  const json& single = answer["explanations"].back();
  EXPECT_EQ(single["fault"], "stale-page") << "one lost write is enough";
  const std::string image = "plugpull-out/" + single["image"].get<std::string>();
  EXPECT_EQ(sandbox_.Run({"autopsy", image + "/store.db", "--json", "autopsy.json"}).exit_code, 1);
  const json autopsy = sandbox_.Json("autopsy.json");
  EXPECT_EQ(fmt::format("page {} of store.db", autopsy["diagnoses"][0]["page"].get<uint64_t>()),
            single["pages"][0].get<std::string>());
  EXPECT_EQ(autopsy["diagnoses"][0]["possible_on_honest_disk"], false);

  const Expected<DriverProgram> program = ParseTarget("bbolt")->Program();
  if (!program) GTEST_SKIP() << "no bbolt to show the files to: " << Describe(program.error());
  for (const json& each : answer["explanations"]) {
    const std::string fault = each["fault"];
    const Expected<Case> saved =
        LoadCase(sandbox_.path("plugpull-out/" + each["case"].get<std::string>()).string());
    ASSERT_TRUE(saved) << Describe(saved.error());
    const std::filesystem::path copy = sandbox_.path("copy-" + fault);
    std::filesystem::copy(sandbox_.path("plugpull-out") / each["image"].get<std::string>(), copy,
                          std::filesystem::copy_options::recursive);
    const std::string verdict = VerdictOfBbolt(*program, copy.string(), *saved);
    EXPECT_NE(verdict, "held") << each;
    RecordProperty("bbolt-" + fault, verdict);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Bbolt, ReproduceReportTest,
    testing::Values(Report{"KeyOrder", "needs to be < than key of the next element in ancestor"},
                    Report{"MultipleReferences", "multiple references"},
                    Report{"PageCycle", "PAGE_CYCLE"}),
    [](const auto& report) { return std::string(report.param.name); });

TEST(ReproduceUsageTest, ABadPatternIsAUsageError) {
  Sandbox sandbox;
  for (const char* pattern : {"(", "a{100000}", "", "(x)\\1"}) {
    ExpectComplaint(sandbox.Run({"reproduce", "cow_tree", "--symptom", pattern}), 2, "symptom");
  }
  ExpectComplaint(sandbox.Run({"reproduce", "cow_tree"}), 2, "--symptom");
  ExpectComplaint(sandbox.Run({"reproduce", "cow_tre", "--symptom", "x"}), 2, "cow_tree");
  EXPECT_TRUE(sandbox.Names().empty()) << "nothing is written for a mistake";
}

TEST(ReproduceUsageTest, WhatIsNotReproducedIsOne) {
  Sandbox sandbox;
  const Outcome outcome =
      sandbox.Run({"reproduce", "cow_tree", "--symptom", "no such words", "--transactions", "3",
                   "--keys", "3", "--faults", "zeroed-page"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Nothing that was searched explains 'no such words'"));
  EXPECT_EQ(sandbox.Json("plugpull-out/reproduction.json")["reproduction"]["reproduced"], false);
}

TEST(ScenarioCommandTest, TellsExpectedAndGot) {
  Sandbox sandbox;
  const Outcome list = sandbox.Run({"list", "scenarios"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_THAT(list.out, HasSubstr("B3"));
  const Outcome run = sandbox.Run({"scenario", "B14", "B7"});
  EXPECT_EQ(run.exit_code, 0) << run.out;
  EXPECT_THAT(run.out, HasSubstr("expected  lost-commit"));
  EXPECT_THAT(run.out, HasSubstr("cases as expected"));
  ExpectComplaint(sandbox.Run({"scenario", "B33"}), 2, "there is no scenario 'B33'");
  ExpectComplaint(sandbox.Run({"scenario"}), 2, "--all");
  ExpectComplaint(sandbox.Run({"scenario", "B14", "--target", "sqlite"}), 2, "sqlite");
}

}  // namespace
}  // namespace plugpull::e2e
