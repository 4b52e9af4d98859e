// Goal: `run --errors` from the command line: exit codes, what is said, what is written, the same
// for any number of jobs; its findings replay.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using ::testing::HasSubstr;

TEST(Errors, EachFailsEveryCallAndCowTreeHolds) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run(
      {"run", "cow_tree", "--errors", "each", "--transactions", "4", "--json", "result.json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("calls failed at least once"));
  const json result = sandbox.Json("result.json");
  const json& errors = result.at("errors");
  EXPECT_EQ(errors.at("calls"), errors.at("calls_failed"));
  EXPECT_GT(errors.at("calls").get<int>(), 50);
  EXPECT_GT(errors.at("runs").get<int>(), 100);
  uint64_t plans = 0;
  for (const json& row : errors.at("points")) {
    EXPECT_EQ(row.at("plans"), row.at("fired")) << row;
    EXPECT_EQ(
        row.at("fired").get<int>(),
        row.at("absorbed").get<int>() + row.at("failed").get<int>() + row.at("refused").get<int>())
        << row;
    EXPECT_EQ(row.at("violations"), 0) << row;
    plans += row.at("plans").get<uint64_t>();
  }
  EXPECT_EQ(errors.at("plans"), plans);
}

TEST(Errors, TheNumberOfJobsChangesNothing) {
  json results[2];
  for (size_t i = 0; i < 2; ++i) {
    Sandbox sandbox;
    results[i] = sandbox.Result({"run", "cow_tree:mutant=M16", "--errors", "each", "--transactions",
                                 "3", "--jobs", i == 0 ? "1" : "3"},
                                1);
    results[i].erase("rates");
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(Errors, M16IsFoundAndItsCasesReplay) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", "cow_tree:mutant=M16", "--errors", "each", "--transactions", "4"}, 1);
  bool is_acknowledged_after_error = false;
  for (const json& finding : result.at("findings")) {
    is_acknowledged_after_error =
        is_acknowledged_after_error || finding.at("class") == "acknowledged-after-error";
    EXPECT_THAT(finding.at("errors").get<std::string>(), HasSubstr("fail(point=vfs/sync"));
    const Outcome replayed =
        sandbox.Run({"replay", "out/" + finding.at("case").get<std::string>()});
    EXPECT_EQ(replayed.exit_code, 0) << finding << replayed.out << replayed.err;
  }
  EXPECT_TRUE(is_acknowledged_after_error);
}

// After a failed sync of the log, the next process reads the kept pages as committed, commits more
// on top of them, and a power cut loses what it has acknowledged (Rebello et al., ATC'20).
TEST(Errors, SqliteBuildsOnALogThatAFailedSyncHasDropped) {
  const std::string plan =
      "fail(point=vfs/sync,path=*-wal,call=5,errno=EIO,then=once,after=restart,aftermath=keep)";
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "sqlite:journal=wal,sync=full", "--errors", plan}, 1);
  ASSERT_FALSE(result.at("findings").empty());
  EXPECT_EQ(result.at("findings")[0].at("class"), "acknowledged-after-error");
  EXPECT_EQ(result.at("findings")[0].at("errors"), plan);
}

TEST(Errors, APlanThatNeverFiresFailsTheRun) {
  Sandbox sandbox;
  const Outcome outcome =
      sandbox.Run({"run", "cow_tree", "--errors", "fail(point=vfs/sync,path=*.none,errno=EIO)",
                   "--transactions", "3", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(Lines(outcome.err).size(), 1U) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("never fired"));
}

TEST(Errors, WrongWordsAreRefusedInOneLine) {
  for (const auto& [plan, says] : std::vector<std::pair<std::string, std::string>>{
           {"fail(point=vfs/snyc,errno=EIO)", "did you mean 'vfs/sync'?"},
           {"fail(point=vfs/sync,call=0,errno=EIO)", "from 1 to"},
           {"ech", "is not of the form"}}) {
    Sandbox sandbox;
    ExpectComplaint(sandbox.Run({"run", "cow_tree", "--errors", plan}), 2, says);
  }
}

TEST(Errors, FailuresAreListed) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"list", "failures"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("vfs/sync"));
  EXPECT_THAT(outcome.out, HasSubstr("keep-evict"));
}

}  // namespace
}  // namespace plugpull::e2e
