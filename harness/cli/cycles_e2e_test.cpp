// A run that goes on after crashes: what it finds, says and saves, and that good engines survive
// it.
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

// Returns: the names of the cases below `directory`, which replay as they were found.
Words ReplayedCases(Sandbox& sandbox, const json& result, const std::string& directory) {
  Words cases;
  for (const json& finding : result["findings"]) {
    const std::string path = directory + "/" + finding["case"].get<std::string>();
    EXPECT_TRUE(std::filesystem::exists(sandbox.path(path))) << path;
    const Outcome replayed = sandbox.Run({"replay", path, "--times", "3"});
    EXPECT_EQ(replayed.exit_code, 0) << replayed.out << replayed.err;
    EXPECT_NE(replayed.out.find("reproduced 3 of 3 times"), std::string::npos) << replayed.out;
    cases.push_back(path);
  }
  return cases;
}

TEST(Cycles, FindDamageThatOneCycleCannotShow) {
  Sandbox sandbox;
  const Words run = {"run", "cow_tree:mutant=C1"};
  const json once = sandbox.Result(run, 0, "once");
  EXPECT_EQ(once["coverage"]["mode"], "exhaustive");
  EXPECT_FALSE(once["coverage"].contains("cycles"));
  Words thrice = run;
  thrice.insert(thrice.end(), {"--cycles", "3"});
  const json result = sandbox.Result(thrice, 1, "thrice");
  EXPECT_EQ(result["coverage"]["mode"], "bounded");
  ASSERT_EQ(result["findings"].size(), 1u);
  EXPECT_EQ(result["findings"][0]["cycle"], 2);
  EXPECT_EQ(result["findings"][0]["in_use"], true);
  EXPECT_EQ(result["findings"][0]["fault"], "process-kill");
  const json& cycles = result["coverage"]["cycles"];
  ASSERT_EQ(cycles.size(), 2u);
  EXPECT_EQ(cycles[0]["recoveries"], once["coverage"]["recoveries"]);
  EXPECT_TRUE(cycles[0]["crash_point"].is_null());
  EXPECT_EQ(cycles[1]["crash_point"], result["findings"][0]["crash_point"]);
  EXPECT_EQ(ReplayedCases(sandbox, result, "thrice").size(), 1u);
}

TEST(Cycles, SayInWhichOfThemAFindingWasMade) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"run", "cow_tree:mutant=C2", "--transactions", "20",
                                       "--keys", "8", "--cycles", "3", "--promise", "intact"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_NE(outcome.out.find("in cycle 2, on a store that has survived crashes"), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("cycles: one crash state carried on each"), std::string::npos);
  const json result = sandbox.Json("plugpull-out/result.json");
  for (const json& finding : result["findings"]) EXPECT_GE(finding["cycle"], 2);
  EXPECT_GE(ReplayedCases(sandbox, result, "plugpull-out").size(), 1u);
}

// Returns: a result without what may differ between two runs.
json Comparable(json result) {
  for (const char* key : {"rates", "command"}) result.erase(key);
  return result;
}

TEST(Cycles, AreTheSameForAnyNumberOfJobsAndWhenRecordedApart) {
  Sandbox sandbox;
  const Words workload = {"--transactions", "40", "--seed", "5"};
  Words run = {"run", "sqlite:journal=delete,sync=full", "--cycles", "3", "--jobs", "1"};
  run.insert(run.end(), workload.begin(), workload.end());
  const json one = Comparable(sandbox.Result(run, 1, "one"));
  run[5] = "3";
  EXPECT_EQ(Comparable(sandbox.Result(run, 1, "three")), one);
  Words record = {"record", "-o", "trace", "--target", "sqlite:journal=delete,sync=full"};
  record.insert(record.end(), workload.begin(), workload.end());
  ASSERT_EQ(sandbox.Run(record).exit_code, 0);
  EXPECT_EQ(Comparable(sandbox.Result({"explore", "trace", "--cycles", "3"}, 1, "apart")), one);
  EXPECT_EQ(one["coverage"]["cycles"].size(), 3u);
  for (const auto& finding : one["findings"]) {
    const std::string path = "/" + finding["case"].get<std::string>();
    EXPECT_EQ(sandbox.Text("three" + path), sandbox.Text("one" + path));
    EXPECT_EQ(sandbox.Text("apart" + path), sandbox.Text("one" + path));
  }
  run[5] = "1";
  run.back() = "6";
  EXPECT_NE(Comparable(sandbox.Result(run, 1, "other")), one);
}

TEST(Cycles, EndWithTheBudgetAndSaySo) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "--cycles", "1000", "--budget", "2s"}, 0);
  EXPECT_EQ(result["verdict"], "held");
  EXPECT_EQ(result["interrupted"], false);
  EXPECT_EQ(result["coverage"]["bounds"],
            json({"budget", "cycles: one crash state carried on each"}));
  EXPECT_LT(result["coverage"]["cycles"].size(), 1000u);
  EXPECT_GE(result["coverage"]["cycles"].size(), 1u);
}

// A transaction that was torn in the log and that recovery had left out is whole again: the next
// one wrote the same bytes where its end was missing. No salt or checksum tells the two apart.
TEST(Cycles, FindThatTheLogOfSqliteMayBringBackWhatACrashHadUndone) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", "sqlite:journal=wal,sync=full,locking=exclusive", "--seed", "6",
                      "--transactions", "25", "--keys", "8", "--cycles", "3", "--model", "btrfs"},
                     1);
  ASSERT_EQ(Classes(result), std::set<std::string>{"resurrected"});
  EXPECT_EQ(result["findings"][0]["cycle"], 3);
  ReplayedCases(sandbox, result, "out");
}

class GoodEngine : public ::testing::TestWithParam<Words> {};

TEST_P(GoodEngine, SurvivesFiveCycles) {
  Sandbox sandbox;
  Words run = {"run"};
  run.insert(run.end(), GetParam().begin(), GetParam().end());
  run.insert(run.end(), {"--transactions", "30", "--keys", "12", "--cycles", "5"});
  const json result = sandbox.Result(run, 0);
  EXPECT_EQ(result["verdict"], "held");
  ASSERT_EQ(result["coverage"]["cycles"].size(), 5u);
  for (const json& cycle : result["coverage"]["cycles"]) EXPECT_EQ(cycle["mode"], "exhaustive");
}

INSTANTIATE_TEST_SUITE_P(
    Targets, GoodEngine,
    ::testing::Values(
        Words{"cow_tree"}, Words{"cow_tree:freelist=none,page_size=1024"},
        Words{"cow_tree:dirsync=0", "--model", "ext4-ordered"},
        Words{"sqlite:journal=delete,sync=extra"}, Words{"sqlite:journal=truncate,sync=full"},
        Words{"sqlite:journal=persist,sync=full"}, Words{"sqlite:journal=wal,sync=full"},
        Words{"sqlite:journal=wal,sync=normal", "--promise", "prefix"},
        Words{"files:protocol=append,sync=fdatasync"}, Words{"files:protocol=append,sync=dsync"},
        Words{"files:protocol=preallocated"}, Words{"files:protocol=replace,sync=file+directory"},
        Words{"files:protocol=double-write"}, Words{"files:protocol=wal"},
        Words{"files:protocol=wal,group=4"}, Words{"files:protocol=manifest"},
        Words{"files:protocol=replace,sync=file", "--promise", "prefix"},
        Words{"files:protocol=wal,group=4,ack=early", "--promise", "prefix"}));

}  // namespace
}  // namespace plugpull::e2e
