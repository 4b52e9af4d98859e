// What plugpull says about SQLite's settings and about every planted bug of the copy-on-write tree.
#include <gmock/gmock.h>

#include <regex>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using ::testing::IsSubsetOf;
using ::testing::Not;

bool Matches(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, std::regex(pattern));
}

// Expects each finding's case to fail as recorded, ten times of ten.
void ExpectReplays(Sandbox& sandbox, const json& result) {
  for (const json& finding : result["findings"]) {
    const std::string file = "out/" + finding["case"].get<std::string>();
    const Outcome outcome = sandbox.Run({"replay", file, "--times", "10"});
    EXPECT_EQ(outcome.exit_code, 0) << file << ": " << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const Words lines = Lines(outcome.out);
    ASSERT_EQ(lines.size(), 3U) << outcome.out;
    EXPECT_TRUE(lines[0].starts_with(finding["class"].get<std::string>() + "  ")) << lines[0];
    EXPECT_EQ(lines[2], file + ": reproduced 10 of 10 times");
  }
}

void ExpectViolated(const json& result) {
  EXPECT_EQ(result["verdict"], "violated");
  ASSERT_FALSE(result["findings"].empty());
  for (const json& finding : result["findings"]) {
    EXPECT_NE(finding["message"], "");
    EXPECT_GT(finding["count"], 0);
    EXPECT_THAT(finding["models"], Not(::testing::IsEmpty()));
    EXPECT_LE(finding["transactions_acknowledged"], finding["transactions_attempted"]);
  }
}

using Arguments = Words;
class Held : public ::testing::TestWithParam<Arguments> {};

TEST_P(Held, HoldsAndSaysSoOnlyAfterAnExhaustiveSearch) {
  Sandbox sandbox;
  Words arguments = {"run"};
  arguments.insert(arguments.end(), GetParam().begin(), GetParam().end());
  const json result = sandbox.Result(arguments, 0);
  EXPECT_EQ(result["verdict"], "held");
  EXPECT_EQ(result["coverage"]["mode"], "exhaustive");
  EXPECT_EQ(result["coverage"]["bounds"], json::array());
  EXPECT_EQ(result["coverage"]["unknown"], json::array());
  EXPECT_EQ(result["findings"], json::array());
  EXPECT_EQ(result["model"], "posix-minimal");
  EXPECT_EQ(result["tear"], "512");
  EXPECT_EQ(result["trace"]["transactions"], 200);
  EXPECT_GT(result["coverage"]["uses"], 0);
  EXPECT_GT(result["coverage"]["reruns"], 0);
}

INSTANTIATE_TEST_SUITE_P(
    Targets, Held,
    ::testing::Values(Arguments{"sqlite:journal=delete,sync=extra"},
                      Arguments{"sqlite:journal=truncate,sync=full"},
                      Arguments{"sqlite:journal=persist,sync=full"},
                      Arguments{"sqlite:journal=wal,sync=full"},
                      Arguments{"sqlite:journal=wal,sync=normal", "--promise", "prefix"},
                      Arguments{"cow_tree"}, Arguments{"cow_tree:freelist=none"},
                      Arguments{"cow_tree:nogrowsync=1"}, Arguments{"cow_tree:page_size=16384"}));

TEST(SqliteSettings, DeleteWithFullLosesNothingButTheUnlinkOfTheJournal) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "sqlite:journal=delete,sync=full"}, 1);
  ExpectViolated(result);
  EXPECT_EQ(result["coverage"]["mode"], "exhaustive");
  EXPECT_EQ(Classes(result), std::set<std::string>{"lost-commit"});
  for (const json& finding : result["findings"]) {
    ASSERT_EQ(finding["lost"].size(), 1U);
    const std::string lost = finding["lost"][0];
    EXPECT_TRUE(Matches(lost, "^#[0-9]+ unlink test\\.db-journal$")) << lost;
    EXPECT_EQ(finding["fault"], "power-cut-ordered");
    EXPECT_EQ(finding["models"].size(), 8U);
    const std::string message = finding["message"];
    EXPECT_TRUE(Matches(message,
                        "recovered the state after transaction [0-9]+, but transaction "
                        "[0-9]+ was acknowledged"))
        << message;
  }
  ExpectReplays(sandbox, result);
}

// A commit is as lost on one file system as on another where its journal's unlink is.
TEST(SqliteSettings, DeleteWithFullIsViolatedUnderAllModels) {
  Sandbox sandbox;
  const json result = sandbox.Result(
      {"run", "sqlite:journal=delete,sync=full", "--transactions", "50", "--model", "all"}, 1);
  ExpectViolated(result);
  for (const auto& [model, verdict] : result["models"].items()) {
    EXPECT_EQ(verdict, "violated") << model;
  }
  ExpectReplays(sandbox, result);
}

TEST(SqliteSettings, DeleteWithFullHoldsThePromiseOfAPrefix) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", "sqlite:journal=delete,sync=full", "--promise", "prefix"}, 0);
  EXPECT_EQ(result["verdict"], "held");
  EXPECT_EQ(result["coverage"]["mode"], "exhaustive");
}

class DeleteModeDamaged : public ::testing::TestWithParam<const char*> {};

TEST_P(DeleteModeDamaged, IsDamagedInItsStructureOrRefusesToOpen) {
  Sandbox sandbox;
  const json result = sandbox.Result(
      {"run", std::string("sqlite:journal=delete,sync=") + GetParam(), "--transactions", "60"}, 1);
  ExpectViolated(result);
  const std::set<std::string> classes = Classes(result);
  EXPECT_TRUE(classes.contains("structure") || classes.contains("refuses-to-open"));
  EXPECT_EQ(result["coverage"]["mode"], "bounded");
  EXPECT_EQ(result["coverage"]["bounds"], json({"per-class"}));
  ExpectReplays(sandbox, result);
}

INSTANTIATE_TEST_SUITE_P(Sync, DeleteModeDamaged, ::testing::Values("off", "normal"));

TEST(SqliteSettings, WalWithNormalBreaksDurabilityAndNothingElse) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "sqlite:journal=wal,sync=normal"}, 1);
  ExpectViolated(result);
  EXPECT_EQ(Classes(result), std::set<std::string>{"lost-commit"});
  for (const json& finding : result["findings"]) EXPECT_EQ(finding["promise"], "durable");
  ExpectReplays(sandbox, result);
}

TEST(CowTree, AnUnsyncedDirectoryLosesTheWholeStoreAfterAcknowledgedCommits) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "cow_tree:dirsync=0"}, 1);
  ExpectViolated(result);
  EXPECT_EQ(result["coverage"]["mode"], "exhaustive");
  const json& finding = result["findings"][0];
  EXPECT_EQ(finding["class"], "lost-commit");
  ASSERT_EQ(finding["lost"].size(), 1U);
  EXPECT_TRUE(Matches(finding["lost"][0], "^#[0-9]+ rename store\\.db\\.new to store\\.db$"));
  EXPECT_GT(finding["transactions_acknowledged"], 0);
  ExpectReplays(sandbox, result);
}

// A planted bug, and the findings that it must lead to: a class and what the message says.
struct Mutant {
  const char* name;
  std::vector<std::pair<std::string, std::string>> symptoms;
};

void PrintTo(const Mutant& mutant, std::ostream* out) { *out << mutant.name; }

class Mutants : public ::testing::TestWithParam<Mutant> {};

TEST_P(Mutants, IsFoundByItsSymptomAndReplays) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", std::string("cow_tree:mutant=") + GetParam().name}, 1);
  ExpectViolated(result);
  for (const auto& [expected_class, pattern] : GetParam().symptoms) {
    const bool found = std::ranges::any_of(result["findings"], [&](const json& finding) {
      return finding["class"] == expected_class && Matches(finding["message"], pattern);
    });
    EXPECT_TRUE(found) << expected_class << ": " << pattern << "\n" << result["findings"].dump(1);
  }
  ExpectReplays(sandbox, result);
}

const std::string kOldState = "recovered the state after transaction [0-9]+, but transaction";
const std::string kDamagedTree =
    "self identifies as|multiple references|reachable freed|out of bounds|invalid type|needs to be "
    "<";

INSTANTIATE_TEST_SUITE_P(
    CowTree, Mutants,
    ::testing::Values(
        Mutant{"M1", {{"structure", kDamagedTree}, {"refuses-to-open", "invalid freelist page"}}},
        Mutant{"M2", {{"structure", kDamagedTree}, {"refuses-to-open", "invalid freelist page"}}},
        Mutant{"M5", {{"structure", kDamagedTree}}}, Mutant{"M10a", {{"lost-commit", kOldState}}},
        Mutant{"M11",
               {{"partial-commit", "transaction [0-9]+ is there in key"},
                {"structure", kDamagedTree}}},
        Mutant{"M15",
               {{"lost-commit", kOldState},
                {"refuses-to-open", "invalid database|version mismatch|file size too small"}}},
        Mutant{"M18", {{"refuses-to-open", "invalid freelist page"}}},
        Mutant{"M19", {{"lost-commit", kOldState}}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CowTree, TheOlderMetaIsOpenedEvenWhenNothingIsLost) {
  Sandbox sandbox;
  const json result = sandbox.Result(
      {"run", "cow_tree:mutant=M10a", "--model", "process-kill", "--per-class", "1000"}, 1);
  const bool found = std::ranges::any_of(result["findings"], [](const json& finding) {
    return finding["class"] == "lost-commit" && finding["lost"].empty() &&
           finding["fault"] == "process-kill";
  });
  EXPECT_TRUE(found) << result["findings"].dump(1);
}

TEST(Replay, IsTheSameInTenProcesses) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "cow_tree:mutant=M1", "--transactions", "30"}, 1);
  const std::string file = "out/" + result["findings"][0]["case"].get<std::string>();
  const Outcome first = sandbox.Run({"replay", file});
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_NE(first.out.find("reproduced 1 of 1 times"), std::string::npos);
  for (int i = 1; i < 10; ++i) {
    const Outcome again = sandbox.Run({"replay", file});
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_EQ(again.out, first.out);
  }
}

TEST(Replay, ReadsACaseThatWasMovedAlone) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "cow_tree:dirsync=0", "--transactions", "10"}, 1);
  const std::string file = result["findings"][0]["case"];
  const std::string moved = "a b \xc3\xa9.case";
  std::filesystem::rename(sandbox.path("out/" + file), sandbox.path(moved));
  std::filesystem::remove_all(sandbox.path("out"));
  EXPECT_EQ(sandbox.Run({"replay", moved}).exit_code, 0);
}

}  // namespace
}  // namespace plugpull::e2e
