// The same command says the same, however many jobs share the work and whichever road it takes.
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

// Returns: a result without what may differ between two runs.
json Comparable(json result) {
  result.erase("rates");
  return result;
}

// Returns: the contents of every case below `directory`, by name.
std::map<std::string, std::string> Cases(const Sandbox& sandbox, const std::string& directory) {
  std::map<std::string, std::string> cases;
  const std::filesystem::path findings = sandbox.path(directory + "/findings");
  if (!std::filesystem::exists(findings)) return cases;
  for (const auto& entry : std::filesystem::directory_iterator(findings)) {
    cases[entry.path().filename().string()] = ReadText(entry.path());
  }
  return cases;
}

struct Subject {
  const char* target;
  int exit_code;
};

void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.target; }

class SameResult : public ::testing::TestWithParam<Subject> {};

TEST_P(SameResult, ForAnyNumberOfJobsAndInASecondRun) {
  Sandbox sandbox;
  const Words run = {"run", GetParam().target, "--transactions", "60"};
  const auto with_jobs = [&](const std::string& jobs, const std::string& out) {
    Words arguments = run;
    arguments.insert(arguments.end(), {"--jobs", jobs});
    return Comparable(sandbox.Result(arguments, GetParam().exit_code, out));
  };
  const json one = with_jobs("1", "one");
  ASSERT_TRUE(one.is_object());
  EXPECT_EQ(with_jobs("2", "two"), one);
  EXPECT_EQ(with_jobs("4", "four"), one);
  EXPECT_EQ(with_jobs("1", "again"), one);
  EXPECT_EQ(Cases(sandbox, "two"), Cases(sandbox, "one"));
  EXPECT_EQ(Cases(sandbox, "four"), Cases(sandbox, "one"));
  EXPECT_EQ(Cases(sandbox, "again"), Cases(sandbox, "one"));
  EXPECT_EQ(Cases(sandbox, "one").size(), one["findings"].size());
}

TEST_P(SameResult, WhenRecordedAndExploredApart) {
  Sandbox sandbox;
  const std::string target = GetParam().target;
  json whole = Comparable(
      sandbox.Result({"run", target, "--transactions", "60", "--seed", "7", "--keys", "25"},
                     GetParam().exit_code, "whole"));
  const Outcome recorded = sandbox.Run({"record", "--target", target, "-o", "trace",
                                        "--transactions", "60", "--seed", "7", "--keys", "25"});
  EXPECT_EQ(recorded.exit_code, 0) << recorded.err;
  json halves = Comparable(sandbox.Result({"explore", "trace"}, GetParam().exit_code, "halves"));
  EXPECT_EQ(whole["command"], "run");
  EXPECT_EQ(halves["command"], "explore");
  whole.erase("command");
  halves.erase("command");
  EXPECT_EQ(halves, whole);
  EXPECT_EQ(Cases(sandbox, "halves"), Cases(sandbox, "whole"));
}

INSTANTIATE_TEST_SUITE_P(Targets, SameResult,
                         ::testing::Values(Subject{"cow_tree", 0}, Subject{"cow_tree:mutant=M1", 1},
                                           Subject{"cow_tree:mutant=M10a", 1},
                                           Subject{"sqlite:journal=delete,sync=normal", 1},
                                           Subject{"sqlite:journal=wal,sync=normal", 1}));

TEST(Traces, OfTheSameSeedAreTheSameBytesAndOfAnotherAreNot) {
  Sandbox sandbox;
  for (const std::string target : {"cow_tree", "sqlite:journal=delete", "sqlite:journal=wal"}) {
    const auto record = [&](const std::string& seed, const std::string& file) {
      const Outcome outcome = sandbox.Run(
          {"record", "--target", target, "--seed", seed, "--transactions", "50", "-o", file});
      EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
      return sandbox.Text(file);
    };
    const std::string trace = record("18446744073709551615", "a");
    EXPECT_EQ(record("18446744073709551615", "b"), trace) << target;
    EXPECT_NE(record("0", "c"), trace) << target;
    EXPECT_NE(record("1", "d"), sandbox.Text("c")) << target;
  }
}

TEST(Traces, OfTheDefaultSeedAreThoseOfSeedOne) {
  Sandbox sandbox;
  EXPECT_EQ(sandbox.Run({"record", "-o", "a", "--transactions", "20"}).exit_code, 0);
  EXPECT_EQ(sandbox.Run({"record", "-o", "b", "--transactions", "20", "--seed", "1"}).exit_code, 0);
  EXPECT_EQ(sandbox.Text("a"), sandbox.Text("b"));
}

TEST(TwoRunsAtOnce, InOneDirectoryLeaveOneWholeResult) {
  Sandbox sandbox;
  const Words run = {"run", "cow_tree:mutant=M1", "--transactions", "60", "--quiet"};
  const pid_t first = sandbox.Start(run);
  const pid_t second = sandbox.Start(run);
  EXPECT_EQ(sandbox.Wait(first).exit_code, 1);
  EXPECT_EQ(sandbox.Wait(second).exit_code, 1);
  const json result = sandbox.Json("plugpull-out/result.json");
  ASSERT_TRUE(result.is_object());
  for (const json& finding : result["findings"]) {
    const std::string file = "plugpull-out/" + finding["case"].get<std::string>();
    EXPECT_EQ(sandbox.Run({"replay", file}).exit_code, 0);
  }
  for (const std::string& name : sandbox.Names()) EXPECT_EQ(name.find(".tmp"), std::string::npos);
}

}  // namespace
}  // namespace plugpull::e2e
