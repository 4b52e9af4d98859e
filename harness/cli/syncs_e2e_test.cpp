// Goal: what plugpull says of the syncs of targets and programs whose right answer is known: no
// sync that is missing goes unnoticed, none is proposed for nothing, and none is called redundant
// that something needs.
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Runs `plugpull syncs`, and expects the exit code.
json Syncs(Sandbox& sandbox, Words arguments, int exit_code) {
  arguments.insert(arguments.begin(), "syncs");
  arguments.insert(arguments.end(), {"--out", "out", "--quiet"});
  const Outcome outcome = sandbox.Run(arguments);
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
  return sandbox.Json("out/syncs.json");
}

// Returns: what is missing, each as "thing: models that need it".
std::vector<std::string> Missing(const json& report) {
  std::vector<std::string> all;
  for (const json& missing : report["missing"]) {
    std::string line = missing["thing"].get<std::string>() + ":";
    const size_t models = missing["models"].size();
    if (models == report["models"].size()) {
      line += " every model";
    } else {
      for (const json& model : missing["models"]) line += " " + model.get<std::string>();
    }
    all.push_back(std::move(line));
  }
  return all;
}

// Expects that nothing is violated any more, and that every crash state was looked at.
void ExpectHeldWithMissing(const json& report) {
  EXPECT_EQ(report["unhelped"], json::array());
  for (const json& with : report["with_missing"]) {
    EXPECT_EQ(with["verdict"], "held") << with;
    EXPECT_EQ(with["exhaustive"], true) << with;
  }
}

// Returns: the uses of the syncs that run in more than one transaction.
Words UsesInCommits(const json& report) {
  Words uses;
  for (const json& place : report["places"]) {
    if (place["in_transactions"] > 1) uses.push_back(place["use"]);
  }
  return uses;
}

const char* const kAllButJournal =
    " posix-minimal somc ext4-writeback ext4-ordered xfs btrfs ext4-ordered-classic";

TEST(SyncsTest, SqliteDeleteFullLacksTheDirectorySyncThatExtraMakes) {
  Sandbox sandbox;
  const json report = Syncs(sandbox, {"sqlite:journal=delete,sync=full"}, 1);
  EXPECT_EQ(report["schema"], "plugpull.syncs/1");
  EXPECT_THAT(Missing(report), ElementsAre("fsync of the directory of journal: every model"));
  const json& missing = report["missing"][0];
  EXPECT_THAT(missing["place"].get<std::string>(), HasSubstr("after unlink(journal)"));
  EXPECT_EQ(missing["executions"], 12) << "once a commit";
  EXPECT_EQ(missing["removes"].size(), report["findings"].size());
  ExpectHeldWithMissing(report);
  EXPECT_THAT(UsesInCommits(report), testing::Each("load-bearing"));
  EXPECT_EQ(report["judged_with_missing"], true);
}

TEST(SyncsTest, SqliteExtraLacksNothing) {
  Sandbox sandbox;
  const json report =
      Syncs(sandbox, {"sqlite:journal=delete,sync=extra", "--transactions", "6"}, 0);
  EXPECT_THAT(Missing(report), IsEmpty());
  EXPECT_EQ(report["judged_with_missing"], false);
}

TEST(SyncsTest, BothSyncsOfACowTreeCommitAreLoadBearingAndReplay) {
  Sandbox sandbox;
  const json report = Syncs(sandbox, {"cow_tree"}, 0);
  EXPECT_THAT(Missing(report), IsEmpty());
  Words data_syncs;
  for (const json& place : report["places"]) {
    if (place["executions"] != 12) continue;
    EXPECT_EQ(place["call"], "fdatasync");
    data_syncs.push_back(place["use"]);
    EXPECT_THAT(place["protects"].get<std::string>(), HasSubstr("without it"));
    const std::string file = "out/" + place["breaks"][0]["case"].get<std::string>();
    EXPECT_EQ(sandbox.Run({"replay", file}).exit_code, 0) << file;
  }
  EXPECT_THAT(data_syncs, ElementsAre("load-bearing", "load-bearing"));
}

TEST(SyncsTest, ASpareSyncIsNamedRedundant) {
  Sandbox sandbox;
  const json report = Syncs(sandbox, {"cow_tree:spare_sync=first"}, 0);
  Words data_syncs;
  for (const json& place : report["places"]) {
    if (place["executions"] != 12) continue;
    data_syncs.push_back(place["use"]);
    if (place["use"] != "redundant") continue;
    EXPECT_EQ(place["idle"], 12);
    EXPECT_EQ(place["redundant_under"].size(), 8U);
  }
  EXPECT_THAT(data_syncs, ElementsAre("redundant", "load-bearing", "load-bearing"));
}

TEST(SyncsTest, OfTwoThatCoverTheSameOnlyOneCanGo) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"syncs", "cow_tree:spare_sync=twice", "--out", "out"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("each alone is redundant under"));
  EXPECT_THAT(outcome.out, HasSubstr("not all together"));
}

TEST(SyncsTest, ProposesWhatTheMutantsLeaveOut) {
  for (const std::string mutant : {"M1", "M19"}) {
    SCOPED_TRACE(mutant);
    Sandbox sandbox;
    const json report = Syncs(sandbox, {"cow_tree:mutant=" + mutant}, 1);
    ASSERT_EQ(report["missing"].size(), 1U);
    const json& missing = report["missing"][0];
    EXPECT_EQ(missing["thing"], "fdatasync of store");
    EXPECT_EQ(missing["executions"], 12) << "once a commit, and nowhere else";
    const std::string place = missing["place"];
    EXPECT_THAT(place, HasSubstr("after write(store)"));
    EXPECT_THAT(place,
                HasSubstr(mutant == "M1" ? "before write(store)" : "before the commit returns"));
    ExpectHeldWithMissing(report);
  }
}

// One protocol with its syncs left out.
struct ReplaceCase {
  const char* name;
  const char* sync;
  std::vector<std::string> missing;
};

std::ostream& operator<<(std::ostream& out, const ReplaceCase& c) { return out << c.name; }

class ReplaceTest : public testing::TestWithParam<ReplaceCase> {};

TEST_P(ReplaceTest, LacksWhatWasLeftOut) {
  Sandbox sandbox;
  const json report =
      Syncs(sandbox, {std::string("files:protocol=replace,sync=") + GetParam().sync},
            GetParam().missing.empty() ? 0 : 1);
  EXPECT_THAT(Missing(report), testing::UnorderedElementsAreArray(GetParam().missing));
  ExpectHeldWithMissing(report);
}

const std::string kFileSync = std::string("fdatasync of state:") + kAllButJournal;
const std::string kDirectorySync = "fsync of the directory of state: every model";

INSTANTIATE_TEST_SUITE_P(All, ReplaceTest,
                         testing::ValuesIn(std::vector<ReplaceCase>{
                             {"none", "none", {kFileSync, kDirectorySync}},
                             {"file", "file", {kDirectorySync}},
                             {"directory", "directory", {kFileSync}},
                             {"both", "file+directory", {}},
                         }),
                         [](const testing::TestParamInfo<ReplaceCase>& c) {
                           return std::string(c.param.name);
                         });

// The tiny protocols of workloads/protocols, unmodified programs.
struct ProgramCase {
  std::string name;
  std::vector<std::string> missing;
};

std::ostream& operator<<(std::ostream& out, const ProgramCase& c) { return out << c.name; }

class ProgramSyncsTest : public testing::TestWithParam<ProgramCase> {};

TEST_P(ProgramSyncsTest, LacksWhatItsNameSays) {
  Sandbox sandbox;
  const std::filesystem::path program =
      std::filesystem::path(PLUGPULL_BINARY).parent_path() / "protocols" / GetParam().name;
  ASSERT_TRUE(std::filesystem::exists(program)) << program;
  const json report =
      Syncs(sandbox, {"--workload", program.string(), "--check", program.string() + " check"},
            GetParam().missing.empty() ? 0 : 1);
  EXPECT_EQ(report["door"], "traced");
  EXPECT_EQ(report["promise"], nullptr);
  EXPECT_THAT(Missing(report), testing::UnorderedElementsAreArray(GetParam().missing));
  ExpectHeldWithMissing(report);
}

INSTANTIATE_TEST_SUITE_P(
    All, ProgramSyncsTest,
    testing::ValuesIn(std::vector<ProgramCase>{
        {"correct_replace", {}},
        {"rename_without_fsync", {std::string("fdatasync of data:") + kAllButJournal}},
        {"rename_without_directory_fsync", {"fsync of the directory of data: every model"}},
        {"create_without_directory_fsync", {"fsync of the directory of item-N: posix-minimal"}},
        {"unlink_without_directory_fsync", {"fsync of the directory of item-N: every model"}},
        {"index_before_data", {std::string("fdatasync of data:") + kAllButJournal}},
        {"header_with_payload", {std::string("fdatasync of data:") + kAllButJournal}},
        {"acknowledge_without_fsync", {"fdatasync of log: every model"}},
    }),
    [](const testing::TestParamInfo<ProgramCase>& c) { return c.param.name; });

TEST(SyncsTest, AgainstATornPageNoSyncHelps) {
  Sandbox sandbox;
  const std::string program =
      std::filesystem::path(PLUGPULL_BINARY).parent_path() / "protocols" / "torn_page";
  const json report =
      Syncs(sandbox, {"--model", "xfs", "--check", program + " check", "--workload", program}, 1);
  EXPECT_THAT(Missing(report), IsEmpty());
  ASSERT_EQ(report["unhelped"].size(), 1U);
  EXPECT_THAT(report["unhelped"][0]["why"].get<std::string>(), HasSubstr("no sync"));
  for (const json& place : report["places"]) EXPECT_EQ(place["use"], "unknown");
}

TEST(SyncsTest, OneModelIsAskedAlone) {
  Sandbox sandbox;
  const json report =
      Syncs(sandbox, {"files:protocol=replace,sync=directory", "--model", "ext4-journal"}, 0);
  ASSERT_EQ(report["models"].size(), 1U);
  EXPECT_EQ(report["models"][0]["model"], "ext4-journal");
}

TEST(SyncsTest, IsTheSameForAnyNumberOfJobs) {
  json results[2];
  for (const int jobs : {1, 3}) {
    Sandbox sandbox;
    json& report = results[jobs / 3];
    report = Syncs(sandbox, {"cow_tree:mutant=M1", "--jobs", std::to_string(jobs)}, 1);
    report.erase("elapsed_s");
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(SyncsTest, ReportsAreWrittenWhereTheyAreAskedFor) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"syncs", "cow_tree:mutant=M19", "--transactions", "4",
                                       "--out", "o", "--json", "-", "--markdown", "s.md"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_EQ(json::parse(outcome.out, nullptr, false)["schema"], "plugpull.syncs/1");
  EXPECT_THAT(outcome.err, HasSubstr("missing  fdatasync of store"));
  EXPECT_THAT(sandbox.Text("s.md"), HasSubstr("| fdatasync of store |"));
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("o/trials"))) << "scratch is cleared away";
}

TEST(SyncsTest, WrongWordsAreExplainedInOneLine) {
  Sandbox sandbox;
  ExpectComplaint(sandbox.Run({"syncs", "cow_tre"}), 2, "cow_tree");
  ExpectComplaint(sandbox.Run({"syncs", "--model", "ext4-odered"}), 2, "ext4-odered");
  ExpectComplaint(sandbox.Run({"syncs", "--transactons", "3"}), 2, "--transactions");
  ExpectComplaint(sandbox.Run({"syncs", "--workload", "true", "--dir", "d"}), 2, "--check");
  EXPECT_EQ(sandbox.Names(), Words{});
}

TEST(SyncsTest, ABudgetEndsItWithWhatThereIs) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run(
      {"syncs", "sqlite:journal=delete,sync=off", "--budget", "200ms", "--out", "out", "--quiet"});
  EXPECT_THAT(outcome.out, HasSubstr("stopped by its budget"));
  const json report = sandbox.Json("out/syncs.json");
  EXPECT_EQ(report["out_of_budget"], true);
  for (const json& place : report["places"]) EXPECT_NE(place["use"], "redundant");
}

}  // namespace
}  // namespace plugpull::e2e
