// Goal: a case file is all that another machine needs: it is read, replayed, unpacked, and tried on
// another target; and whatever is wrong with it or missing there is one clear line.
#include <gmock/gmock.h>

#include "harness/case_file.h"
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Returns: the first case of a run, moved away from what else the run left.
std::string CaseOf(Sandbox& sandbox, const Words& arguments, const std::string& name = "a.case") {
  const json result = sandbox.Result(arguments, 1);
  const std::string file = "out/" + result["findings"][0]["case"].get<std::string>();
  std::filesystem::rename(sandbox.path(file), sandbox.path(name));
  std::filesystem::remove_all(sandbox.path("out"));
  return name;
}

const Words kCow = {"run", "cow_tree:dirsync=0", "--transactions", "10"};
const Words kSqlite = {"run", "sqlite:journal=delete,sync=full", "--transactions", "10"};

TEST(CaseFile, SaysAllThatAPersonAsks) {
  Sandbox sandbox;
  const json saved = sandbox.Json(CaseOf(sandbox, kSqlite));
  EXPECT_EQ(saved["schema"], "plugpull.case/1");
  EXPECT_EQ(saved["class"], "lost-commit");
  EXPECT_EQ(saved["target"], "sqlite:journal=delete,sync=full");
  EXPECT_THAT(saved["target_version"].get<std::string>(), ::testing::StartsWith("SQLite 3."));
  EXPECT_EQ(saved["fault"], "power-cut-ordered");
  EXPECT_FALSE(saved["models"].empty());
  EXPECT_EQ(saved["strongest_model"], saved["models"].back());
  EXPECT_THAT(saved["crash"]["lost"].dump(), HasSubstr("unlink test.db-journal"));
  EXPECT_EQ(saved["workload"]["transactions"].size(), saved["crash"]["attempted"]);
  EXPECT_LE(std::filesystem::file_size(sandbox.path("a.case")), 64U << 10);
}

TEST(CaseFile, OfBeforeIsReplayed) {
  Sandbox sandbox;
  const Outcome outcome =
      sandbox.Run({"replay", PLUGPULL_SOURCE_DIR "/harness/testdata/container.case"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("reproduced 1 of 1 times"));
}

TEST(CaseFile, OfAnotherVersionOfTheTargetIsWarnedOf) {
  Sandbox sandbox;
  CaseOf(sandbox, kSqlite);
  const Outcome same = sandbox.Run({"replay", "a.case"});
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_EQ(same.err, "");
  const std::string path = sandbox.path("a.case").string();
  Case saved = *LoadCase(path);
  saved.target_version = "SQLite 3.99.0";
  ASSERT_TRUE(SaveCase(path, saved).has_value());
  const Outcome other = sandbox.Run({"replay", "a.case"});
  EXPECT_EQ(other.exit_code, 0);
  EXPECT_EQ(Lines(other.err).size(), 1U);
  EXPECT_THAT(other.err, HasSubstr("was recorded with SQLite 3.99.0, and this is SQLite"));
}

TEST(Replay, KeepsTheFilesBeforeAndAfterRecovery) {
  Sandbox sandbox;
  CaseOf(sandbox, kSqlite);
  const Outcome outcome = sandbox.Run({"replay", "a.case", "--keep-image", "kept"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("files in kept/before and kept/after"));
  // The journal that came back is there until recovery has rolled it back.
  EXPECT_TRUE(std::filesystem::exists(sandbox.path("kept/before/test.db")));
  EXPECT_TRUE(std::filesystem::exists(sandbox.path("kept/before/test.db-journal")));
  EXPECT_TRUE(std::filesystem::exists(sandbox.path("kept/after/test.db")));
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("kept/after/test.db-journal")));
  EXPECT_NE(sandbox.Text("kept/before/test.db"), sandbox.Text("kept/after/test.db"));
  // Once more, over what is ours; what else is there stays.
  WriteText(sandbox.path("kept/mine"), "mine");
  WriteText(sandbox.path("kept/after/stale"), "");
  EXPECT_EQ(sandbox.Run({"replay", "a.case", "--keep-image", "kept", "--quiet"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(sandbox.path("kept/mine")));
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("kept/after/stale")));
}

TEST(Replay, KeepsNothingWhereOthersHaveFiles) {
  Sandbox sandbox;
  CaseOf(sandbox, kCow);
  std::filesystem::create_directory(sandbox.path("theirs"));
  WriteText(sandbox.path("theirs/file"), "theirs");
  const Words before = sandbox.Names();
  ExpectComplaint(sandbox.Run({"replay", "a.case", "--keep-image", "theirs"}), 2,
                  "none of plugpull's");
  ExpectComplaint(sandbox.Run({"replay", "a.case", "--keep-image", "a.case"}), 2, "no directory");
  EXPECT_EQ(sandbox.Names(), before);
  std::filesystem::create_directory(sandbox.path("empty"));
  EXPECT_EQ(sandbox.Run({"replay", "a.case", "--keep-image", "empty"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(sandbox.path("empty/before")));
}

TEST(Replay, WritesJson) {
  Sandbox sandbox;
  CaseOf(sandbox, kCow);
  const Outcome outcome = sandbox.Run({"replay", "a.case", "--times", "3", "--json", "-"});
  EXPECT_EQ(outcome.exit_code, 0);
  const json told = json::parse(outcome.out, nullptr, false);
  EXPECT_EQ(told["schema"], "plugpull.replay/1");
  EXPECT_EQ(told["times"], 3);
  EXPECT_EQ(told["reproduced"], 3);
  EXPECT_EQ(told["instead"], nullptr);
  EXPECT_EQ(told["violation"]["class"], "lost-commit");
  EXPECT_EQ(sandbox.Run({"replay", "a.case", "--json", "r.json"}).exit_code, 0);
  EXPECT_EQ(sandbox.Json("r.json")["reproduced"], 1);
  ExpectComplaint(sandbox.Run({"replay", "a.case", "--quiet", "--json", "nowhere/r.json"}), 3,
                  "nowhere/r.json");
}

TEST(Against, TellsTheConfigurationThatHolds) {
  Sandbox sandbox;
  CaseOf(sandbox, kSqlite);
  const auto against = [&](const std::string& target) {
    return sandbox.Run({"replay", "a.case", "--quiet", "--against", target});
  };
  const Outcome same = against("sqlite:journal=delete,sync=full");
  EXPECT_EQ(same.exit_code, 0) << same.out << same.err;
  EXPECT_THAT(same.out, HasSubstr("the same class is there (lost-commit: "));
  const Outcome normal = against("sqlite:journal=delete,sync=normal");
  EXPECT_EQ(normal.exit_code, 0) << normal.out << normal.err;
  const Outcome extra = against("sqlite:journal=delete,sync=extra");
  EXPECT_EQ(extra.exit_code, 4) << extra.out << extra.err;
  EXPECT_THAT(Lines(extra.out), ElementsAre(HasSubstr("not there (held, exhaustive)")));
}

TEST(Against, IsAnotherEngineToo) {
  Sandbox sandbox;
  CaseOf(sandbox, kCow);
  const Outcome held = sandbox.Run({"replay", "a.case", "--against", "cow_tree", "--json", "r"});
  EXPECT_EQ(held.exit_code, 4) << held.out << held.err;
  const json told = sandbox.Json("r")["against"];
  EXPECT_EQ(told["target"], "cow_tree");
  EXPECT_EQ(told["same_class"], false);
  EXPECT_EQ(told["violation"], nullptr);
  EXPECT_EQ(told["mode"], "exhaustive");
  EXPECT_GT(told["recoveries"], 0);
  const Outcome sqlite = sandbox.Run({"replay", "a.case", "--against", "sqlite:sync=extra"});
  EXPECT_EQ(sqlite.exit_code, 4) << sqlite.out << sqlite.err;
  ExpectComplaint(sandbox.Run({"replay", "a.case", "--against", "cow_tre"}), 2, "cow_tree");
  ExpectComplaint(sandbox.Run({"replay", "a.case", "--against", "driver:./none"}), 3, "./none");
}

// M19 shows values that nobody wrote; M1, with its crash there, does not even open.
TEST(Against, SaysWhatIsThereInstead) {
  Sandbox sandbox;
  sandbox.Result({"run", "cow_tree:mutant=M19", "--transactions", "10"}, 1);
  const std::filesystem::path findings = sandbox.path("out/findings");
  size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(findings)) {
    if (!entry.path().filename().string().starts_with("wrong-value-")) continue;
    ++cases;
    const Outcome other = sandbox.Run(
        {"replay", entry.path().string(), "--quiet", "--against", "cow_tree:mutant=M1"});
    EXPECT_EQ(other.exit_code, 4) << other.out << other.err;
    EXPECT_THAT(Lines(other.out),
                ElementsAre(HasSubstr("against cow_tree:mutant=M1: not there (refuses-to-open: ")));
  }
  EXPECT_EQ(cases, 1U);
}

// A store that writes itself anew with each commit, and may forget to sync.
constexpr const char* kDriver = R"(#!/usr/bin/env python3
import os, sys
data, changes, path = {}, [], None
for line in sys.stdin:
    words = line.split()
    if words[0] == 'open':
        path = os.path.join(words[1], 'store')
        data = {}
        if os.path.exists(path):
            for entry in open(path):
                key, value = entry.split()
                data[key] = value
    elif words[0] == 'put': changes.append((words[1], words[2]))
    elif words[0] == 'del': changes.append((words[1], None))
    elif words[0] == 'begin': changes = []
    elif words[0] == 'commit':
        for key, value in changes:
            if value is None: data.pop(key, None)
            else: data[key] = value
        with open(path + '.new', 'w') as file:
            for key, value in data.items(): file.write(key + ' ' + value + '\n')
            file.flush()
            if SYNC: os.fsync(file.fileno())
        os.rename(path + '.new', path)
        if SYNC:
            folder = os.open(os.path.dirname(path), os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
    elif words[0] == 'dump':
        for key, value in data.items(): print(key, value)
        print('end', flush=True)
        continue
    elif words[0] == 'quit': break
    print('ok', flush=True)
)";

void WriteDriver(Sandbox& sandbox, const std::string& name, bool sync) {
  std::string text = kDriver;
  for (size_t at; (at = text.find("SYNC")) != std::string::npos;) {
    text.replace(at, 4, sync ? "True" : "False");
  }
  WriteText(sandbox.path(name), text);
  std::filesystem::permissions(sandbox.path(name), std::filesystem::perms::owner_all);
}

TEST(Against, IsAnotherVersionOfADriverToo) {
  if (!std::filesystem::exists("/usr/bin/python3")) GTEST_SKIP() << "there is no python3";
  Sandbox sandbox;
  WriteDriver(sandbox, "old", /*sync=*/false);
  WriteDriver(sandbox, "new", /*sync=*/true);
  const Outcome run = sandbox.Run(
      {"run", "driver:./old", "--transactions", "4", "--keys", "5", "--out", "out", "--quiet"});
  if (run.exit_code == 3) GTEST_SKIP() << "programs cannot be recorded here: " << run.err;
  ASSERT_EQ(run.exit_code, 1) << run.err;
  const json result = sandbox.Json("out/result.json");
  const std::string file = "out/" + result["findings"][0]["case"].get<std::string>();
  EXPECT_EQ(sandbox.Run({"replay", file, "--keep-image", "kept"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_directory(sandbox.path("kept/after")));
  const Outcome same = sandbox.Run({"replay", file, "--quiet", "--against", "driver:./old"});
  EXPECT_EQ(same.exit_code, 0) << same.out << same.err;
  const Outcome mended = sandbox.Run({"replay", file, "--quiet", "--against", "driver:./new"});
  EXPECT_EQ(mended.exit_code, 4) << mended.out << mended.err;
  EXPECT_THAT(mended.out, HasSubstr("not there (held"));
  // On a machine without it.
  std::filesystem::remove(sandbox.path("old"));
  ExpectComplaint(sandbox.Run({"replay", file}), 3, "the driver of the case is not here");
}

TEST(Replay, NeedsTheCheckOfAProgram) {
  Sandbox sandbox;
  WriteText(sandbox.path("load.sh"),
            "#!/bin/sh\nfor i in 1 2 3; do echo $i > n; mv n data; echo $i; done\n");
  WriteText(sandbox.path("verify.sh"),
            "#!/bin/sh\nlast=$(tail -n 1)\ntest -z \"$last\" || grep -qx \"[$last-9]\" data\n");
  for (const char* name : {"load.sh", "verify.sh"}) {
    std::filesystem::permissions(sandbox.path(name), std::filesystem::perms::owner_all);
  }
  const Outcome run = sandbox.Run(
      {"run", "--workload", "./load.sh", "--check", "./verify.sh", "--out", "out", "--quiet"});
  if (run.exit_code == 3) GTEST_SKIP() << "programs cannot be recorded here: " << run.err;
  ASSERT_EQ(run.exit_code, 1) << run.err;
  const json result = sandbox.Json("out/result.json");
  const std::string file = "out/" + result["findings"][0]["case"].get<std::string>();
  EXPECT_EQ(sandbox.Run({"replay", file, "--keep-image", "kept"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_directory(sandbox.path("kept/before")));
  ExpectComplaint(sandbox.Run({"replay", file, "--against", "sqlite"}), 2, "a program of yours");
  std::filesystem::remove(sandbox.path("verify.sh"));
  ExpectComplaint(sandbox.Run({"replay", file}), 3, "the check command of the case is not here");
}

}  // namespace
}  // namespace plugpull::e2e
