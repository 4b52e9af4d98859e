// Goal: `explain` tells the findings of real runs, of every kind of case, and says in one line what
// is wrong with a file that is no case.
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

// Returns: the path of the first case of a class among the findings of a run.
std::string CaseIn(const json& result, const std::string& kind) {
  for (const json& finding : result["findings"]) {
    if (kind.empty() || finding["class"] == kind) {
      return "out/" + finding["case"].get<std::string>();
    }
  }
  ADD_FAILURE() << "no finding of class " << kind;
  return "";
}

json Explained(Sandbox& sandbox, const std::string& path) {
  const Outcome outcome = sandbox.Run({"explain", path, "--json", "-"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return json::parse(outcome.out, nullptr, false);
}

void ExpectIn(const json& text, const std::string& part) {
  ASSERT_TRUE(text.is_string()) << text;
  EXPECT_NE(text.get<std::string>().find(part), std::string::npos) << text << " lacks " << part;
}

TEST(ExplainCommand, NamesTheUnlinkTheHotJournalAndTheMissingSyncOfTheDirectory) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", "sqlite:journal=delete,sync=full", "--transactions", "20"}, 1);
  const std::string path = CaseIn(result, "lost-commit");
  const json told = Explained(sandbox, path);
  ExpectIn(told["lost"], "the unlink of test.db-journal");
  ExpectIn(told["recovered"], "SQLite finds a hot journal");
  ExpectIn(told["recovered"], "rolls transaction");
  ExpectIn(told["missing"], "sync the directory .");
  const Outcome outcome = sandbox.Run({"explain", path, "--markdown", "told.md"});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const std::string& line : Lines(outcome.out)) EXPECT_LE(line.size(), 100) << line;
  EXPECT_NE(sandbox.Text("told.md").find("| LOST | unlink test.db-journal |"), std::string::npos);
}

TEST(ExplainCommand, EveryFindingOfM1AndM19LacksASyncOfTheStore) {
  for (const char* mutant : {"cow_tree:mutant=M1", "cow_tree:mutant=M19"}) {
    Sandbox sandbox;
    const json result = sandbox.Result({"run", mutant, "--transactions", "30"}, 1);
    for (const json& finding : result["findings"]) {
      const json told = Explained(sandbox, "out/" + finding["case"].get<std::string>());
      ExpectIn(told["missing"], "sync store.db");
      ExpectIn(told["lost"], "store.db");
    }
  }
}

TEST(ExplainCommand, TellsFaultsBeyondTheContract) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", "cow_tree", "--transactions", "20", "--faults", "stale-page"}, 1);
  const json told = Explained(sandbox, CaseIn(result, ""));
  ExpectIn(told["lost"], "The disk broke its contract: stale-page");
  ExpectIn(told["missing"], "No sync of the program's helps");
}

TEST(ExplainCommand, TellsACrashInRecovery) {
  Sandbox sandbox;
  const json result = sandbox.Result({"run", "cow_tree:mutant=R1", "--transactions", "12"}, 1);
  for (const json& finding : result["findings"]) {
    const json told = Explained(sandbox, "out/" + finding["case"].get<std::string>());
    EXPECT_TRUE(told["reproduced"].get<bool>());
    ExpectIn(told["recovered"], " ");
  }
}

TEST(ExplainCommand, ComplainsInOneLineOfWhatIsNoCase) {
  Sandbox sandbox;
  ExpectComplaint(sandbox.Run({"explain"}), 2, "case is required");
  ExpectComplaint(sandbox.Run({"explain", "missing.case"}), 2, "missing.case");
  WriteText(sandbox.path("junk.case"), "this is no case");
  ExpectComplaint(sandbox.Run({"explain", "junk.case"}), 2, "junk.case");
  ExpectComplaint(sandbox.Run({"explain", "junk.case", "--operations", "0"}), 2, "--operations");
  ExpectComplaint(sandbox.Run({"explain", "junk.case", "--json", "x", "--markdown", "x"}), 2,
                  "--markdown");
}

TEST(ExplainCommand, ADamagedCaseIsNoDanger) {
  Sandbox sandbox;
  const json result =
      sandbox.Result({"run", "cow_tree:mutant=M19", "--transactions", "6", "--keys", "4"}, 1);
  const std::string path = CaseIn(result, "");
  const std::string whole = sandbox.Text(path);
  for (size_t i = 0; i < 40; ++i) {
    std::string damaged = whole;
    const size_t at = 8 + i * (damaged.size() - 9) / 40;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    WriteText(sandbox.path("damaged.case"), damaged);
    const Outcome outcome = sandbox.Run({"explain", "damaged.case"});
    EXPECT_EQ(outcome.signal, 0) << at;
    EXPECT_TRUE(outcome.exit_code == 2 || outcome.exit_code == 0) << at << outcome.err;
  }
}

TEST(ExplainCommand, OfAProgramItTellsThePromisesAndWhatTheCheckSays) {
  Sandbox sandbox;
  WriteText(sandbox.path("load.sh"), "printf one > a\nprintf 'one\\n'\n");
  const json result = sandbox.Result(
      {"run", "--workload", "sh $OLDPWD/load.sh", "--check",
       "read line || exit 0; test -s a || { echo 'a is gone'; exit 1; }", "--dir", "d"},
      1);
  const json told = Explained(sandbox, CaseIn(result, "check-failed"));
  ExpectIn(told["promised"], "it had printed 1 line");
  ExpectIn(told["recovered"], "The check says: a is gone");
}

}  // namespace
}  // namespace plugpull::e2e
