// Faults beyond the disk's contract, as a user asks for them: each fires, is found on engines that
// are right, is said to be beyond the contract, and is reproduced from its case.
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

constexpr const char* kEngines[] = {"cow_tree", "sqlite:journal=delete,sync=extra",
                                    "sqlite:journal=wal,sync=full"};

class FaultKinds : public testing::TestWithParam<const char*> {};

TEST_P(FaultKinds, AreFoundOnRightEnginesAndReproduced) {
  const std::string fault = GetParam();
  const std::string name = fault.substr(0, fault.find('('));
  size_t found = 0;
  for (const char* engine : kEngines) {
    Sandbox sandbox;
    const Outcome outcome = sandbox.Run({"run", engine, "--transactions", "20", "--faults", fault});
    ASSERT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 1) << outcome.err;
    const json result = sandbox.Json("plugpull-out/result.json");
    const json tally = result["faults_fired"][0];
    EXPECT_EQ(tally["fault"], fault);
    EXPECT_EQ(tally["legal"], false);
    EXPECT_GT(tally["fired"], 0) << engine;
    EXPECT_GE(tally["instances"], tally["fired"]);
    EXPECT_GE(tally["of"], tally["instances"]);
    EXPECT_GE(tally["recoveries"], tally["fired"]);
    EXPECT_NE(outcome.out.find(fault + ": fired in "), std::string::npos) << outcome.out;
    for (const json& finding : result["findings"]) {
      ++found;
      EXPECT_EQ(finding["fault"], name) << finding;
      EXPECT_EQ(finding["legal"], false);
      EXPECT_TRUE(finding["fault_instance"].get<std::string>().starts_with(name + "(") ||
                  finding["fault_instance"] == name);
      const std::string signature = finding["signature"];
      EXPECT_NE(signature.find(name), std::string::npos) << signature;
      EXPECT_NE(outcome.out.find("needs      " + name + ", beyond the disk's contract"),
                std::string::npos);
      const Outcome replay =
          sandbox.Run({"replay", "plugpull-out/" + finding["case"].get<std::string>()});
      EXPECT_EQ(replay.exit_code, 0) << finding << replay.out << replay.err;
    }
  }
  EXPECT_GT(found, 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FaultKinds,
                         testing::Values("lying-flush", "lying-flush(last=1)",
                                         "lying-flush(order=issued)", "stale-page",
                                         "misdirected-write", "zeroed-page", "bit-rot"),
                         [](const testing::TestParamInfo<const char*>& kind) {
                           std::string name = kind.param;
                           std::ranges::replace_if(
                               name, [](char c) { return std::string_view("-(=)").contains(c); },
                               '_');
                           return name;
                         });

// Engines that checksum what they write, and rewrite in place nothing that they rely on, do not
// mind a cut sector. One that does is in sub_sector_test.cpp.
TEST(SubSectorTear, FiresAndIsReproducedWhereItIsFound) {
  for (const char* fault : {"sub-sector-tear", "sub-sector-tear(unit=8)"}) {
    for (const char* engine : kEngines) {
      Sandbox sandbox;
      const Outcome outcome =
          sandbox.Run({"run", engine, "--transactions", "10", "--faults", fault});
      ASSERT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 1) << outcome.err;
      const json result = sandbox.Json("plugpull-out/result.json");
      EXPECT_GT(result["faults_fired"][0]["fired"], 0) << engine;
      for (const json& finding : result["findings"]) {
        EXPECT_EQ(finding["legal"], false) << finding;
        const Outcome replay =
            sandbox.Run({"replay", "plugpull-out/" + finding["case"].get<std::string>()});
        EXPECT_EQ(replay.exit_code, 0) << replay.out << replay.err;
      }
    }
  }
}

TEST(Faults, ThatAreLegalHoldWhereThoseBeyondDoNot) {
  Sandbox sandbox;
  for (const char* engine : kEngines) {
    const json result = sandbox.Result({"run", engine, "--transactions", "10", "--faults",
                                        "power-cut,torn-write,stale-page,lying-flush(last=1)"},
                                       1, "both");
    EXPECT_GT(result["coverage"]["states"].get<std::string>().size(), 1U);
    EXPECT_EQ(result["faults_fired"].size(), 2U);
    for (const json& finding : result["findings"]) EXPECT_GE(finding["fault_level"], 4) << finding;
    sandbox.Result({"run", engine, "--transactions", "10"}, 0, "legal");
  }
}

TEST(Faults, AreTheSameWhateverTheJobs) {
  Sandbox sandbox;
  for (const char* fault : {"bit-rot(count=9)+stale-page(count=5)", "lying-flush(last=2)",
                            "misdirected-write(count=7,across=yes)", "power-cut+zeroed-page"}) {
    const Words run = {"run",
                       "sqlite:journal=wal,sync=full",
                       "--transactions",
                       "12",
                       "--faults",
                       fault,
                       "--seed",
                       "5",
                       "--quiet",
                       "--jobs"};
    std::vector<json> results;
    for (const char* jobs : {"1", "2"}) {
      Words arguments = run;
      arguments.insert(arguments.end(), {jobs, "--out", jobs});
      EXPECT_LE(sandbox.Run(arguments).exit_code, 1);
      json& result = results.emplace_back(sandbox.Json(std::string(jobs) + "/result.json"));
      EXPECT_GT(result["faults_fired"][0]["fired"], 0) << fault;
      result.erase("rates");
    }
    EXPECT_EQ(results[0], results[1]) << fault;
  }
}

TEST(Faults, ThatNeverFireFailTheRun) {
  Sandbox sandbox;
  const Words run = {"run", "sqlite:sync=extra", "--transactions", "5", "--quiet", "--faults"};
  const auto with = [&](const std::string& faults) {
    Words arguments = run;
    arguments.push_back(faults);
    return sandbox.Run(arguments);
  };
  const Outcome nothing = with("stale-page(path=*.nothing)");
  EXPECT_EQ(nothing.exit_code, 2) << nothing.out;
  ASSERT_EQ(Lines(nothing.err).size(), 1U) << nothing.err;
  EXPECT_NE(nothing.err.find("the fault never fired: stale-page(path=*.nothing)"),
            std::string::npos);
  EXPECT_NE(nothing.err.find("test.db"), std::string::npos) << nothing.err;
  const json result = sandbox.Json("plugpull-out/result.json");
  EXPECT_EQ(result["verdict"], "unknown");
  EXPECT_EQ(result["coverage"]["unknown"],
            json({"the fault never fired: stale-page(path=*.nothing)"}));
  // With findings the run ends as it does for them, and says so all the same.
  const Outcome both = with("stale-page,zeroed-page(path=*.nothing)");
  EXPECT_EQ(both.exit_code, 1) << both.out;
  EXPECT_NE(both.err.find("the fault never fired: zeroed-page(path=*.nothing)"), std::string::npos);
  const Outcome late = with("lying-flush(from=100000)");
  EXPECT_EQ(late.exit_code, 2) << late.out;
  EXPECT_NE(late.err.find("syncs"), std::string::npos) << late.err;
}

TEST(Faults, ThatCannotBeAreRefusedInOneLine) {
  Sandbox sandbox;
  const auto complaint = [&](const char* faults, const char* text) {
    ExpectComplaint(sandbox.Run({"run", "--faults", faults}), 2, text);
  };
  complaint("stale-pge", "did you mean 'stale-page'?");
  complaint("stale-page(age=0)", "age takes a whole number from 1");
  complaint("power-cut,stale-page(age=5..2)", "age=5..2 cannot be");
  complaint("lying-flush(last=0)", "last=0 cannot be");
  complaint("sub-sector-tear(unit=7)", "one of 64 8");
  ExpectComplaint(sandbox.Run({"run", "--tear", "64"}), 2, "there is no tear '64'");
}

TEST(List, ShowsFaultsWithLevelsAndArguments) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"list", "faults"});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* text : {"level 2, legal", "level 5, beyond the disk's contract", "age=1..",
                           "(default 1..20)", "unit=64|8 (default 64)", "path (default *)"}) {
    EXPECT_NE(outcome.out.find(text), std::string::npos) << text << " in\n" << outcome.out;
  }
}

// A prefix of what was written is what every file system may leave once no sync is true.
TEST(LyingFlush, LosesCommitsOnEveryFileSystem) {
  Sandbox sandbox;
  for (const std::string target : {"cow_tree", "sqlite:journal=wal,sync=full"}) {
    const json result = sandbox.Result(
        {"run", target, "--transactions", "10", "--faults", "lying-flush"}, 1, "out-" + target);
    const auto& findings = result["findings"];
    const bool is_everywhere =
        std::any_of(findings.begin(), findings.end(), [](const json& finding) {
          return finding["class"] == "lost-commit" && finding["models"].size() == 8;
        });
    EXPECT_TRUE(is_everywhere) << target;
  }
}

// What would say nothing, or something else than it seems, is refused.
TEST(Combinations, ThatMeanNothingAreRefusedInOneLine) {
  Sandbox sandbox;
  const auto expect = [&sandbox](const Words& arguments, const std::string& hint) {
    ExpectComplaint(sandbox.Run(arguments), 2, hint);
  };
  expect({"run", "--faults", "power-cut,lying-flush", "--model", "all"}, "name one model");
  expect({"run", "--faults", "zeroed-page", "--model", "btrfs"}, "a read that fails");
  expect({"grade", "--cycles", "3"}, "one cycle");
  expect({"run", "--errors", "each", "--cycles", "2"}, "leave out --cycles");
  expect({"run", "--errors", "each", "--faults", "stale-page"}, "correct disk");
  EXPECT_EQ(sandbox.Names(), Words{});
}

}  // namespace
}  // namespace plugpull::e2e
