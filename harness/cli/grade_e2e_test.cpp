// The grade of a target as a user sees it.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Words With(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Runs a grade of what a correct disk may do. Returns: its report.
json LegalGrade(Sandbox& sandbox, const Words& arguments, int exit_code) {
  const Outcome outcome =
      sandbox.Run(With(With({"grade"}, arguments), {"--legal", "--quiet", "--out", "out"}));
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(Lines(outcome.out).size(), 1U) << outcome.out;
  return sandbox.Json("out/grade.json");
}

// Expects each case of a grade to be there, and to fail as recorded.
void ExpectReplays(Sandbox& sandbox, const json& grade) {
  for (const json& finding : grade["findings"]) {
    const std::string file = "out/" + finding["case"].get<std::string>();
    const Outcome outcome = sandbox.Run({"replay", file});
    EXPECT_EQ(outcome.exit_code, 0) << file << ": " << outcome.out << outcome.err;
  }
}

TEST(Grade, AProtocolThatIsRightKeepsAllOnACorrectDisk) {
  Sandbox sandbox;
  const json grade = LegalGrade(sandbox, {"cow_tree"}, 0);
  EXPECT_EQ(grade["schema"], "plugpull.result/1");
  EXPECT_EQ(grade["command"], "grade");
  EXPECT_EQ(grade["target"], "cow_tree");
  EXPECT_EQ(grade["verdict"], "held");
  EXPECT_EQ(grade["promise"], "durable");
  EXPECT_EQ(grade["trace"]["transactions"], 200);
  EXPECT_EQ(grade["coverage"]["mode"], "exhaustive");
  EXPECT_GT(grade["coverage"]["recoveries"], 0);
  EXPECT_EQ(grade["findings"], json::array());
  for (const json& level : grade["grade"]) EXPECT_EQ(level, nullptr);
  ASSERT_EQ(grade["grade_grid"].size(), 4U);
  for (const json& level : grade["grade_grid"]) {
    EXPECT_EQ(level["legal"], true);
    for (const json& cell : level["cells"]) {
      EXPECT_EQ(cell["broken"], false);
      EXPECT_EQ(cell["mode"], "exhaustive") << level["fault"];
    }
  }
}

TEST(Grade, SqliteInDeleteModeWithFullLosesTheLastCommitEvenInOrder) {
  Sandbox sandbox;
  const json grade = LegalGrade(sandbox, {"sqlite:journal=delete,sync=full"}, 1);
  EXPECT_EQ(grade["verdict"], "violated");
  EXPECT_EQ(grade["grade"], json({{"opens", nullptr},
                                  {"intact", nullptr},
                                  {"atomic", nullptr},
                                  {"prefix", nullptr},
                                  {"durable", 1}}));
  ASSERT_EQ(grade["findings"].size(), 1U);
  EXPECT_EQ(grade["findings"][0]["class"], "lost-commit");
  EXPECT_EQ(grade["findings"][0]["fault"], "power-cut-ordered");
  const json& torn = grade["grade_grid"][3]["cells"];
  EXPECT_EQ(torn["prefix"]["mode"], "exhaustive");
  EXPECT_EQ(torn["durable"]["broken_by"], "power-cut-ordered");
  ExpectReplays(sandbox, grade);
}

TEST(Grade, SqliteInWalModeWithNormalKeepsAPrefix) {
  Sandbox sandbox;
  const json grade = LegalGrade(
      sandbox, {"sqlite:journal=wal,sync=normal", "--promise", "prefix", "--transactions", "30"},
      0);
  EXPECT_EQ(grade["verdict"], "held");
  EXPECT_EQ(grade["promise"], "prefix");
  EXPECT_EQ(grade["grade"]["durable"], 1);
  EXPECT_EQ(grade["grade"]["prefix"], nullptr);
}

TEST(Grade, AStrategyThatSyncsNothingBreaksAtALegalLevel) {
  Sandbox sandbox;
  const json grade =
      LegalGrade(sandbox, {"files:protocol=replace,sync=none", "--transactions", "30"}, 1);
  EXPECT_EQ(grade["grade"]["durable"], 1);
  EXPECT_EQ(grade["grade"]["opens"], 2);
  const json& cut = grade["grade_grid"][2]["cells"]["opens"];
  EXPECT_EQ(cut["state"], "broken");
  EXPECT_NE(cut["message"], "");
  ExpectReplays(sandbox, grade);
}

// The mutant that syncs nothing of a new store: a power cut before the first commit leaves a store
// that cannot be opened, and one after it none at all.
TEST(Grade, AStoreThatIsNotSyncedWhenItIsMadeDoesNotEvenOpen) {
  Sandbox sandbox;
  const json grade = LegalGrade(sandbox, {"cow_tree:mutant=M15"}, 1);
  EXPECT_EQ(grade["grade"]["opens"], 2);
  EXPECT_EQ(grade["grade"]["durable"], 2);
  EXPECT_EQ(Classes(grade), (std::set<std::string>{"refuses-to-open", "lost-commit"}));
  ExpectReplays(sandbox, grade);
}

TEST(Grade, ALyingFlushAndAStalePageBreakACorrectEngineAndAreBeyondTheContract) {
  Sandbox sandbox;
  const Outcome outcome =
      sandbox.Run({"grade", "cow_tree", "--transactions", "30", "--faults",
                   "stale-page(age=1..3,path=*.db),lying-flush", "--out", "out"});
  EXPECT_EQ(outcome.exit_code, 0) << "no fault of the engine: " << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("| beyond its contract\n"));
  EXPECT_THAT(outcome.out,
              HasSubstr("broken by lying-flush (level 4, beyond the disk's contract)"));
  EXPECT_THAT(outcome.out, HasSubstr("cow_tree keeps durable on a correct disk. Beyond"));
  EXPECT_LE(Lines(outcome.out).size(), 45U);
  const json grade = sandbox.Json("out/grade.json");
  EXPECT_EQ(grade["verdict"], "held");
  EXPECT_EQ(grade["grade"]["durable"], 4);
  ASSERT_EQ(grade["grade_grid"].size(), 6U);
  for (const size_t level : {4, 5}) {
    const json& column = grade["grade_grid"][level];
    EXPECT_EQ(column["beyond_contract"], true);
    EXPECT_EQ(column["cells"]["durable"]["state"], "broken") << column["fault"];
    const std::string file = "out/" + column["cells"]["durable"]["case"].get<std::string>();
    EXPECT_EQ(sandbox.Run({"replay", file}).exit_code, 0) << file;
  }
  EXPECT_EQ(grade["grade_grid"][5]["fault"], "stale-page(age=1..3,path=*.db)");
  ASSERT_EQ(grade["faults_fired"].size(), 2U);
  for (const json& fired : grade["faults_fired"]) EXPECT_GT(fired["fired"], 0);
}

TEST(Grade, AFaultThatWasAskedForAndNeverFiresFailsTheRun) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"grade", "cow_tree", "--transactions", "5", "--faults",
                                       "stale-page(path=nothing*)", "--quiet", "--out", "out"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(Lines(outcome.err).size(), 1U) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the fault never fired: stale-page(path=nothing*)"));
  const json cell = sandbox.Json("out/grade.json")["grade_grid"][4]["cells"]["durable"];
  EXPECT_THAT(cell["unknown"].get<std::string>(), HasSubstr("never fired"));
}

TEST(Grade, FitsOneScreen) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"grade", "sqlite:journal=delete,sync=full", "--transactions",
                                       "30", "--legal", "--markdown", "grade.md", "--out", "o"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  Words lines = Lines(outcome.out);
  EXPECT_LE(lines.size(), 45U);
  EXPECT_THAT(lines.back(), HasSubstr("promise durable: violated; report in o/grade.json"));
  lines.pop_back();
  for (const std::string& line : lines) EXPECT_LE(line.size(), 100U) << line;
  EXPECT_THAT(outcome.out, HasSubstr("durable  held    BROKEN  broken  broken\n"));
  EXPECT_THAT(outcome.out, HasSubstr("opens, intact, atomic, prefix: none found (exhaustive)\n"));
  EXPECT_THAT(outcome.out, HasSubstr("  plugpull replay o/findings/lost-commit-"));
  EXPECT_THAT(outcome.out, HasSubstr("keeps prefix on a correct disk; durable is broken by\n"));
  EXPECT_THAT(sandbox.Text("grade.md"),
              HasSubstr("| durable | held | **lost-commit** | broken | broken |\n"));
}

TEST(Grade, IsTheSameForAnyNumberOfJobs) {
  Sandbox sandbox;
  json grades[2];
  for (const int jobs : {1, 2}) {
    const Outcome outcome =
        sandbox.Run({"grade", "sqlite:journal=delete,sync=normal", "--transactions", "20", "--seed",
                     "5", "--jobs", std::to_string(jobs), "--json", "-", "--quiet"});
    EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
    EXPECT_EQ(Lines(outcome.err).size(), 1U) << "the last line makes way: " << outcome.err;
    json& grade = grades[jobs - 1];
    grade = json::parse(outcome.out, nullptr, false);
    EXPECT_EQ(grade["seed"], 5);
    grade.erase("rates");
  }
  EXPECT_EQ(grades[0], grades[1]);
}

TEST(Grade, TakesItsOptionsFromAFile) {
  Sandbox sandbox;
  WriteText(sandbox.path("g.toml"),
            "target = \"files:protocol=append\"\ntransactions = 5\nlegal = true\ntear = \"4096\"\n"
            "model = \"ext4-ordered\"\n");
  const Outcome outcome = sandbox.Run({"grade", "--config", "g.toml", "--quiet", "--out", "o"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const json grade = sandbox.Json("o/grade.json");
  EXPECT_EQ(grade["target"], "files:protocol=append");
  EXPECT_EQ(grade["trace"]["transactions"], 5);
  EXPECT_EQ(grade["model"], "ext4-ordered");
  EXPECT_EQ(grade["tear"], "4096");
  EXPECT_EQ(grade["grade_grid"].size(), 4U);
}

TEST(Grade, ABoundIsSaid) {
  Sandbox sandbox;
  const json grade = LegalGrade(
      sandbox, {"sqlite:journal=delete,sync=extra", "--transactions", "5", "--recoveries", "2"}, 0);
  EXPECT_EQ(grade["coverage"]["mode"], "bounded");
  const json& cell = grade["grade_grid"][3]["cells"]["durable"];
  EXPECT_EQ(cell["mode"], "bounded");
  EXPECT_EQ(cell["bounds"], json({"recoveries"}));
}

TEST(Grade, ABudgetEndsItWithWhatThereIs) {
  Sandbox sandbox;
  const Outcome outcome =
      sandbox.Run({"grade", "sqlite:journal=wal,sync=full", "--transactions", "2000", "--budget",
                   "400ms", "--legal", "--out", "o", "--quiet"});
  const json grade = sandbox.Json("o/grade.json");
  EXPECT_EQ(grade["coverage"]["mode"], "bounded");
  EXPECT_EQ(grade["interrupted"], false);
  EXPECT_EQ(grade["findings"], json::array());
  // What was begun held as far as it went; what was not is unknown, and so is the verdict.
  EXPECT_THAT((std::set<int>{0, 4}), testing::Contains(outcome.exit_code)) << outcome.err;
  EXPECT_EQ(grade["verdict"] == "unknown", outcome.exit_code == 4);
}

TEST(Grade, ASignalEndsItWithWhatThereIs) {
  Sandbox sandbox;
  const pid_t pid = sandbox.Start({"grade", "sqlite:journal=delete,sync=full", "--transactions",
                                   "300", "--legal", "--out", "o", "--quiet"});
  ASSERT_TRUE(Await([&] { return std::filesystem::exists(sandbox.path("o/findings")); }));
  ::kill(pid, SIGTERM);
  const Outcome outcome = sandbox.Wait(pid);
  EXPECT_EQ(outcome.exit_code, 6) << outcome.err;
  const json grade = sandbox.Json("o/grade.json");
  EXPECT_EQ(grade["interrupted"], true);
  EXPECT_EQ(grade["grade"]["durable"], 1) << "what was found by then is kept";
  EXPECT_EQ(grade["grade_grid"][3]["cells"]["opens"]["unknown"], "stopped by a signal");
}

TEST(Grade, WrongWordsAreExplainedInOneLine) {
  Sandbox sandbox;
  const auto expect = [&](const Words& arguments, const std::string& hint) {
    ExpectComplaint(sandbox.Run(With({"grade"}, arguments)), 2, hint);
  };
  expect({"cow_tre"}, "did you mean 'cow_tree'?");
  expect({"--promise", "durabel"}, "did you mean 'durable'?");
  expect({"--tear", "513"}, "there is no tear '513'");
  expect({"--model", "all"}, "--model all is not for grade");
  expect({"--model", "ext4-odered"}, "'ext4-odered'");
  expect({"--legall"}, "did you mean '--legal'?");
  expect({"--transactions", "-1"}, "not '-1'");
  expect({"--budget", "5"}, "'5' is no time");
  expect({"--faults", "stale-pag"}, "did you mean 'stale-page'?");
  expect({"--faults", "power-cut"}, "always climbed");
  expect({"--legal", "--faults", "stale-page"}, "--legal leaves out");
  expect({"--json", "r", "--markdown", "./r"}, "both name");
  EXPECT_EQ(sandbox.Names(), Words{});
}

TEST(Grade, ExplainsWhatACiJobWantsToKnow) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"grade", "--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("In a CI job"));
  EXPECT_THAT(outcome.out, HasSubstr("--promise prefix --legal"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("--junit")));
}

}  // namespace
}  // namespace plugpull::e2e
