// A run says how far it came, and never more; and what a user may choose does what it says.
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

TEST(Coverage, IsBoundedByABudgetAndSaysSo) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run(
      {"run", "sqlite:journal=wal,sync=full", "--transactions", "400", "--budget", "1ms"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("(bounded: budget)"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("exhaustive"), std::string::npos) << outcome.out;
  const json result = sandbox.Json("plugpull-out/result.json");
  EXPECT_EQ(result["coverage"]["mode"], "bounded");
  EXPECT_EQ(result["coverage"]["bounds"], json({"budget"}));
  EXPECT_EQ(result["interrupted"], false);
}

TEST(Coverage, IsBoundedByRecoveriesAndSaysSo) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "--transactions", "50", "--recoveries", "1"}, 0);
  EXPECT_EQ(result["coverage"]["mode"], "bounded");
  EXPECT_EQ(result["coverage"]["bounds"], json({"recoveries"}));
  EXPECT_EQ(result["coverage"]["recoveries"], result["coverage"]["crash_points"]);
}

TEST(Coverage, OfAFinishedSearchCountsTheSameStatesWithAndWithoutBounds) {
  Sandbox sandbox;
  const json free = sandbox.Result({"run", "--transactions", "50"}, 0);
  const json roomy = sandbox.Result(
      {"run", "--transactions", "50", "--recoveries", "1000000", "--budget", "10h"}, 0, "roomy");
  EXPECT_EQ(roomy["coverage"], free["coverage"]);
  EXPECT_EQ(free["coverage"]["mode"], "exhaustive");
  EXPECT_EQ(free["coverage"]["states_exact"], true);
}

TEST(Promise, DecidesWhatIsAViolation) {
  Sandbox sandbox;
  const Words run = {"run", "sqlite:journal=wal,sync=normal,checkpoint=4", "--transactions", "40",
                     "--promise"};
  const auto with = [&](const std::string& promise, int exit_code) {
    Words arguments = run;
    arguments.push_back(promise);
    const json result = sandbox.Result(arguments, exit_code, promise);
    EXPECT_EQ(result["promise"], promise);
    return result;
  };
  for (const char* weaker : {"opens", "intact", "atomic", "prefix"}) {
    const json result = with(weaker, 0);
    EXPECT_EQ(result["verdict"], "held");
    EXPECT_EQ(result["coverage"]["mode"], "exhaustive") << weaker;
  }
  EXPECT_EQ(Classes(with("durable", 1)), std::set<std::string>{"lost-commit"});
}

TEST(Promise, OfOpeningIsNotBrokenByDamage) {
  Sandbox sandbox;
  const json result = sandbox.Result(
      {"run", "cow_tree:mutant=M11", "--transactions", "60", "--promise", "opens"}, 0);
  EXPECT_EQ(result["verdict"], "held");
}

class SmallWorkload : public ::testing::TestWithParam<const char*> {};

TEST_P(SmallWorkload, WorksWithoutTransactionsAndWithOneKey) {
  Sandbox sandbox;
  const json none = sandbox.Result({"run", GetParam(), "--transactions", "0"}, 0);
  EXPECT_EQ(none["trace"]["transactions"], 0);
  EXPECT_EQ(none["coverage"]["mode"], "exhaustive");
  EXPECT_GT(none["coverage"]["crash_points"], 0);
  const json one = sandbox.Result({"run", GetParam(), "--keys", "1", "--transactions", "30"}, 0);
  EXPECT_EQ(one["verdict"], "held");
  EXPECT_EQ(one["coverage"]["mode"], "exhaustive");
}

INSTANTIATE_TEST_SUITE_P(Targets, SmallWorkload,
                         ::testing::Values("cow_tree", "sqlite:journal=delete,sync=extra",
                                           "sqlite:journal=wal,sync=full"));

struct Seeded {
  const char* target;
  const char* promise;
  const char* workload;
};

class Seeds : public ::testing::TestWithParam<Seeded> {};

TEST_P(Seeds, OfAllKindsHoldExhaustively) {
  Sandbox sandbox;
  for (const char* seed : {"0", "2", "3", "4", "18446744073709551615"}) {
    const json result =
        sandbox.Result({"run", GetParam().target, "--workload", GetParam().workload,
                        "--transactions", "40", "--seed", seed, "--promise", GetParam().promise},
                       0);
    EXPECT_EQ(result["verdict"], "held") << seed;
    EXPECT_EQ(result["coverage"]["mode"], "exhaustive") << seed;
    EXPECT_EQ(result["seed"].dump(), seed);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Targets, Seeds,
    ::testing::Values(Seeded{"cow_tree", "durable", "mixed"},
                      Seeded{"sqlite:journal=delete,sync=extra", "durable", "mixed"},
                      Seeded{"sqlite:journal=delete,sync=full", "prefix", "mixed"},
                      Seeded{"sqlite:journal=wal,sync=full", "durable", "mixed"},
                      Seeded{"sqlite:journal=wal,sync=normal,checkpoint=4", "prefix", "mixed"}));

TEST(Faults, AreLimitedToThoseNamed) {
  Sandbox sandbox;
  const Words run = {"run", "sqlite:journal=delete,sync=normal", "--transactions", "40"};
  const auto with = [&](const Words& options, int exit_code) {
    Words arguments = run;
    arguments.insert(arguments.end(), options.begin(), options.end());
    return sandbox.Result(arguments, exit_code);
  };
  EXPECT_EQ(with({"--faults", "process-kill"}, 0)["faults"], json({"process-kill"}));
  EXPECT_EQ(with({"--model", "process-kill"}, 0)["verdict"], "held");
  const json whole = with({"--faults", "power-cut"}, 1);
  EXPECT_EQ(whole["tear"], "none");
  for (const json& finding : whole["findings"]) EXPECT_LT(finding["fault_level"], 3);
  EXPECT_TRUE(Classes(with({"--tear", "512,any"}, 1)).contains("refuses-to-open"));
}

TEST(OutputDirectory, IsMadeWithItsParentsAndReused) {
  Sandbox sandbox;
  const std::string out = "a b/\xc3\xa9\xe2\x98\x83/c";
  const json violated =
      sandbox.Result({"run", "cow_tree:dirsync=0", "--transactions", "5"}, 1, out);
  const std::string file = out + "/" + violated["findings"][0]["case"].get<std::string>();
  EXPECT_EQ(sandbox.Run({"replay", file}).exit_code, 0);
  EXPECT_EQ(sandbox.Run({"replay", sandbox.path(file).string()}).exit_code, 0);
  const json held = sandbox.Result({"run", "cow_tree", "--transactions", "5"}, 0, out);
  EXPECT_EQ(held["verdict"], "held");
  EXPECT_EQ(held["findings"], json::array());
  EXPECT_EQ(sandbox.Run({"replay", file}).exit_code, 2) << "a case of the run before is gone";
}

}  // namespace
}  // namespace plugpull::e2e
