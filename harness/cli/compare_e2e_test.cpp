// The comparison of strategies as a user sees it.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using ::testing::HasSubstr;

const Words kSmall = {"compare",
                      "--strategies",
                      "append-fdatasync,replace-file,sqlite-wal-full",
                      "--models",
                      "posix-minimal,ext4-journal",
                      "--transactions",
                      "6"};

Words With(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Compare, TellsWhatEachStrategyKeepsAndWhatItCosts) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run(With(kSmall, {"--out", "o", "--markdown", "c.md"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("replace-file     prefix 1 "));
  EXPECT_THAT(outcome.out, HasSubstr("Cheapest that keeps durable"));
  EXPECT_THAT(outcome.out, HasSubstr("of the protocols  append-fdatasync (1.00 syncs, "));
  EXPECT_THAT(outcome.out, HasSubstr("of the engines    sqlite-wal-full ("));
  Words lines = Lines(outcome.out);
  EXPECT_THAT(lines.back(), HasSubstr("report in o/comparison.json"));
  lines.pop_back();
  for (const std::string& line : lines) EXPECT_LE(line.size(), 100U) << line;
  const json result = sandbox.Json("o/comparison.json");
  EXPECT_EQ(result["schema"], "plugpull.compare/1");
  ASSERT_EQ(result["strategies"].size(), 3U);
  const json& append = result["strategies"][0];
  EXPECT_EQ(append["cost"]["commits"], 6);
  EXPECT_EQ(append["cost"]["syncs"], 6);
  EXPECT_EQ(append["cells"][0]["modelled"]["verdict"], "held");
  EXPECT_EQ(append["cells"][0]["modelled"]["coverage"], "exhaustive");
  EXPECT_EQ(append["cells"][1]["modelled"]["implied"], true);
  const json& replace = result["strategies"][1];
  EXPECT_EQ(replace["cells"][0]["modelled"]["kept"], "prefix");
  EXPECT_EQ(replace["cells"][0]["modelled"]["classes"], json({"lost-commit"}));
  const std::string file = "o/" + replace["cells"][0]["modelled"]["case"].get<std::string>();
  EXPECT_EQ(sandbox.Run({"replay", file}).exit_code, 0) << file;
  EXPECT_EQ(result["cheapest"][0]["protocols"], "append-fdatasync");
  EXPECT_THAT(sandbox.Text("c.md"), HasSubstr("| append-fdatasync | 1.00 |"));
}

TEST(Compare, IsTheSameForAnyNumberOfJobs) {
  Sandbox sandbox;
  json results[2];
  for (const int jobs : {1, 3}) {
    const Outcome outcome = sandbox.Run(
        With(kSmall, {"--jobs", std::to_string(jobs), "--json", "-", "--quiet", "--seed", "5"}));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(Lines(outcome.err).size(), 1U) << "the last line makes way: " << outcome.err;
    json& result = results[jobs / 3];
    result = json::parse(outcome.out, nullptr, false);
    EXPECT_EQ(result["seed"], 5);
    result.erase("elapsed_s");
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(Compare, TakesAWeakerPromise) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"compare", "--strategies", "replace*", "--model", "xfs",
                                       "--promise", "prefix", "--transactions", "6", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(Lines(outcome.out).size(), 1U);
  EXPECT_THAT(outcome.out, HasSubstr("cheapest that keeps prefix under xfs: replace-"));
}

TEST(Compare, TakesItsOptionsFromAFile) {
  Sandbox sandbox;
  WriteText(sandbox.path("c.toml"),
            "strategies = \"wal*\"\nmodels = [\"posix-minimal\", \"xfs\"]\ntransactions = 5\n");
  const Outcome outcome = sandbox.Run({"compare", "--config", "c.toml", "--quiet", "--out", "o"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const json result = sandbox.Json("o/comparison.json");
  EXPECT_EQ(result["transactions"], 5);
  EXPECT_EQ(result["models"], json({"posix-minimal", "xfs"}));
  EXPECT_EQ(result["strategies"].size(), 3U);
}

TEST(Compare, WrongWordsAreExplainedInOneLine) {
  Sandbox sandbox;
  const auto expect = [&](const Words& arguments, const std::string& hint) {
    ExpectComplaint(sandbox.Run(With({"compare"}, arguments)), 2, hint);
  };
  expect({"--strategies", "apend-fsync"}, "did you mean 'append-fsync'?");
  expect({"--strategies", "wal,nothing*"}, "there is no strategy 'nothing*'");
  expect({"--models", "posix-minimal,ext4-odered"}, "'ext4-odered'");
  expect({"--promise", "durabel"}, "did you mean 'durable'?");
  expect({"--stratgies", "wal"}, "did you mean '--strategies'?");
  expect({"--transactions", "-1"}, "not '-1'");
  expect({"--json", "r", "--markdown", "./r"}, "both name");
  EXPECT_EQ(sandbox.Names(), Words{});
}

TEST(Compare, ABudgetEndsItWithWhatThereIs) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"compare", "--budget", "300ms", "--out", "o", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("stopped by its budget"));
  const json result = sandbox.Json("o/comparison.json");
  EXPECT_EQ(result["out_of_budget"], true);
  const json& last = result["strategies"].back()["cells"].back()["modelled"];
  EXPECT_EQ(last["verdict"], "unknown");
  EXPECT_EQ(last["unknown"], "out of budget");
}

TEST(Compare, ASignalEndsItWithWhatThereIs) {
  Sandbox sandbox;
  const pid_t pid = sandbox.Start({"compare", "--transactions", "60", "--out", "o", "--quiet"});
  ASSERT_TRUE(Await([&] { return std::filesystem::exists(sandbox.path("o/cases")); }));
  ::kill(pid, SIGTERM);
  const Outcome outcome = sandbox.Wait(pid);
  EXPECT_EQ(outcome.exit_code, 6) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("stopped by a signal"));
  const json result = sandbox.Json("o/comparison.json");
  EXPECT_EQ(result["interrupted"], true);
  EXPECT_EQ(result["strategies"].back()["cells"].back()["modelled"]["verdict"], "unknown");
}

TEST(Compare, ListsItsStrategies) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"list", "strategies"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_GE(Lines(outcome.out).size(), 36U);
  EXPECT_THAT(outcome.out, HasSubstr("protocols: files:protocol=replace,sync=file+directory"));
  EXPECT_THAT(outcome.out, HasSubstr("engines: sqlite:journal=wal,sync=full"));
}

}  // namespace
}  // namespace plugpull::e2e
