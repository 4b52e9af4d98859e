// What is wrong with a command line or a configuration is said in one line, with the nearest word
// that would have been right.
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

struct Mistake {
  const char* name;
  Words arguments;
  std::string hint;  // part of the complaint
};

void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }

class Mistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreExplainedInOneLineAndNothingIsWritten) {
  Sandbox sandbox;
  ExpectComplaint(sandbox.Run(GetParam().arguments), 2, GetParam().hint);
  EXPECT_EQ(sandbox.Names(), Words{});
}

const auto kNameOf = [](const auto& test) { return std::string(test.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Commands, Mistakes,
    ::testing::Values(
        Mistake{"NoCommand", {}, "plugpull --help"},
        Mistake{"Command", {"rnu"}, "did you mean 'run'?"},
        Mistake{"FarCommand", {"frobnicate"}, "'frobnicate' is not understood"},
        Mistake{"Option", {"run", "--sede", "3"}, "did you mean '--seed'?"},
        Mistake{"OptionOfAnother", {"record", "--jsno", "x", "-o", "t"}, "--jsno"},
        Mistake{"TwoTargets", {"run", "cow_tree", "extra"}, "extra"},
        Mistake{"ReplayOfNothing", {"replay"}, "case is required"},
        Mistake{"ExploreOfNothing", {"explore"}, "trace is required"},
        Mistake{"RecordToNothing", {"record"}, "--output"},
        Mistake{"RecordToStdout", {"record", "-o", "-"}, "--output"},
        Mistake{"MissingValue", {"run", "--json"}, "--json"},
        Mistake{"NoCycles", {"run", "--cycles", "0"}, "--cycles: takes a whole number from 1"},
        Mistake{"JunkCycles", {"run", "--cycles", "many"}, "not 'many'"},
        Mistake{"TooManyCycles", {"run", "--cycles", "1001"}, "to 1000"},
        Mistake{"CyclesOfARecording",
                {"record", "-o", "t", "--cycles", "2"},
                "'--cycles' is not understood"},
        Mistake{"GivenTwice", {"run", "--seed", "1", "--seed", "2"}, "--seed"},
        Mistake{"ListOfUnknown", {"list", "target"}, "did you mean 'targets'?"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Targets, Mistakes,
    ::testing::Values(
        Mistake{"Name", {"run", "sqlit"}, "did you mean 'sqlite'?"},
        Mistake{"FarName", {"run", "oracle"}, "there is no target 'oracle'"},
        Mistake{"Empty", {"run", ""}, "there is no target ''"},
        Mistake{"Option", {"run", "sqlite:jornal=wal"}, "did you mean 'journal'?"},
        Mistake{"Value", {"run", "sqlite:journal=wall"}, "did you mean 'wal'?"},
        Mistake{"NoValue", {"run", "sqlite:journal"}, "needs a value"},
        Mistake{"NumberTooLarge", {"run", "sqlite:checkpoint=100001"}, "from 0 to 100000"},
        Mistake{"NoNumber", {"run", "sqlite:checkpoint=few"}, "from 0 to 100000"},
        Mistake{"Mutant", {"run", "cow_tree:mutant=M10"}, "did you mean 'M1"},
        Mistake{"Recorded", {"record", "--target", "cow_tee", "-o", "t"}, "'cow_tree'?"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Values, Mistakes,
    ::testing::Values(
        Mistake{"Workload", {"run", "--workload", "mixd"}, "did you mean 'mixed'?"},
        Mistake{"Model", {"run", "--model", "posix-minmal"}, "did you mean 'posix-minimal'?"},
        Mistake{"ModelKey", {"run", "--model", "xfs,drg=to-call"}, "did you mean 'drag'?"},
        Mistake{"ModelValue", {"run", "--model", "xfs,drag=to-cal"}, "did you mean 'to-call'?"},
        Mistake{"ModelMisfit", {"run", "--model", "somc,shape=log"}, "needs metadata-chain=yes"},
        Mistake{
            "ModelCycle", {"run", "--model", "xfs,size-before-data=yes"}, "make a cycle of edges"},
        Mistake{"ModelFile", {"run", "--model", "nowhere.toml"}, "nowhere.toml"},
        Mistake{"AllWithoutPowerCuts",
                {"run", "--model", "all", "--faults", "process-kill"},
                "--model all compares"},
        Mistake{"Tear", {"run", "--tear", "521"}, "did you mean '512'?"},
        Mistake{"Promise", {"run", "--promise", "durabel"}, "did you mean 'durable'?"},
        Mistake{"Fault", {"run", "--faults", "torn-writes"}, "did you mean 'torn-write'?"},
        Mistake{"SecondFault", {"run", "--faults", "power-cut,powercut"}, "'power-cut'?"},
        Mistake{"SeedText", {"run", "--seed", "abc"}, "--seed: takes a whole number"},
        Mistake{"SeedNegative", {"run", "--seed", "-1"}, "not '-1'"},
        Mistake{"SeedTooLarge", {"run", "--seed", "18446744073709551616"}, "18446744073709551615"},
        Mistake{"KeysZero", {"run", "--keys", "0"}, "from 1 to 1000000"},
        Mistake{"TransactionsNegative", {"run", "--transactions", "-1"}, "not '-1'"},
        Mistake{"JobsZero", {"run", "--jobs", "0"}, "from 1 to"},
        Mistake{"JobsTooMany", {"run", "--jobs", "5000"}, "not '5000'"},
        Mistake{"PerClassZero", {"run", "--per-class", "0"}, "from 1"},
        Mistake{"Recoveries", {"run", "--recoveries", "-2"}, "not '-2'"},
        Mistake{"Times", {"replay", "x", "--times", "0"}, "from 1"},
        Mistake{"BudgetUnit", {"run", "--budget", "3"}, "write 500ms, 90s, 30m or 2h"},
        Mistake{"BudgetZero", {"run", "--budget", "0s"}, "write 500ms, 90s, 30m or 2h"},
        Mistake{"BudgetTooLong", {"run", "--budget", "99999999h"}, "is no time"},
        Mistake{"Timeout", {"run", "--recovery-timeout", "5x"}, "'5x' is no time"},
        Mistake{"TwoOnStdout", {"run", "--json", "-", "--junit", "-"}, "--junit both name '-'"},
        Mistake{"TwoInOneFile", {"run", "--json", "r", "--junit", "./r"}, "both name"}),
    kNameOf);

// A configuration file that is refused, and what the complaint says.
struct BadConfig {
  const char* name;
  std::string text;
  std::string hint;
};

void PrintTo(const BadConfig& config, std::ostream* out) { *out << config.name; }

class BadConfigs : public ::testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigs, AreExplainedInOneLineWithTheirPlace) {
  Sandbox sandbox;
  WriteText(sandbox.path("c.toml"), GetParam().text);
  const Outcome outcome = sandbox.Run({"run", "--config", "c.toml", "--quiet"});
  ExpectComplaint(outcome, 2, GetParam().hint);
  EXPECT_NE(outcome.err.find("c.toml line "), std::string::npos) << outcome.err;
  EXPECT_EQ(sandbox.Names(), Words{"c.toml"});
}

INSTANTIATE_TEST_SUITE_P(
    Config, BadConfigs,
    ::testing::Values(
        BadConfig{"UnknownKey", "seed = 3\ntransactons = 7\n", "did you mean 'transactions'?"},
        BadConfig{"NotToml", "transactions = \n", "not TOML"},
        BadConfig{"Binary", std::string("\x00\xff\x01 = [", 6), "not TOML"},
        BadConfig{"KeyTwice", "seed = 1\nseed = 2\n", "not TOML"},
        BadConfig{"Table", "[run]\nseed = 3\n", "'run'"},
        BadConfig{"Fraction", "seed = 1.5\n", "'seed' must be"},
        BadConfig{"Negative", "seed = -1\n", "not '-1'"},
        BadConfig{"OutOfRange", "jobs = 0\n", "not '0'"},
        BadConfig{"FlagIsText", "quiet = \"maybe\"\n", "'quiet' must be true or false"},
        BadConfig{"AnotherConfig", "config = \"x\"\n", "there is no option 'config'"}),
    kNameOf);

class BadModelFiles : public ::testing::TestWithParam<BadConfig> {};

TEST_P(BadModelFiles, AreExplainedInOneLineWithTheirPlace) {
  Sandbox sandbox;
  WriteText(sandbox.path("m.toml"), GetParam().text);
  const Outcome outcome = sandbox.Run({"run", "--model", "m.toml", "--quiet"});
  ExpectComplaint(outcome, 2, GetParam().hint);
  EXPECT_NE(outcome.err.find("m.toml"), std::string::npos) << outcome.err;
  EXPECT_EQ(sandbox.Names(), Words{"m.toml"});
}

INSTANTIATE_TEST_SUITE_P(
    Config, BadModelFiles,
    ::testing::Values(
        BadConfig{"NoName", "fill = \"zero\"\n", "a model needs a name"},
        BadConfig{"UnknownKey", "name = \"m\"\nbarier = true\n", "line 2: there is no parameter"},
        BadConfig{"Value", "name = \"m\"\nfill = \"zeros\"\n", "did you mean 'zero'?"},
        BadConfig{"Table", "name = \"m\"\n[fill]\nx = 1\n", "line 2: 'fill' must be a word"},
        BadConfig{"List", "name = \"m\"\nfill = [\"zero\"]\n", "'fill' must be a word"},
        BadConfig{"KeyTwice", "name = \"m\"\nname = \"n\"\n", "line 2: this is not TOML"},
        BadConfig{"Binary", std::string("\x00\xff\x01 = [", 6), "not TOML"},
        BadConfig{"Deep", "name = " + std::string(50'000, '['), "not TOML"},
        BadConfig{"Large", "#" + std::string(10'000'000, 'x'), "at most 65536 bytes"},
        BadConfig{"Misfit", "name = \"m\"\nrename = \"dual\"\n", "line 2: rename=dual needs"}),
    kNameOf);

TEST(ModelFile, RunsAndItsCasesReplayWithoutIt) {
  Sandbox sandbox;
  WriteText(sandbox.path("m.toml"), "name = \"mine\"\nbase = \"posix-minimal\"\nfill = \"zero\"\n");
  const json result =
      sandbox.Result({"run", "cow_tree:dirsync=0", "--transactions", "10", "--model", "m.toml"}, 1);
  EXPECT_EQ(result["model"], "posix-minimal,name=mine,fill=zero");
  std::filesystem::remove(sandbox.path("m.toml"));
  ASSERT_FALSE(result["findings"].empty());
  for (const json& finding : result["findings"]) {
    const std::string file = "out/" + finding["case"].get<std::string>();
    EXPECT_EQ(sandbox.Run({"replay", file}).exit_code, 0);
  }
  const json again = sandbox.Result({"run", "cow_tree:dirsync=0", "--transactions", "10", "--model",
                                     result["model"].get<std::string>()},
                                    1, "again");
  EXPECT_EQ(again["findings"], result["findings"]);
}

TEST(ModelFile, ThatIsADirectoryIsAnError) {
  Sandbox sandbox;
  std::filesystem::create_directory(sandbox.path("m.toml"));
  ExpectComplaint(sandbox.Run({"run", "--model", "m.toml"}), 2, "'m.toml' is a directory");
}

TEST(Config, ValuesAreCheckedLikeThoseOfTheCommandLine) {
  Sandbox sandbox;
  WriteText(sandbox.path("c.toml"), "model = \"posix-minmal\"\n");
  ExpectComplaint(sandbox.Run({"run", "--config", "c.toml"}), 2, "did you mean 'posix-minimal'?");
}

TEST(Config, AFileThatIsNotThereIsAnError) {
  Sandbox sandbox;
  ExpectComplaint(sandbox.Run({"run", "--config", "nowhere.toml"}), 2, "nowhere.toml");
  ExpectComplaint(sandbox.Run({"run", "--config", "."}), 2, "is a directory");
}

TEST(Config, SetsOptionsAndTheCommandLineWins) {
  Sandbox sandbox;
  WriteText(sandbox.path("c.toml"),
            "target = \"sqlite:sync=extra\"\ntransactions = 7\nseed = 99\nquiet = true\n"
            "faults = [\"process-kill\", \"power-cut\"]\njson = \"r.json\"\n");
  const Outcome outcome = sandbox.Run({"run", "--config", "c.toml", "--seed", "5"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(Lines(outcome.out).size(), 1U);
  const json result = sandbox.Json("r.json");
  EXPECT_EQ(result["target"], "sqlite:sync=extra");
  EXPECT_EQ(result["trace"]["transactions"], 7);
  EXPECT_EQ(result["seed"], 5);
  EXPECT_EQ(result["tear"], "none");
  EXPECT_EQ(sandbox.Run({"run", "cow_tree", "--config", "c.toml"}).exit_code, 0);
  EXPECT_EQ(sandbox.Json("r.json")["target"], "cow_tree");
  EXPECT_EQ(sandbox.Json("r.json")["seed"], 99);
}

TEST(Config, WorksForEveryCommandThatRuns) {
  Sandbox sandbox;
  WriteText(sandbox.path("record.toml"),
            "output = \"t\"\ntransactions = 5\ntarget = "
            "\"cow_tree:dirsync=0\"\n");
  EXPECT_EQ(sandbox.Run({"record", "--config", "record.toml"}).exit_code, 0);
  WriteText(sandbox.path("explore.toml"), "out = \"o\"\npromise = \"durable\"\n");
  EXPECT_EQ(sandbox.Run({"explore", "t", "--config", "explore.toml"}).exit_code, 1);
  const std::string file =
      "o/" + sandbox.Json("o/result.json")["findings"][0]["case"].get<std::string>();
  WriteText(sandbox.path("replay.toml"), "times = 3\n");
  const Outcome replayed = sandbox.Run({"replay", file, "--config", "replay.toml"});
  EXPECT_EQ(replayed.exit_code, 0);
  EXPECT_NE(replayed.out.find("reproduced 3 of 3 times"), std::string::npos) << replayed.out;
}

}  // namespace
}  // namespace plugpull::e2e
